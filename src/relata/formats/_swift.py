"""ms-swift's placeholders: boxes stand apart from the text, in pixels of the original image, and ms-swift writes them
as the model that it trains wants them.

    <ref-object><bbox> <pred>on</pred><bbox><bbox> the <ref-object><bbox>
    {"ref": ["dog", "rug"], "bbox": [[...], [...], [...], [...]], "image_id": [0, 0, 0, 0]}

A mention is `<ref-object>` and its boxes. ms-swift has no predicates, so ours is tagged as in our dialect of Qwen-VL
and followed by subject and object; several pairs are so many tagged predicates with nothing in between, which are read
as one again. A side that is the same box in all pairs is read as a single one, which means the same.

`image_id` tells ms-swift how to scale a box, and the model nothing: so the text names the image, `Image 2: <bbox>`, if
it is not the first one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

import msgspec

from relata.chat import ImageRef
from relata.dialects._scan import SLOT, Reading, harmless, joined
from relata.dialects._tagged import marked
from relata.errors import RelataError
from relata.geometry import Codec
from relata.graph import pairs
from relata.grounded import ImageSlot, Mention, Predicate, Problem, Span
from relata.scene import Box

REF, BOX = "<ref-object>", "<bbox>"
_RESERVED = re.compile(r"</?(?:ref-object|bbox|pred|image|video|audio)>")
_NAMED = re.compile(rf"(?:Image (\d{{1,4}}): )?{BOX}")
_MARKED = rf"(?:Image \d{{1,4}}: )?{BOX}"
_PIECE = re.compile(rf"(?P<ref>{REF})?(?P<boxes>(?:{_MARKED})++)|(?P<alone>{REF})|(?P<slot>{SLOT})|(?P<pairs>"
                    rf"(?:<pred>[^<]*+</pred>{_MARKED}{_MARKED})++)|(?P<stray></?pred>)")  # fmt: skip
_PAIR = re.compile(rf"<pred>([^<]*+)</pred>({_MARKED}{_MARKED})")
#: Boxes are pixels of the original image as they are.
_PIXELS = Codec()


class Objects(msgspec.Struct):
    """The column `objects` of one record, and how far a reader has come in it."""

    ref: list[str] = []
    bbox: list[list[float]] = []
    image_id: list[int] | None = []
    """The image of each box, from 0; None: the first of all."""
    bbox_type: str = "real"
    """`real` pixels, or `norm1`: shares of the image."""


class Writer:
    """Writes spans as text with placeholders, and collects what they stand for over all turns of a record."""

    def __init__(self) -> None:
        self.objects = Objects([], [], [])

    def write(self, spans: Sequence[Span], images: Sequence[ImageRef]) -> str:
        """See `Dialect.write`.

        Raises:
            RelataError: if a predicate's subjects and objects cannot be paired.
        """
        parts: list[str] = []
        for span in joined(list(spans)):
            if isinstance(span, ImageSlot):
                parts.append(SLOT)
            elif isinstance(span, Predicate) and span.subjects and span.objects:
                phrase = _words(span.text).replace("<", "(")
                for subject, other in pairs(span):
                    parts.append(f"<pred>{phrase}</pred>{self._boxes((subject, other), span.image)}")
            elif isinstance(span, Mention) and span.boxes:
                bare = not span.text and not (parts and parts[-1].endswith(BOX))
                if not bare:  # boxes alone after other boxes would be taken for more of these
                    self.objects.ref.append(_words(span.text))
                parts.append(("" if bare else REF) + self._boxes(span.boxes, span.image))
            else:
                parts.append(_words(span.text))
        return "".join(parts)

    def _boxes(self, boxes: Sequence[Box], image: int) -> str:
        assert self.objects.image_id is not None
        self.objects.bbox += [list(box.tuple()) for box in boxes]
        self.objects.image_id += [image] * len(boxes)
        return f"{marked(image)}{BOX}" * len(boxes)


def _words(text: str) -> str:
    return harmless(text, _RESERVED)


class Reader:
    """Reads the turns of one record, in order, and takes what placeholders stand for from its objects."""

    def __init__(self, objects: Objects) -> None:
        if objects.bbox_type not in ("real", "norm1"):
            raise RelataError(f"bbox_type is {objects.bbox_type!r}; it is real or norm1")
        self.objects = objects
        self._refs = iter(objects.ref)
        self._box = 0

    def read(self, text: str, images: Sequence[ImageRef]) -> tuple[tuple[Span, ...], list[Problem]]:
        """See `Dialect.read`.

        Raises:
            RelataError: if there are more placeholders than objects.
        """
        out = Reading(_PIXELS, images)
        done = 0
        for found in _PIECE.finditer(text):
            out.words(text[done : found.start()])
            done, at = found.end(), found.start()
            if found["slot"]:
                out.slot()
            elif found["alone"]:
                out.words(self._ref())
            elif found["stray"]:
                out.problem("stray-tag", found.group(), at)
            elif found["pairs"]:
                self._predicates(found["pairs"], out, at)
            else:
                phrase = self._ref() if found["ref"] else ""
                boxes = self._take(found["boxes"], out, at)
                for image, group in groupby(boxes, key=lambda one: one[0]):  # boxes of two images are two mentions
                    out.mention(phrase, [box for _, box in group], image)
                    phrase = ""
        out.words(text[done:])
        return out.done()

    def finish(self) -> None:
        """Check that nothing is left over.

        Raises:
            RelataError: if there are more objects than placeholders.
        """
        left = len(self.objects.bbox) - self._box
        names = sum(1 for _ in self._refs)
        if left or names:
            raise RelataError(f"{left} boxes and {names} names of its objects have no placeholder in the text")

    def _ref(self) -> str:
        name = next(self._refs, None)
        if name is None:
            raise RelataError(f"more {REF} in the text than its {len(self.objects.ref)} names")
        return name

    def _take(self, text: str, out: Reading, at: int) -> list[tuple[int, Box | None]]:
        """The next boxes, one for each placeholder, with their images; None for one that is none."""
        named = _NAMED.findall(text)
        first, self._box = self._box, self._box + len(named)
        if self._box > len(self.objects.bbox):
            raise RelataError(f"more {BOX} in the text than its {len(self.objects.bbox)} boxes")
        places = self.objects.image_id or [0] * len(self.objects.bbox)
        if len(places) != len(self.objects.bbox):
            raise RelataError(f"{len(self.objects.bbox)} boxes but {len(places)} image_id")
        for number, place in zip(named, places[first : self._box], strict=True):
            if number and int(number) != place + 1:
                out.problem("mixed-images", f"Image {number}: a box with image_id {place}", at)
        return [(places[k], self._decoded(k, places[k], out, at)) for k in range(first, self._box)]

    def _decoded(self, k: int, image: int, out: Reading, at: int) -> Box | None:
        numbers = self.objects.bbox[k]
        if self.objects.bbox_type == "norm1" and len(numbers) == 4 and 0 <= image < len(out.images):
            width, height = out.images[image].width, out.images[image].height
            numbers = [numbers[0] * width, numbers[1] * height, numbers[2] * width, numbers[3] * height]
        return out.boxes([tuple(numbers)], image, f"{BOX} {list(numbers)}", at)[0]

    def _predicates(self, text: str, out: Reading, at: int) -> None:
        """Pairs in a row: those of one phrase and image are one predicate."""
        taken = [(phrase, self._take(boxes, out, at)) for phrase, boxes in _PAIR.findall(text)]
        for (phrase, image, other), group in groupby(taken, key=lambda one: (one[0], one[1][0][0], one[1][1][0])):
            found = [(subject, object) for _, ((_, subject), (_, object)) in group]
            if image != other:
                out.problem("mixed-images", phrase, at)
                out.words(phrase)
                continue
            if len(set(found)) == 1:  # one pair, however often
                found = found[:1]
            subjects, objects = [s for s, _ in found], [o for _, o in found]
            if len(set(subjects)) == 1:
                subjects = subjects[:1]
            elif len(set(objects)) == 1:
                objects = objects[:1]
            out.predicate(phrase, subjects, objects, image, at)
