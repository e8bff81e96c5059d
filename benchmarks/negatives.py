"""What a model that sees no image can know of hard negatives: python benchmarks/negatives.py DATA [--rendered 1000]

Builds the recipe `negatives` offline on rendered scenes, on the validation part of Visual Spatial Description and on
the photos in DATA. Prints for each how many negatives of each way it makes and what it turns away, and how often each
of two blind guessers picks the true statement of a pair. Both learn on half of the images and are asked about the other
half, and the other way round:

- `predicate` knows how often each predicate is true and false;
- `words` knows it of predicates together with the labels of their subjects and objects.

50 % is a set that cannot be told without looking.
"""

from __future__ import annotations

import argparse
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from relata import readers, synth
from relata.chat import Preference
from relata.filters import Rejection
from relata.grounded import Mention, Predicate, Span, plain
from relata.recipes import negatives
from relata.recipes._here import Here
from relata.scene import Scene


class Said(NamedTuple):
    """A statement in words, without the image."""

    subject: str
    predicate: str
    object: str


class Pair(NamedTuple):
    """A true and a false statement about one image."""

    scene: str
    way: str
    true: Said
    false: Said


def made(scenes: Iterable[Scene], tally: Counter[str]) -> Iterator[Pair]:
    for scene in scenes:
        here = Here(random.Random(scene.id), Path(), Path())
        for one in negatives.items(scene, here, kinds=("preference",)):
            if isinstance(one, Preference):
                tally[one.provenance["way"]] += 1
                true = said(one.chosen, "", scene)
                yield Pair(scene.id, one.provenance["way"], true, said(one.rejected, true.predicate, scene))
            elif isinstance(one, Rejection):
                tally[f"({one.reason})"] += 1


def said(spans: tuple[Span, ...], predicate: str, scene: Scene) -> Said:
    """Labels and predicate of a sentence. One about a thing that is not there cites neither that nor its predicate."""
    label = {region.box: region.label for region in scene.regions}
    things = [label[span.boxes[0]] for span in spans if isinstance(span, Mention)]
    absent = plain(spans).rstrip(".").rsplit(" the ", 1)[-1]
    told = [span.text for span in spans if isinstance(span, Predicate)]
    return Said(things[0], (told or [predicate])[0], (things[1:] or [absent])[0])


def predicate(one: Said) -> list[str]:
    return [one.predicate]


def words(one: Said) -> list[str]:
    subject, predicate, object = one
    return [
        predicate,
        f"{subject} {predicate} _",
        f"_ {predicate} {object}",
        f"{subject} _ {object}",
        f"{subject} {predicate} {object}",
    ]


Features = Callable[[Said], list[str]]


def right(pairs: list[Pair], features: Features) -> float:
    """The share of pairs whose true sentence is picked by what the other half's sentences say; half for a tie."""
    halves = [[pair for pair in pairs if random.Random(pair.scene).getrandbits(1) == half] for half in (0, 1)]
    hits = 0.0
    for learned, asked in (halves, halves[::-1]):
        true = Counter(word for pair in learned for word in features(pair.true))
        false = Counter(word for pair in learned for word in features(pair.false))

        def score(one: Said, true: Counter[str] = true, false: Counter[str] = false) -> float:
            return sum(math.log((true[word] + 1) / (false[word] + 1)) for word in features(one))

        for pair in asked:
            by = score(pair.true) - score(pair.false)
            hits += 0.5 if abs(by) < 1e-9 else float(by > 0)
    return hits / len(pairs)


def sources(data: Path, rendered: int) -> Iterator[tuple[str, Iterable[Scene]]]:
    yield "rendered", synth.scenes(rendered)
    yield "VSD", readers.read("vsd", data / "benchmarks" / "vsd" / "VSDv1" / "val.json")
    notes = data / "coco_photos" / "annotations"
    specs = [f"coco={notes / 'tiny_coco'}", f"vcoco={notes / 'vcoco'}", f"ferret={data / 'ferret_bench'}"]
    yield "photos", readers.read_many(specs, data / "coco_photos" / "images")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rendered", type=int, default=1000)
    chosen = parser.parse_args()
    for name, scenes in sources(chosen.data, chosen.rendered):
        tally: Counter[str] = Counter()
        pairs = list(made((s for s in scenes if isinstance(s, Scene) and s.relations), tally))
        ways = ", ".join(f"{way} {count}" for way, count in tally.most_common())
        print(f"{name:10s} {len(pairs):6d} negatives: {ways}")
        groups = [("all", pairs), *((way, [p for p in pairs if p.way == way]) for way in negatives.WAYS)]
        for way, some in groups:
            if len(some) >= 40:
                by = f"{right(some, predicate):6.1%} {right(some, words):6.1%}"
                print(f"    {way:10s} predicate, words: {by}")


if __name__ == "__main__":
    main()
