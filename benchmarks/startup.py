"""How long the package and the program take to start: `python benchmarks/startup.py [RUNS]`.

Each run is a new process; the time is that of the wall, the start of Python itself included.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import relata": ["-c", "import relata"],
    "relata --help": ["-m", "relata", "--help"],
    "relata list readers": ["-m", "relata", "list", "readers"],
}


def seconds(arguments: list[str]) -> float:
    """Of one new process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main(runs: int) -> None:
    print(f"{platform.python_version()}, {os.cpu_count()} CPUs; {runs} runs")
    print(f"{'seconds':24}{'best':>8}{'median':>8}")
    for name, arguments in COMMANDS.items():
        times = [seconds(arguments) for _ in range(runs)]
        print(f"{name:24}{min(times):8.3f}{statistics.median(times):8.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
