"""`check`: finds what is wrong with training data before a model is loaded, and says where and what to do.

Every row is looked at by itself, its image files by their headers, and all rows together for what only numbers
tell: boxes in another convention, constant answers, leaked images. `KINDS` lists every kind of defect.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from relata.chat import Example, Preference
from relata.dialects import dialect as find_dialect
from relata.dialects._tagged import Tagged
from relata.edits import Edit
from relata.errors import RelataError
from relata.geometry import Codec
from relata.linter import conversations, fields, records
from relata.linter.content import Content
from relata.linter.conventions import Convention, convention
from relata.linter.findings import File, Finding, Findings
from relata.linter.kinds import KINDS, Kind
from relata.linter.leaks import Against, Alike
from relata.linter.parts import Part, format_of, formatted, parts
from relata.linter.pictures import Pictures
from relata.linter.sheet import Row, Sheet
from relata.scene import Group, Scene

__all__ = ["KINDS", "File", "Finding", "Findings", "Kind", "check"]

_TYPES: dict[str, type] = {"scene": Scene, "group": Group, "example": Example, "preference": Preference, "edit": Edit}


def check(
    data: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    *,
    files: bool = True,
    dialect: str | None = None,
    against: str | os.PathLike[str] | None = None,
    near: bool = False,
) -> Findings:
    """Find what is wrong with training data.

    Args:
        data: a folder of relata's records, or a file of them; or training files of others: JSON Lines or a JSON list
            of conversations (LLaVA, ShareGPT) or messages (ms-swift, OpenAI); or a folder of such files.
        images: folder that image paths are relative to; the folder of `data` if not given.
        files: look at the image files; otherwise only at what rows tell.
        dialect: how boxes in text ought to be written, e.g. `asmv2`; if not given, in any way that the markup allows.
        against: images that must not be among those of the data: a folder of pictures, which are found by name and by
            look; or a file of names, or of rows that name images, found by name.
        near: find images that look like each other; every image is decoded.

    Raises:
        RelataError: if there is nothing to check, or an option is wrong.
    """
    path = Path(data)
    root = Path(images) if images is not None else path if path.is_dir() else path.parent
    if not root.is_dir():
        raise RelataError(f"images: {root} is no folder; name the folder that image paths are relative to")
    found, skipped, broken = parts(path)
    run = _Run(
        Pictures(root) if files else None,
        _convention(dialect) if dialect else None,
        Against(Path(against), root) if against else None,
        root if near else None,
    )
    early = [Finding(kind, file, 0, detail) for kind, file, detail in broken]
    results = [run.part(part) for part in found]
    return Findings(
        tuple(file for file, _ in results), (*early, *(f for _, some in results for f in some)), tuple(skipped)
    )


def _convention(name: str) -> Convention:
    made = find_dialect(name)
    codec = getattr(made, "codec", None)
    if isinstance(prose := getattr(made, "prose", None), Tagged):  # ROBIN
        codec = prose.codec
    if not isinstance(codec, Codec):
        raise RelataError(f"dialect {name} writes no boxes of four numbers; leave it out")
    return convention(codec)


class _Run:
    """One call of `check`."""

    def __init__(
        self, pictures: Pictures | None, dialect: Convention | None, against: Against | None, near: Path | None
    ) -> None:
        self._pictures = pictures
        self._dialect = dialect
        self._against = against
        self._near = near

    def part(self, part: Part) -> tuple[File, list[Finding]]:
        """Check files that belong together."""
        sheet = Sheet(part.name, self._dialect)

        def report(kind: str, detail: str, file: str, number: int) -> None:
            if number:
                sheet.add(kind, detail, sheet.row(file, number))
            else:
                sheet.whole(kind, detail, file)

        format, lines = formatted(part.lines(report))
        format = part.format or format
        content = Content(sheet, "duplicate-id" if format in _TYPES else "repeated-id")
        alike = Alike(self._near) if self._near else None
        refused: list[tuple[int, str]] = []
        read = _reader(format, sheet, self._pictures, refused)
        for file, number, line in lines:
            if not bytes(line).strip():
                continue
            at = sheet.row(file, number)
            row = read(line)
            if row is not None:
                self._shown(row, at, sheet, alike)
                content.add(row, at)
        if not sheet.places:
            sheet.whole("no-rows")
        elif not format:
            sheet.whole("unknown-format", "no row has the fields of a format")
        boxes = sheet.judge_boxes()
        for at, message in refused:
            if at not in sheet.faulty and not any(finding.kind == "wrong-convention" for finding in sheet.found):
                sheet.add("bad-record", message, at)
        content.finish()
        if alike:
            alike.finish(sheet)
        return File(part.name, format, len(sheet.places), boxes), sheet.found

    def _shown(self, row: Row, at: int, sheet: Sheet, alike: Alike | None) -> None:
        """The image files of a row."""
        for picture in dict.fromkeys(row.pictures):
            if self._pictures:
                self._pictures.check(picture, sheet)
            readable = self._pictures is None or self._pictures.seen(picture.path).width
            try:
                if self._against and readable:
                    self._against.check(picture, sheet)
                if alike and readable:
                    alike.add(picture, at)
            except RelataError as error:
                sheet.add("unreadable-image", str(error))


def _reader(
    format: str, sheet: Sheet, pictures: Pictures | None, refused: list[tuple[int, str]]
) -> Callable[[bytes | msgspec.Raw], Row | None]:
    """What reads a line of this format, and notes what is wrong with it.

    Args:
        refused: receives rows that are no record though their fields are right, for a rule that no check knows.
    """
    type = _TYPES.get(format)
    strict: msgspec.json.Decoder[Any] | None = msgspec.json.Decoder(type) if type else None
    measure = pictures.measured if pictures else None

    def read(line: bytes | msgspec.Raw) -> Row | None:
        try:
            raw: Any = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            sheet.add("not-json", str(error))
            return None
        if not isinstance(raw, dict):
            sheet.add("not-an-object", fields.shown(raw))
            return None
        if isinstance(raw.get("id"), (str, int)):
            sheet.name_row(str(raw["id"]))
        told = format_of(raw)
        if told and format and told != format:
            sheet.add("mixed-formats", f"{told} among {format}")
            return None
        if strict is None or type is None:
            if told:
                return conversations.check(raw, sheet, measure)
            if format:  # otherwise the whole file is told to be of no known format
                sheet.add("missing-field", f"{format} (it has {', '.join(list(raw)[:6]) or 'no fields'})")
            return None
        try:
            strict.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            known = list(fields.defects(raw, fields.shape(type)))
            for kind, detail in known:
                sheet.add(kind, detail)
            if known:
                return None
            refused.append((len(sheet.places) - 1, str(error)))
        if not raw["id"]:
            sheet.add("empty-id")
        return records.CHECKS[format](raw, sheet)

    return read
