"""How long it takes to find the nouns of captions and to mine pairs of them, at up to Localized Narratives' size.

    python benchmarks/mining.py [--captions 10000 100000 873000] [--processes 2] [--share 0.318]

Captions are made up of the sentences that narrators speak, 36 words on average, with nouns drawn by Zipf's law from
the shipped list of objects; pairs asked for are that share of the captions (278,000 of 873,000 in the paper). Every
size runs in a process of its own. Printed are seconds by the clock and by the processor (all processes together), peak
memory of the largest process, and the pairs of each level; below them, the power of the size by which time grows.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import accumulate, islice, pairwise
from typing import Any

from relata.english.words import article, plural
from relata.groups._mining import LEVELS, mine
from relata.nouns import NounSets, listed, noun_sets

_OPENERS = (
    "In this image I can see {}.", "In this picture we can see {}.", "This is an image of {}.", "Here we can see {}.",
    "In the foreground of the image there is {}.", "In the center of the picture we see {}.",
)  # fmt: skip
_MORE = (
    "In the background there are {}.", "On the left side, there is {}.", "On the right side we can see {}.",
    "At the top of the image I can see {}.", "At the bottom there is {}.", "We can also see {}.",
    "Behind it there is {}.",
)  # fmt: skip
_LINKS = ("standing near", "on", "holding", "sitting beside", "in front of", "and", "with", "next to", "wearing")
_LOOKS = ("red", "white", "black", "wooden", "large", "small", "blue", "green", "old", "", "", "", "", "", "", "")
#: Words of a caption, on average; the paper says 36.5.
_WORDS = 36
#: What captions are about: each has its own common things, as kitchens, streets and beaches do.
_TOPICS = 40
_COMMON = ("person", "tree", "man", "sky", "wall", "table", "building", "grass", "woman", "ground", "car", "chair")


def captions(count: int, seed: int = 0) -> Iterator[str]:
    """Made-up narratives, each about one topic; the more of them, the more different words, as in real text."""
    rng = random.Random(seed)
    names = [name for name in listed("objects") if name not in _COMMON]
    tail = [f"{start}{name}" for start in ("ve", "lo", "kra", "mi", "sto") for name in names if name.isalpha()]
    topics = [[*rng.sample(_COMMON, 6), *rng.sample(names, 300), *rng.sample(tail, 300)] for _ in range(_TOPICS)]
    bounds = list(accumulate(1 / (k + 2) ** 1.3 for k in range(len(topics[0]))))
    for _ in range(count):
        topic = rng.choice(topics)
        things = iter(dict.fromkeys(rng.choices(topic, cum_weights=bounds, k=60)))  # nobody names a thing twice
        length = max(rng.gauss(_WORDS - 6, 14), 6)
        said: list[str] = []
        words = 0
        while words < length:
            pattern = rng.choice(_MORE if said else _OPENERS)
            sentence = pattern.format(_phrase(list(islice(things, rng.randint(2, 4))), rng))
            said.append(sentence)
            words += sentence.count(" ") + 1
        yield " ".join(said)


def _phrase(things: list[str], rng: random.Random) -> str:
    parts = []
    for name in things:
        looks = rng.choice(_LOOKS)
        full = f"{looks} {name}".strip()
        parts.append(
            f"{rng.choice(('two', 'some', 'few'))} {plural(full)}" if rng.random() < 0.3 else f"{article(full)} {full}"
        )
    text = parts[0]
    for part in parts[1:]:
        text += f" {rng.choice(_LINKS)} {part}"
    return text


def measured(count: int, share: float, processes: int) -> dict[str, Any]:
    """The figures of one size."""
    # all made up before, so that making them up is not measured; the memory is that of reading them at once
    texts = list(captions(count))
    words = sum(text.count(" ") + 1 for text in texts) / count
    start, used = time.perf_counter(), _processor()
    nouns = noun_sets(texts, processes=processes)
    middle, between = time.perf_counter(), _processor()
    mined = mine(nouns, round(count * share))
    end, after = time.perf_counter(), _processor()
    _check(nouns, mined.members, mined.shared)
    memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "captions": count, "words": words, "nouns": len(nouns.ids) / count, "different": len(nouns.names),
        "tag": middle - start, "tag_cpu": between - used, "mine": end - middle, "mine_cpu": after - between,
        "memory": memory / 2**20, "levels": [int((mined.levels == k).sum()) for k in range(len(LEVELS))],
    }  # fmt: skip


def _processor() -> float:
    """Seconds of processor time, those of child processes that have ended included."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def _check(nouns: NounSets, members: object, shared: object) -> None:
    """Count again, by sets, what every pair shares."""
    for (first, second), (count,) in zip(members.tolist(), shared.tolist()):  # type: ignore[attr-defined]
        assert len(set(nouns.of(first)) & set(nouns.of(second))) == count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captions", type=int, nargs="+", default=[10_000, 100_000, 873_000])
    parser.add_argument("--processes", type=int, default=2, help="for the nouns; mining takes one")
    parser.add_argument("--share", type=float, default=278 / 873, help="pairs per caption")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measured(asked.captions[0], asked.share, asked.processes)))
        return
    print(f"{os.cpu_count()} CPUs, {asked.processes} processes")
    print(
        f"{'captions':>9} {'words':>5} {'nouns':>6} {'tag s':>7} {'cpu':>6} {'mine s':>7} {'cpu':>6} {'GiB':>5}  "
        + " ".join(f"{name:>7}" for name in LEVELS)
    )
    rows = []
    for count in asked.captions:
        call = [sys.executable, __file__, "--one", "--captions", str(count), "--share", str(asked.share)]
        done = subprocess.run([*call, "--processes", str(asked.processes)], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr)
        row = json.loads(done.stdout)
        rows.append(row)
        print(
            f"{row['captions']:9,} {row['words']:5.1f} {row['nouns']:6.1f} {row['tag']:7.1f} {row['tag_cpu']:6.1f} "
            f"{row['mine']:7.1f} {row['mine_cpu']:6.1f} {row['memory']:5.2f}  "
            + " ".join(f"{n:7,}" for n in row["levels"]),
            flush=True,
        )
    for before, now in pairwise(rows):
        time_before, time_now = (row["tag_cpu"] + row["mine_cpu"] for row in (before, now))
        power = math.log(time_now / time_before) / math.log(now["captions"] / before["captions"])
        sizes = f"from {before['captions']:,} to {now['captions']:,}"
        print(f"{sizes}: processor time grows by the power {power:.2f} of the size")


if __name__ == "__main__":
    main()
