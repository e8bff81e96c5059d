"""Reads the summaries that teachers write: what images have in common, and how they differ, along CaD-VI's axes.

Teachers keep to a layout more or less. Headings may be marked up, numbered or worded otherwise; an axis may come as a
list item, a bold word or a line of its own, in its own words; text may stand on the heading's line. What is written
back has one layout. Rejected are replies without either part, or with a part twice, those that speak of an image that
is not there, and those that speak of captions, which a model that is trained on them never sees.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from relata.english.summary import AXES
from relata.filters import Rejection

_COMMON = r"(?:commonalit(?:y|ies)|similarit(?:y|ies)|(?:common|shared) (?:points|features|elements|aspects)|in common)"
_DIFFERENT = r"(?:differences?|dissimilarit(?:y|ies)|contrasts?)"
_BULLET = r"(?:-|\(?(?:\d{1,2}|[a-z]|[ivx]{2,4})[.):])"
# patterns are for lines without markup and with single blanks, see `_bare`; no line can make them slow
_HEADING = re.compile(
    rf"(?:{_BULLET} ?)?(?:part \w+:? )?(?:(?:the|key|main|summary of|list of) ){{0,3}}"
    rf"(?:(?P<common>{_COMMON})|(?P<different>{_DIFFERENT}))"
    r"(?P<of> (?:between|of|in|across|among|along)\b[^:]{0,60})? ?(?P<colon>:|$) ?",
    re.IGNORECASE,
)
_ITEM = re.compile(rf"(?P<bullet>{_BULLET} )?(?P<rest>.*)", re.IGNORECASE)
_TITLE = re.compile(r"(?P<title>[A-Za-z][A-Za-z /&()-]{2,40}?) ?(?:: ?| [–—-] |$)(?P<text>.*)")
_ALIASES = {
    "object types": r"(?:types? of )?(?:objects?|things|items|entities|subjects?)(?: types?| categories| present)?",
    "attributes": r"(?:object )?(?:attributes?|appearances?|characteristics|colou?rs?(?: and .*)?|looks)",
    "counts": r"(?:object )?(?:counts?|counting|numbers?(?: of .*)?|quantit(?:y|ies)|amounts?)",
    "actions": r"(?:actions?|activit(?:y|ies)|poses?)(?: and .*)?",
    "locations": r"(?:object )?(?:locations?|places?|settings?|scenes?|environments?|backgrounds?)(?: and .*)?",
    "relative positions": r"(?:relative |spatial )?(?:position(?:s|ing)?|placement|relation(?:ship)?s?|arrangement)s?",
}
_AXIS = {axis: re.compile(rf"(?:the )?{pattern}", re.IGNORECASE) for axis, pattern in _ALIASES.items()}
_CAPTION = re.compile(
    r"\b(?:both|two|the|first|second|third|each|all|neither|no) captions?\b|\bcaptions? \d|\bcaptioned\b", re.I
)
_IMAGE = re.compile(r"\b(?:image|picture|photo) #?(\d+)\b", re.I)
_EMPTY = re.compile(r"\W*(?:none|n/?a|not applicable|nothing)\W*", re.I)


class Point(NamedTuple):
    """One item of a summary."""

    axis: str
    """One of the six; empty: it has no title that is known, or none at all."""
    text: str


class Summary(NamedTuple):
    """Both parts."""

    common: tuple[Point, ...]
    different: tuple[Point, ...]

    def __str__(self) -> str:
        """In the one layout that examples have."""
        return f"Commonalities:\n{_listed(self.common)}\n\nDifferences:\n{_listed(self.different)}"


def _listed(points: tuple[Point, ...]) -> str:
    said = [f"{point.axis.capitalize()}: {point.text}" if point.axis else point.text for point in points]
    return said[0] if len(said) == 1 and not points[0].axis else "\n".join(f"{n}. {t}" for n, t in enumerate(said, 1))


def read(reply: str, images: int) -> Summary | Rejection:
    """A summary from a reply, or why it is none.

    Args:
        images: how many there are.
    """
    if not reply.strip():
        return Rejection("empty-reply")
    parts: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in map(_bare, reply.splitlines()):
        heading = _HEADING.match(line)
        name = "common" if heading and heading["common"] else "different"
        # `Differences in colour:` below `Differences:` is an item
        if heading and not (heading["of"] and name in parts and lines is parts[name]):
            if name in parts:
                return Rejection("repeated-part", line[:80])
            lines = parts[name] = []
            line = line[heading.end() :]
        if lines is not None and line:
            lines.append(line)
    points = {name: _points(lines) for name, lines in parts.items()}
    for name, reason in (("common", "no-commonalities"), ("different", "no-differences")):
        if not points.get(name):
            return Rejection(reason, "expected a part under this heading that says something")
    found = Summary(points["common"], points["different"])
    return foreign(str(found), images) or found


def _points(lines: list[str]) -> tuple[Point, ...]:
    """The items of a part. A line that is no item of its own goes on with the one before."""
    found: list[Point] = []
    for line in lines:
        item = _ITEM.match(line)
        assert item is not None  # every line has a rest
        axis, text = _titled(item["rest"])
        if axis or (item["bullet"] and (not found or found[-1].text)):
            found.append(Point(axis, text))
        elif found:
            found[-1] = Point(found[-1].axis, f"{found[-1].text} {text}".strip())
        elif text:
            found.append(Point("", text))
    return tuple(point for point in found if point.text and not _EMPTY.fullmatch(point.text))


def _titled(text: str) -> tuple[str, str]:
    """The axis that an item names at its start, and the rest of it."""
    title = _TITLE.match(text)
    if title:
        for axis in AXES:
            if _AXIS[axis].fullmatch(title["title"]):
                return axis, title["text"]
    return "", text


def _bare(line: str) -> str:
    """A line without markup, with single blanks; a list item begins with `- ` or its number."""
    text = line.strip().lstrip("> ")
    if text[:2] in ("* ", "• ", "· ", "– "):
        text = f"- {text[2:]}"
    for mark in ("*", "__", "`", "#"):
        text = text.replace(mark, "")
    return " ".join(text.split())


def foreign(text: str, images: int) -> Rejection | None:
    """Why text cannot be an answer of somebody who sees the images: it speaks of captions, or of an image too many."""
    caption = _CAPTION.search(text)
    if caption:
        return Rejection("speaks-of-captions", caption.group())
    beyond = next((m for m in _IMAGE.finditer(text) if not 1 <= int(m[1][:7]) <= images), None)
    return Rejection("unknown-image", beyond.group()) if beyond else None
