"""Scenes for tests of `build`, and what a run leaves."""

from __future__ import annotations

from pathlib import Path

from relata.scene import Box, Region, Relation, Scene


def scene(number: int) -> Scene:
    """A man, a dog and one to three trees; every fifth scene has no relations, every seventh no regions."""
    if number % 7 == 6:
        return Scene(f"s{number}", f"photos/{number:012d}.jpg", 100, 80)
    regions = [Region(0, "man", Box(5, 5, 30, 70)), Region(1, "dog", Box(40, 40, 60, 70))]
    regions += [Region(2 + k, "tree", Box(30 + 20 * k, 0, 45 + 20 * k, 30)) for k in range(number % 3 + 1)]
    relations = (Relation(0, "holding", 1), Relation(0, "in front of", 2), Relation(1, "beside", 0))
    return Scene(
        f"s{number}",
        f"photos/{number:012d}.jpg",
        100,
        80,
        tuple(regions),
        () if number % 5 == 4 else relations,
        provenance={"dataset": "made up"},
    )


def scenes(count: int) -> list[Scene]:
    return [scene(number) for number in range(count)]


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder, but the lock."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}
