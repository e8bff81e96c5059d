"""ROBIN (Synthetic Visual Genome): thousandths of the original image, truncated, in Qwen's tokens; graphs in blocks.

    Objects:
    region1: cup is white in <|box_start|>(10,20),(60,90)<|box_end|>
    region2: table in <|box_start|>(0,80),(640,480)<|box_end|>

    Relations:
    region1: region2 resting on

Spans as `graph.from_scene` makes them are written so, relations sorted by their subjects; all others as prose. With
`regions`, the boxes that the model was given as masks, objects carry the numbers of that list, from 1, and no boxes.
`text` is the form for language models that are not Qwen's, with `<box>[[10,20,60,90]]</box>`.

Paper: arXiv 2506.07643. Forms as in its published code, but a predicate may hold a comma, and objects go by their
numbers, not by their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from relata.chat import ImageRef
from relata.dialects._scan import Reading, harmless
from relata.dialects._tagged import Tagged
from relata.dialects.asmv2 import REC
from relata.dialects.qwen_vl import TOKENS
from relata.errors import RelataError
from relata.geometry import Codec
from relata.graph import Graph, Triplet, lines, read_graph
from relata.grounded import Mention, Problem, Span, Text, plain
from relata.scene import Box

CODEC = Codec(full=1000, rounding="down")
VARIANTS = {"tokens": TOKENS, "text": replace(REC, spell=lambda boxes: REC.spell(boxes).replace(" ", ""))}

_HEAD = re.compile(r"\s*+Objects:[ \t\r]*+(?:\n|$)")
_LINE = re.compile(r"\s*+region(\d{1,4})\s*+:(.*)", re.ASCII)
_RELATION = re.compile(r"region(\d{1,4})\b\s*+(.*)", re.ASCII)
_NEXT = re.compile(r",\s*+(?=region\d)", re.ASCII)
#: What must not stand in a name or predicate of a graph, where a line is a record.
_LAYOUT = re.compile(r"\s*\n\s*|(?<=region)(?=\d)", re.ASCII)


@dataclass(frozen=True)
class Robin:
    """Prose as Qwen-VL writes it, graphs in blocks."""

    name: str
    prose: Tagged
    regions: tuple[Box, ...] = ()

    def write(self, spans: Iterable[Span], images: Sequence[ImageRef]) -> str:
        """See `Dialect.write`.

        Raises:
            RelataError: also if `regions` are given and a box of a graph is none of them.
        """
        spans = tuple(spans)
        if spans and not any(getattr(span, "image", 0) for span in spans):
            graph = read_graph(spans)
            if spans == lines(graph):
                return self._write_graph(graph, images)
        prose = self.prose.write(spans, images)
        return prose.replace("Objects:", "Objects -", 1) if _HEAD.match(prose) else prose

    def _write_graph(self, graph: Graph, images: Sequence[ImageRef]) -> str:
        numbers = self._numbers(graph)
        objects = []
        for box, names in sorted(graph.names.items(), key=lambda item: numbers[item[0]]):
            place = "" if self.regions else " in " + self.prose.group([box], 0, images)
            objects.append(f"region{numbers[box]}: {self._one_line(names[0])}{place}\n")
        said: dict[int, list[str]] = {}
        for subject, predicate, other in graph.triplets:
            said.setdefault(numbers[subject], []).append(f"region{numbers[other]} {self._one_line(predicate)}")
        relations = [f"region{number}: {', '.join(said[number])}\n" for number in sorted(said)]
        return "Objects:\n" + "".join(objects) + "\nRelations:\n" + "".join(relations)

    def _numbers(self, graph: Graph) -> dict[Box, int]:
        if not self.regions:
            return {box: number for number, box in enumerate(graph.names, 1)}
        known = {box: number for number, box in reversed(list(enumerate(self.regions, 1)))}
        for box in graph.names:
            if box not in known:
                raise RelataError(
                    f"box {list(box.tuple())} is none of the {len(self.regions)} regions given to {self.name}"
                )
        return known

    def _one_line(self, words: str) -> str:
        return _LAYOUT.sub(" ", harmless(words, self.prose.reserved))

    def read(self, text: str, images: Sequence[ImageRef]) -> tuple[tuple[Span, ...], list[Problem]]:
        """See `Dialect.read`. A graph comes back as the spans of `graph.from_scene`."""
        if not _HEAD.match(text):
            return self.prose.read(text, images)
        return _Blocks(self, images).read(text)


class _Blocks:
    """Reads the two blocks line by line."""

    def __init__(self, dialect: Robin, images: Sequence[ImageRef]) -> None:
        self.dialect = dialect
        self.images = images
        self.out = Reading(CODEC, images)
        self.boxes: dict[int, Box] = dict(enumerate(dialect.regions, 1))
        self.graph = Graph({}, [])

    def read(self, text: str) -> tuple[tuple[Span, ...], list[Problem]]:
        at, block = 0, "Objects:"
        for line in text.split("\n"):
            words = line.strip()
            found = _LINE.match(line)
            if words in ("Objects:", "Relations:"):
                block = words
            elif found and block == "Objects:":
                self._object(int(found[1]), found[2], at + found.start(2))
            elif found:
                self._relations(int(found[1]), found[2], at + found.start(2))
            elif words:
                self.out.problem("bad-line", words, at)
            at += len(line) + 1
        return lines(self.graph), self.out.problems

    def _object(self, number: int, rest: str, at: int) -> None:
        spans, problems = self.dialect.prose.read(rest, self.images)
        self.out.problems += [problem.replace(at=at + problem.at) for problem in problems]
        name = plain(span for span in spans if isinstance(span, Text)).strip()
        if self.dialect.regions:
            if number not in self.boxes:
                self.out.problem("unknown-region", f"region{number}:{rest}", at)
        elif number in self.boxes:
            self.out.problem("bad-line", f"region{number}, once more:{rest}", at)
            return
        else:
            name = name.removesuffix(" in").rstrip()
            boxes = [box for span in spans if isinstance(span, Mention) for box in span.boxes]
            if boxes:
                self.boxes[number] = boxes[0]
            elif not problems:
                self.out.problem("missing-boxes", f"region{number}:{rest}", at)
        if number in self.boxes:
            self.graph.names.setdefault(self.boxes[number], []).append(name)

    def _relations(self, number: int, rest: str, at: int) -> None:
        for piece in _NEXT.split(rest):
            found = _RELATION.match(piece.strip())
            if not found:
                self.out.problem("bad-line", piece, at)
            elif number not in self.boxes or int(found[1]) not in self.boxes:
                self.out.problem("unknown-region", f"region{number}: {piece.strip()}", at)
            else:
                subject, other = self.boxes[number], self.boxes[int(found[1])]
                self.graph.names.setdefault(subject, [])
                self.graph.names.setdefault(other, [])
                self.graph.triplets.append(Triplet(subject, found[2], other))


def make(name: str, variant: str, regions: Sequence[Box] = ()) -> Robin:
    """`regions`: the boxes (pixels) behind the model's region tokens, in order."""
    return Robin(name, Tagged(name, CODEC, VARIANTS[variant]), tuple(regions))
