"""How fast proposals of a segmenter are merged: python benchmarks/proposals.py [--size 640x480] [--runs 5]

Makes up masks as a segmenter gives them (ragged ellipses of 0.3 to 12 % of the image, half of them parts that lie in
others), and prints the seconds of processor time on one core to merge them into the regions of one image, and to find
the salient ones of 20 annotated regions.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time

import numpy as np
import numpy.typing as npt

from relata.geometry import rle_area, rle_box, rle_encode
from relata.proposals import Proposal, propose, regions
from relata.salience import salient
from relata.scene import Scene


def blob(rng: np.random.Generator, width: int, height: int) -> npt.NDArray[np.bool_]:
    """An ellipse with a ragged edge."""
    share = float(np.exp(rng.uniform(np.log(0.003), np.log(0.12))))
    radius = np.sqrt(share * width * height / np.pi)
    stretch = rng.uniform(0.5, 2)
    y, x = np.ogrid[:height, :width]
    across, down = (x - rng.uniform(0, width)) / stretch, (y - rng.uniform(0, height)) * stretch
    ragged = 1 + 0.1 * np.sin(np.arctan2(down, across) * rng.integers(3, 15))
    return np.asarray(across**2 + down**2 < (radius * ragged) ** 2)


def masks(count: int, width: int, height: int) -> list[Proposal]:
    rng = np.random.default_rng(0)
    found: list[Proposal] = []
    while len(found) < count:
        mask = rle_encode(blob(rng, width, height))
        box = rle_box(mask)
        if box and rle_area(mask) >= 300:
            found.append(Proposal(mask, box, rle_area(mask), float(rng.uniform(0.8, 1)), float(rng.uniform(0.8, 1))))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    width, height = map(int, chosen.size.split("x"))
    print(f"Python {platform.python_version()}, one core, images of {width} x {height}, median of {chosen.runs} runs")
    print(f"{'proposals':>10s} {'merge':>9s} {'salient':>9s}   kept")
    for count in (50, 100, 200, 400):
        given = masks(count, width, height)
        annotated = regions(given[:: max(1, count // 20)][:20])
        scene = Scene("s", "s.jpg", width, height, annotated)
        times: list[list[float]] = [[], []]
        for _ in range(chosen.runs):
            start = time.process_time()
            merged = propose(given[: count // 2], given[count // 2 :])
            middle = time.process_time()
            salient(scene, given)
            times[0].append(middle - start)
            times[1].append(time.process_time() - middle)
        merge, find = map(statistics.median, times)
        print(f"{count:10d} {merge:8.3f}s {find:8.3f}s   {len(merged.kept)}")


if __name__ == "__main__":
    main()
