"""`scores`: RelationVLM's stage-3 rules for examples: CLIP score, confidence of boxes, length of the answer.

An example stays if its CLIP score is above 0.34 (when it has one), all its boxes are surer than 0.88 (those that have a
score), and its answers have more than 40 words. The CLIP score is read from the example's provenance, where GRIT's
columns `clip_similarity_vitb32` and `clip_similarity_vitl14` end up, or from `clip_score`. The confidence of a box is
the score of its region, in the scenes that the example was made of.

Reasons: `low-clip`, `unsure-box`, `short-answer`; `bad-score` for one that is no number.
"""

from __future__ import annotations

from functools import lru_cache

from relata.chat import Example
from relata.filters import Rejection
from relata.grounded import Mention, Predicate, plain
from relata.scene import Box, Scene
from relata.store import records

#: In this order: where the first is absent, the next is read.
CLIP = ("clip_score", "clip_similarity_vitb32", "clip_similarity_vitl14")


def check(
    example: Example, *, clip: float = 0.34, box: float = 0.88, words: int = 40, scenes: str = ""
) -> Rejection | None:
    """The first rule that the example breaks, or None.

    Args:
        clip: what the similarity of image and text must exceed; the least, where an example has several.
        box: what the confidence of every box that the text speaks of must exceed.
        words: what the number of words in all its answers must exceed.
        scenes: the file or folder of scenes that the examples were made of; without it no box has a score.

    Raises:
        RelataError: if there are no such scenes.
    """
    column = next((name for name in CLIP if name in example.provenance), "")
    if column:
        text = example.provenance[column]
        try:
            similar = min(map(float, text.split(";")))
        except ValueError:
            return Rejection("bad-score", f"{column} is {text!r}", id=example.id)
        if not similar > clip:  # written so that NaN is turned away too
            return Rejection("low-clip", f"{column} {similar:g}, not above {clip:g}", id=example.id)
    if scenes:
        least = min(_confidences(example, scenes), default=None)
        if least is not None and not least > box:
            return Rejection("unsure-box", f"{least:g}, not above {box:g}", id=example.id)
    said = " ".join(plain(message.spans) for message in example.messages if message.role == "assistant")
    if len(said.split()) <= words:
        return Rejection("short-answer", f"{len(said.split())} words, not more than {words}", id=example.id)
    return None


def _confidences(example: Example, scenes: str) -> list[float]:
    """The scores of all boxes that the text speaks of and that have one."""
    known = _scores(scenes)
    said: set[tuple[int, Box]] = set()
    for message in example.messages:
        for span in message.spans:
            if isinstance(span, (Mention, Predicate)):
                boxes = span.boxes if isinstance(span, Mention) else span.subjects + span.objects
                said.update((span.image, box) for box in boxes)
    found = (known.get((example.images[image].path, box)) for image, box in said)
    return [score for score in found if score is not None]


@lru_cache(maxsize=4)
def _scores(scenes: str) -> dict[tuple[str, Box], float]:
    """The score of each box that has one, by image and box; of equal boxes the lowest."""
    found: dict[tuple[str, Box], float] = {}
    for scene in records(scenes, Scene):
        for region in scene.regions:
            if region.score is not None:
                key = scene.image, region.box
                found[key] = min(region.score, found.get(key, region.score))
    return found
