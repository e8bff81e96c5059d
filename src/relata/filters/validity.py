"""`validity`: an example's mentions and predicates agree with each other and with its regions.

The rules of relation conversations (All-Seeing v2, section 4.1 and appendix B): a predicate has as many subjects as
objects, or a single one on either side; every box of a predicate has been named, in the same message or an earlier one;
every box is one of the regions that the teacher was given; the caption of a region speaks of that region first.
"""

from __future__ import annotations

from relata.chat import Example
from relata.filters import Rejection
from relata.grounded import Mention, Predicate, Span, plain
from relata.scene import Box


def check(example: Example, first: Box | None = None) -> Rejection | None:
    """The first rule that the example breaks, or None.

    Args:
        first: the box that the first answer has to name first and to be the subject of its first predicate.
    """
    named: set[tuple[int, Box]] = set()
    for message in example.messages:
        if not plain(message.spans).strip() and message.role == "assistant":
            return Rejection("empty-reply")
        named.update((s.image, box) for s in message.spans if isinstance(s, Mention) for box in s.boxes)
        for span in message.spans:
            problem = _span(span, example, named)
            if problem:
                return problem
    if not named:
        return Rejection("no-mention", "no region is named")
    return _subject(example, first) if first else None


def _span(span: Span, example: Example, named: set[tuple[int, Box]]) -> Rejection | None:
    if not isinstance(span, (Mention, Predicate)):
        return None
    boxes = span.boxes if isinstance(span, Mention) else span.subjects + span.objects
    regions = example.regions[span.image] if example.regions else ()
    if regions and not set(boxes) <= set(regions):
        return Rejection("unknown-region", span.text)
    if isinstance(span, Mention):
        return None if boxes else Rejection("empty-boxes", span.text)
    subjects, objects = len(span.subjects), len(span.objects)
    if not subjects or not objects:
        return Rejection("empty-boxes", span.text)
    if subjects != objects and 1 not in (subjects, objects):
        return Rejection("count-mismatch", f"{span.text}: {subjects} subjects, {objects} objects")
    if not named.issuperset((span.image, box) for box in boxes):
        return Rejection("unnamed-region", span.text)
    return None


def _subject(example: Example, first: Box) -> Rejection | None:
    answer = next(message for message in example.messages if message.role == "assistant")
    mention = next((span for span in answer.spans if isinstance(span, Mention)), None)
    predicate = next((span for span in answer.spans if isinstance(span, Predicate)), None)
    if mention is None or mention.boxes != (first,):
        return Rejection("wrong-subject", f"names {mention.text!r} first" if mention else "names no region")
    if predicate is not None and first not in predicate.subjects:
        return Rejection("wrong-subject", f"{predicate.text!r} is said of another region")
    return None
