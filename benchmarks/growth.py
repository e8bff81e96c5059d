"""How memory and time of a run grow with its number of scenes: python benchmarks/growth.py [--most N] [--paid N]

Each line is `build("rec", FILE, kinds=["detailed"])` in a process of its own, one record per scene: peak of resident
memory, and seconds per thousand scenes. The paid runs ask the scripted server, which is another process.
"""

from __future__ import annotations

import argparse
import platform
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from relata.scene import encode
from rules import scene
from teacher import server
from throughput import RULE, settings, world

RUN = """
import sys, time
from relata.recipes import build
scenes, teacher, out = sys.argv[1:]
peak_of = lambda: next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
start = peak_of()
began = time.perf_counter()
report = build("rec", scenes, teacher, out=out, kinds=["detailed"])
wall = time.perf_counter() - began
peak = peak_of()
print(report.kept, start, peak, wall)
"""


def line(teacher: str, kind: str, scenes: Path, out: Path, count: int) -> None:
    told = [sys.executable, "-c", RUN, str(scenes), teacher, str(out)]
    kept, start, peak, wall = map(float, subprocess.check_output(told, text=True).split())
    assert kept == count, f"{kept:.0f} records of {count} scenes"
    rate = f"{1e3 * wall / count:.2f} s per 1,000"
    print(
        f"{kind:8s} {count:7d} scenes: {start / 1024:5.0f} MiB before, {peak / 1024:5.0f} MiB at most, {rate}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=100_000, help="scenes of the largest run by rules")
    parser.add_argument("--paid", type=int, default=10_000, help="scenes of the largest run with a paid teacher")
    told = parser.parse_args()
    print(f"Python {platform.python_version()}")
    for count in (1_000, 10_000, 100_000):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if count <= told.most:
                rng = random.Random(0)
                with (folder / "scenes.jsonl").open("wb") as file:
                    file.writelines(encode(scene(number, rng)) + b"\n" for number in range(count))
                line("rules", "rules", folder / "scenes.jsonl", folder / "rules", count)
            if count <= told.paid:
                scenes = world(folder / "world", count, (64, 48))
                with server(f"latency: 0.0\nrules: [{RULE}]") as url:
                    line(settings(folder, url), "endpoint", scenes, folder / "endpoint", count)


if __name__ == "__main__":
    main()
