"""How fast relation functions find pairs: `python benchmarks/groups.py`. Prints processor seconds."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator

from relata.groups import category, identity
from relata.scene import Box, Group, Region, Scene

BOX = Box(0, 0, 9, 9)


def photos(count: int) -> list[Scene]:
    """Scenes of 8 regions, of 1,200 labels that are as unevenly frequent as words."""
    rng = random.Random(0)
    labels = [f"thing {rank}" for rank in range(1200)]
    weights = [1 / (rank + 1) for rank in range(1200)]
    return [
        Scene(f"s{n}", "s.jpg", 640, 480, tuple(Region(k, label, BOX) for k, label in enumerate(drawn)))
        for n in range(count)
        for drawn in [rng.choices(labels, weights, k=8)]
    ]


def people(count: int) -> list[Scene]:
    """Pictures of people, eight of each on average."""
    rng = random.Random(0)
    whose = [f"p{rng.randrange(count // 8)}" for _ in range(count)]
    return [Scene(f"s{n}", "s.jpg", 64, 128, (Region(0, "person", BOX, identity=who),)) for n, who in enumerate(whose)]


def measure(name: str, scenes: list[Scene], find: Callable[[Iterable[Scene], random.Random], Iterator[Group]]) -> None:
    start = time.process_time()
    found = sum(1 for _ in find(scenes, random.Random(0)))
    print(f"{name:<10}{len(scenes):8d} scenes{found:8d} groups{time.process_time() - start:8.2f} s")


if __name__ == "__main__":
    for count in (10_000, 40_000):
        measure("category", photos(count), category.groups)
        measure("identity", people(count), identity.groups)
