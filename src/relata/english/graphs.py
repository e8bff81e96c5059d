"""Scene graphs in words: how a region looks, what a teacher is told beside the sheet, names without suffixes."""

from __future__ import annotations

import re

from relata.english import words
from relata.english.names import adjectives, place
from relata.graph import UNKNOWN
from relata.notation import words as harmless
from relata.quoting import quote
from relata.scene import Region, Scene

_SUFFIX = re.compile(r"(?:-(?:merged|other|stuff))+$")


def looks(region: Region, scene: Scene) -> str:
    """How a region looks and where it is, as a noun phrase: `a small red cup in the lower left`."""
    noun = words.clean(harmless(region.label)) or "object"
    look = adjectives(region, noun)
    counted = not (words.is_mass(noun) or words.is_plural(noun))
    start = f"{words.article(look + noun)} " if counted else ""
    return f"{start}{look}{noun} {place(region.box, scene.width, scene.height)}"


def named(region: Region) -> Region:
    """The region with a label for graph text: `wall-brick` is a wall that is brick, `sky-other-merged` a sky.

    The rule of the published code of Synthetic Visual Genome for names of panoptic scene graphs.
    """
    plain = harmless(region.label).lower()
    label, _, material = _SUFFIX.sub("", plain).partition("-")
    if not label or " " in material:
        label, material = plain or UNKNOWN, ""
    known = dict.fromkeys([material, *map(harmless, region.attributes)])
    attributes = tuple(attribute for attribute in known if attribute)
    return region.replace(label=label, attributes=attributes)


def described(scene: Scene) -> str:
    """What is known of regions beyond the sheet: `Descriptions:`, a line each; empty if nothing is."""
    lines = [
        f"[{number}] {quote(region.description)}"
        for number, region in enumerate(scene.regions, 1)
        if region.description and region.description.strip()
    ]
    return "Descriptions:\n" + "\n".join(lines) if lines else ""


def numbered(scene: Scene) -> str:
    """The relations with numbers: `r1: [3] "dog" -> "lying on" -> [5] "rug" (spatial)`, the kind where it is known."""
    at = {region.id: f"[{number}] {quote(region.label)}" for number, region in enumerate(scene.regions, 1)}
    lines = [
        f"r{number}: {at[r.subject]} -> {quote(r.predicate)} -> {at[r.object]}{f' ({r.kind})' if r.kind else ''}"
        for number, r in enumerate(scene.relations, 1)
    ]
    return "Relations:\n" + ("\n".join(lines) or "none yet")
