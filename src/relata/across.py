"""Citations across the images of a group: regions are numbered through all of them, 1 is the first of the first image.

`[dog](2)` then names an image as well as a region, and a box cannot come to stand in another image than its own. A
mention of regions in several images, `two [dogs](2, 7)`, becomes one mention per image: the first has the words, the
others are bare references. A predicate relates regions of one image.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from relata import notation
from relata.grounded import Mention, Predicate, Problem, Span
from relata.scene import Box, Scene

#: (image, position of the region), both from 0
Place = tuple[int, int]

_CITED = re.compile(r"(?<=\]\()[\d,]+(?=\))|(?<=\()[\d,]+->[\d,]+(?=\))")


def places(scenes: Iterable[Scene]) -> list[Place]:
    """The place of region 1, of region 2, and so on."""
    return [(image, k) for image, scene in enumerate(scenes) for k in range(len(scene.regions))]


def before(scenes: Sequence[Scene], image: int) -> int:
    """How many regions are counted before those of an image: its first region is this number plus 1."""
    return sum(len(scene.regions) for scene in scenes[:image])


def shift(text: str, by: int) -> str:
    """Text that cites the regions of one image, with `by` added to every number; for what `notation.cite` wrote."""
    return _CITED.sub(lambda m: re.sub(r"\d+", lambda number: str(int(number[0]) + by), m[0]), text) if by else text


def read(text: str, scenes: Sequence[Scene]) -> tuple[tuple[Span, ...], list[Problem]]:
    """Grounded text from a reply about several images; see `notation.read`.

    A predicate between images is a problem of its own: `two-images`.
    """
    at = places(scenes)
    spans: list[Span] = []
    # the notation looks at no box, it only hands on the one of a number; so a box may stand for the number itself
    found, problems = notation.read(text, [Box(n, 0, n + 1, 1) for n in range(len(at))])
    for span in found:
        if isinstance(span, Mention):
            spans += _mentions(span, [at[int(box.x1)] for box in span.boxes], scenes)
        elif isinstance(span, Predicate):
            subjects, objects = ([at[int(box.x1)] for box in side] for side in (span.subjects, span.objects))
            images = {image for image, _ in subjects + objects}
            if len(images) > 1:
                problems.append(Problem("two-images", span.text[:40], max(text.find(f"<{span.text}"), 0)))
                continue
            boxes = [tuple(scenes[image].regions[k].box for image, k in side) for side in (subjects, objects)]
            spans.append(Predicate(span.text, boxes[0], boxes[1], min(images, default=0)))
        else:
            spans.append(span)
    return tuple(spans), problems


def _mentions(span: Mention, cited: Sequence[Place], scenes: Sequence[Scene]) -> list[Span]:
    images = list(dict.fromkeys(image for image, _ in cited))
    boxes = [tuple(scenes[i].regions[k].box for image, k in cited if image == i) for i in images]
    return [Mention("" if n else span.text, boxes[n], image) for n, image in enumerate(images)] or [span]


def entities(spans: Iterable[Span]) -> frozenset[tuple[int, Box]]:
    """(image, box) of everything that is named."""
    return frozenset((span.image, box) for span in spans if isinstance(span, Mention) for box in span.boxes)
