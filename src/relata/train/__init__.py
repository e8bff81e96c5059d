"""Training: run files, stages, what may move, the mixture of turns, packing, the optimiser, the run."""
