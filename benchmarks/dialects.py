"""How fast replies are read and written, and how long 1 MB of hostile text takes, for every dialect.

    python benchmarks/dialects.py [--seconds 1.0]

Prints replies per second of CPU time (best and median of five runs) for a ReC-like reply of about 600 characters with
15 tags, and the slowest of a list of 1 MB texts made to trip a reader.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable

from relata.chat import ImageRef
from relata.dialects import Dialect, dialect
from relata.grounded import Mention, Predicate, Span, Text
from relata.names import listing
from relata.scene import Box

IMAGES = (ImageRef("a.jpg", 640, 480),)
MAN, DOG, RUG, LAMP = Box(101, 52, 330, 463), Box(239, 145, 426, 384), Box(1, 300, 640, 480), Box(500, 10, 600, 200)

#: 6 tags of phrases and predicates and 9 of boxes, as in ASMv2's detailed descriptions.
REPLY: tuple[Span, ...] = (
    Text("In the image, a "),
    Mention("man", (MAN,)),
    Text(" in a dark coat and a small "),
    Mention("dog", (DOG,)),
    Text(" are "),
    Predicate("standing on", (MAN, DOG), (RUG, RUG)),
    Text(" a "),
    Mention("rug", (RUG,)),
    Text(" that covers most of the floor of the room. The man is "),
    Predicate("looking at", (MAN,), (DOG,)),
    Text(" the dog, while a lamp "),
    Predicate("behind", (LAMP,), (MAN,)),
    Text(" them lights the scene from the right-hand side, which gives the whole picture a warm and quiet mood."),
)

#: Pieces that are repeated up to 1 MB.
HOSTILE = (
    "<ref>", "</ref>", "<ref>a</ref>", "<ref>a</ref> ", "<pred>a</pred><box>", "<box>[[", "<box>[[1,", "<box>",
    "</box>", "[[[[", "[1,2,3,", "[[1,2,3,4],", "[0.1, 0.2, 0.3, 0.4] ", "[ ", "((((", "(1,2),", "9", "1.", ",", " ",
    "\n", "<", "<|box_start|>", "<|box_start|>(1,2),(3,4)", "<|object_ref_start|>", "{", '{"bbox_2d": [',
    '{"label": "', "<img0>", "<img0><patch_index_0001>", "<patch_index_", "<caption>", "<loc0001>",
    "<loc0001><loc0002><loc0003><loc0004> > ", "<loc", ";", "Objects:\n", "region1: ", "region1: region2 on, ",
    "<image>", "Image 2: ",
)  # fmt: skip
#: And what may stand in front of the most common of them, so that the reader is already inside something.
OPENINGS = (
    "<ref>", "<ref>a</ref><box>", "<box>[[", "[", "[Image 2: ", "<|box_start|>(", '{"bbox_2d": ["', '{"label": "',
    "<loc0001>", "Objects:\nregion1: ", "Objects:\nRelations:\nregion1: ",
)  # fmt: skip
INSIDE = ("9", " ", ",", "[", "\\", "region1 a, ")

TEXTS = (*((piece, "") for piece in HOSTILE), *((piece, opening) for opening in OPENINGS for piece in INSIDE))


def rate(work: Callable[[], object], seconds: float) -> tuple[float, float]:
    """Calls per second of CPU time: best and median of five runs."""
    rates = []
    for _ in range(5):
        count, start = 0, time.process_time()
        while time.process_time() - start < seconds / 5:
            work()
            count += 1
        rates.append(count / (time.process_time() - start))
    return max(rates), statistics.median(rates)


def slowest(made: Dialect) -> tuple[float, str]:
    """CPU seconds of the slowest hostile text of 1 MB, and what it repeats."""
    worst = (0.0, "")
    for piece, opening in TEXTS:
        text = opening + piece * (1_000_000 // len(piece))
        start = time.process_time()
        made.read(text, IMAGES)
        worst = max(worst, (time.process_time() - start, opening + piece))
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each rate")
    seconds = parser.parse_args().seconds
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, one used")
    print(f"{len(TEXTS)} hostile texts of 1 MB; the slowest is shown")
    print(f"{'dialect':12} {'chars':>5} {'read/s best':>12} {'median':>8} {'write/s best':>12} {'1 MB':>8}  repeats")
    for name in listing("dialects"):
        if name == "relata":  # needs the regions of a conversation
            continue
        made = dialect(name)
        text = made.write(REPLY, IMAGES)
        best, median = rate(lambda made=made, text=text: made.read(text, IMAGES), seconds)
        write, _ = rate(lambda made=made: made.write(REPLY, IMAGES), seconds)
        worst, piece = slowest(made)
        print(f"{name:12} {len(text):5} {best:12,.0f} {median:8,.0f} {write:12,.0f} {worst:6.2f} s  {piece[:40]!r}")


if __name__ == "__main__":
    main()
