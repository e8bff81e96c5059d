"""An engine is where work runs. One file each, with `run(work, units, workers)`, which yields results when ready."""
