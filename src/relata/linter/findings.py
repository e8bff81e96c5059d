"""Findings: what is wrong, where, and what to do about it; as a table, as JSON, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relata.linter.kinds import KINDS, Level
from relata.scene import Record, encode

#: Rows that the table shows of each kind.
SHOWN = 3


class Finding(Record, frozen=True):
    """One defect."""

    kind: str
    """A name in `KINDS`."""
    file: str
    """Relative to what was checked."""
    row: int
    """1 is the first line, or the first record of a JSON list; 0: the file as a whole."""
    detail: str = ""
    """The offending value."""
    id: str = ""
    """The row's id, if it has one."""

    @property
    def level(self) -> Level:
        return KINDS[self.kind].level

    @property
    def remedy(self) -> str:
        """What to do."""
        return KINDS[self.kind].remedy

    def __str__(self) -> str:
        where = f"{self.file}:{self.row}" if self.row else self.file
        return f"{self.level} {where}: {self.kind}: {self.detail or KINDS[self.kind].what}; {self.remedy}"


class File(Record, frozen=True):
    """A file that was checked."""

    name: str
    format: str
    """`scene`, `group`, `example`, `preference`, `edit`, `conversations`, `messages`; empty if unknown."""
    rows: int
    boxes: str = ""
    """In which convention its boxes seem to be written, if it has enough of them."""


@dataclass(frozen=True)
class Findings:
    """The result of `check`."""

    files: tuple[File, ...]
    found: tuple[Finding, ...]
    skipped: tuple[str, ...] = ()
    """Files that were not checked, and why."""

    @property
    def errors(self) -> int:
        return sum(finding.level == "error" for finding in self.found)

    @property
    def warnings(self) -> int:
        return len(self.found) - self.errors

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def kinds(self) -> dict[str, list[Finding]]:
        """Findings by kind, errors first, then in the order of `KINDS`."""
        found: dict[str, list[Finding]] = {}
        for finding in self.found:
            found.setdefault(finding.kind, []).append(finding)
        order = list(KINDS)
        return dict(sorted(found.items(), key=lambda item: (KINDS[item[0]].level, order.index(item[0]))))

    def json(self) -> bytes:
        """All of it, for programs."""
        rows = [
            {"level": finding.level, **{name: getattr(finding, name) for name in finding.__struct_fields__}}
            for finding in self.found
        ]
        remedies = {kind: KINDS[kind].remedy for kind in self.kinds()}
        return encode(
            {
                "errors": self.errors,
                "warnings": self.warnings,
                "files": self.files,
                "skipped": self.skipped,
                "remedies": remedies,
                "findings": rows,
            }
        )

    def table(self, limit: int = SHOWN) -> str:
        """Kind by kind: how many, what it is, what to do, and the first rows."""
        lines = []
        for file in self.files:
            holds = f"{file.rows:,} rows of {file.format or 'unknown format'}"
            lines.append(f"{file.name}: {holds}" + (f"; boxes: {file.boxes}" if file.boxes else ""))
        lines += [f"not checked: {text}" for text in self.skipped]
        for kind, found in self.kinds().items():
            about = KINDS[kind]
            lines += ["", f"{about.level} {kind}: {len(found):,}", f"  {about.what}; {about.remedy}"]
            lines += [f"  {_line(finding)}" for finding in found[:limit]]
            if len(found) > limit:
                lines.append(f"  and {len(found) - limit:,} more")
        lines += ["", f"{self.errors:,} errors, {self.warnings:,} warnings"]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.table()


def _line(finding: Finding) -> str:
    where = f"{finding.file}:{finding.row}" if finding.row else finding.file
    named = f" ({finding.id})" if finding.id else ""
    return f"{where}{named}" + (f": {finding.detail}" if finding.detail else "")
