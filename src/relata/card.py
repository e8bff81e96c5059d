"""The dataset card: a README that says what a set of examples holds, where it comes from and how its boxes are meant.

README.md            counts, predicates, sources and licences, how it was made, samples
samples/01.png ...   samples as a model will see them: boxes out of the dialect's text, drawn in the dialect's frame
"""

from __future__ import annotations

import hashlib
import heapq
import io
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from relata import store
from relata.chat import Example, Message, Preference
from relata.coverage import coverage
from relata.dialects import Dialect
from relata.dialects import dialect as find_dialect
from relata.errors import RelataError
from relata.formats._data import held
from relata.formats._turns import Talk, as_shown, for_trainers
from relata.geometry import Codec, Frame
from relata.grounded import plain
from relata.recipes import Report
from relata.scene import decode
from relata.view.framed import Seen, frame_of, seen
from relata.view.words import clean, line

#: What publishers say of their annotations; photos often have other licences. By the name of the reader or data set.
LICENCES: dict[str, str] = {
    "synth": "rendered by this package; no rights of others",
    "coco": "annotations CC BY 4.0; photos: their Flickr photographers' licences, one per photo",
    "lvis": "annotations CC BY 4.0; COCO's photos",
    "psg": "MIT (OpenPSG); COCO's photos",
    "refcoco": "Apache-2.0 (refer); COCO's photos",
    "vcoco": "MIT; COCO's photos",
    "visual_genome": "CC BY 4.0",
    "gqa": "CC BY 4.0",
    "open_images": "annotations CC BY 4.0; photos listed as CC BY 2.0",
    "localized_narratives": "CC BY 4.0; photos of the data sets that are narrated",
    "vsd": "MIT, by its badge; photos of Visual Genome and Flickr",
    "nlvr": "CC BY 4.0",
    "llava": "CC BY-NC 4.0",
    "ferret": "CC BY-NC 4.0, research only",
    "mvtec": "CC BY-NC-SA 4.0",
    "deep_pcb": "MIT",
    "people": "research use only",
}
UNKNOWN = "not known: ask its publisher"
_RESTRICTED = ("NC", "research", "not known", "not stated")
#: Rows of a table.
_ROWS = 20
#: Characters of a turn that are shown.
_SHOWN = 1500
#: What `provenance` tells of how an example was made, with the heading of its column.
_MADE = {"teacher": "teacher", "prompt": "prompts (digests)", "seed": "seeds", "split": "splits", "groups": "groups"}


def card(
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    *,
    dialect: str | Dialect = "plain",
    licences: Mapping[str, str] | None = None,
    samples: int = 3,
    title: str = "",
) -> Path:
    """Write the card of a file or folder of examples or preferences into a folder; return the README's path.

    Args:
        images: the folder of images; that of `data` if not given.
        dialect: the one that samples are shown in: that of the model to be trained.
        licences: by source, before those that are known here (`LICENCES`).
        samples: drawn examples of each source; those whose ids have the lowest hash, so nobody chose them.
        title: of the card; the name of the data if not given.

    Raises:
        RelataError: if `data` holds no examples, a record is damaged, or `out` has a README.md that is no such card.
    """
    source, folder = Path(data), Path(out)
    made = for_trainers(find_dialect(dialect) if isinstance(dialect, str) else dialect)
    kinds: list[type[Talk]] = [kind for kind in (Example, Preference) if kind in held(source)]
    if len(kinds) != 1:
        raise RelataError(f"{source} holds {'two kinds of examples' if kinds else 'no examples'}; name one folder")
    readme = folder / "README.md"
    if readme.exists() and _SIGN not in readme.read_text(encoding="utf-8"):
        raise RelataError(f"{readme} is another one; name a folder of its own for the card")
    root = Path(images) if images is not None else source if source.is_dir() else source.parent
    count = _Count(samples)
    for record in store.records(source, kinds[0]):
        count.add(record)
    drawn = [(name, record, seen(_example(as_shown(record)), made, root)) for name, record in count.samples()]
    for left in folder.glob("samples/*.png"):  # of an earlier card
        left.unlink()
    for number, (_, _, sample) in enumerate(drawn, 1):
        if sample.picture is not None:
            png = io.BytesIO()
            sample.picture.save(png, format="PNG")
            store.write(folder / "samples" / f"{number:02d}.png", [png.getvalue()])
    said = coverage(_example(record) for record in store.records(source, kinds[0]))
    parts = [
        *_head(title or source.resolve().name, count, kinds[0]),
        *_table("What it holds", ("kind", "records"), count.kinds, count.total),
        *("", "## Relations in the answers", "", str(said), ""),
        *_table("", ("predicate", "relations"), said.counts, said.total),
        *_sources(count, {**LICENCES, **(licences or {})}),
        *_making(count, source),
        *_boxes(made),
        *_samples(drawn),
        "",
    ]
    store.write(readme, ["\n".join(parts).encode("utf-8", "replace")])
    return readme


_SIGN = "<!-- written by relata -->"


def _example(record: Talk) -> Example:
    """A preference with its better answer."""
    if isinstance(record, Example):
        return record
    messages = (*record.messages, Message("assistant", record.chosen))
    return Example(record.id, record.images, messages, record.regions, record.recipe, record.provenance)


class _Count:
    """What is counted of the records, in one pass."""

    def __init__(self, samples: int) -> None:
        self.total = self.turns = self.words = 0
        self.kinds: Counter[str] = Counter()
        self.shown: Counter[int] = Counter()
        self.files: dict[str, Counter[str]] = defaultdict(Counter)
        self.made: dict[str, Counter[str]] = {key: Counter() for key in _MADE}
        self._most = samples
        self._images: set[int] = set()
        self._drawn: dict[str, list[tuple[int, int, Talk]]] = defaultdict(list)

    def add(self, record: Talk) -> None:
        self.total += 1
        self.kinds[record.recipe or "not said"] += 1
        self.shown[len(record.images)] += 1
        self._images.update(_number(image.path) for image in record.images)
        answers = [message.spans for message in _example(record).messages if message.role == "assistant"]
        self.turns += len(answers)
        self.words += sum(len(plain(spans).split()) for spans in answers)
        about = record.provenance
        name = about.get("dataset") or about.get("format") or "not said"
        self.files[name][about.get("file", "")] += 1
        for key, found in self.made.items():
            found[about.get(key, "not said")] += 1
        pending = self._drawn[name]
        heapq.heappush(pending, (-_number(record.id), -self.total, record))  # the largest hash goes first
        if len(pending) > self._most:
            heapq.heappop(pending)

    @property
    def images(self) -> int:
        return len(self._images)

    def samples(self) -> Iterator[tuple[str, Talk]]:
        """The samples of each source."""
        for name in sorted(self._drawn):
            yield from (
                (name, record) for _, _, record in sorted(self._drawn[name], key=lambda one: (-one[0], -one[1]))
            )


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8])


def _head(title: str, count: _Count, kind: type) -> list[str]:
    size = next((name for most, name in _SIZES if count.total < most), "n>1M")
    what = "preferences (a question with a better and a worse answer)" if kind is Preference else "conversations"
    mean = count.words / count.turns if count.turns else 0
    numbers = ", ".join(f"{n:,} with {k} image{'s' * (k != 1)}" for k, n in sorted(count.shown.items()))
    return [
        "---",
        f"pretty_name: {json.dumps(line(title, 80))}",
        "license: other",  # several sources, each with its own: see the table
        "task_categories: [image-text-to-text]",
        "tags: [relata, visual-relations, grounding]",
        f"size_categories: [{size}]",
        "---",
        _SIGN,
        "",
        f"# {_cell(title)}",
        "",
        f"{count.total:,} {what} about {count.images:,} images ({numbers}); {count.turns:,} answers of {mean:.1f} "
        "words on average.",
    ]


_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def _table(title: str, columns: Sequence[str], counts: Mapping[str, int], total: int) -> list[str]:
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    lines = ["", f"## {title}", ""] if title else []
    lines += [f"| {' | '.join((*columns, 'share'))} |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {_cell(name)} | {n:,} | {n / max(total, 1):.1%} |" for name, n in rows[:_ROWS]]
    if len(rows) > _ROWS:
        lines.append(f"| and {len(rows) - _ROWS} more | {sum(n for _, n in rows[_ROWS:]):,} | |")
    return lines


def _cell(text: str) -> str:
    """Words of others in Markdown: on one line, with nothing in them that is a table, a link, code or HTML."""
    return "".join(f"\\{c}" if c in "\\`*_[]|~" else {"<": "&lt;", "&": "&amp;"}.get(c, c) for c in line(text, 200))


def _sources(count: _Count, licences: Mapping[str, str]) -> list[str]:
    lines = ["", "## Sources and licences", "", "| source | files | records | licence |", "|---|---|---|---|"]
    careful = []
    for name, files in sorted(count.files.items()):
        licence = "; ".join(dict.fromkeys(licences.get(part, UNKNOWN) for part in name.split("; ")))
        if any(word in licence for word in _RESTRICTED):
            careful.append(name)
        named = sorted(filter(None, files))
        told = ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")
        lines.append(f"| {_cell(name)} | {_cell(told)} | {files.total():,} | {_cell(licence)} |")
    lines += ["", "Licences are told as their publishers state them; check them, and those of the photos, first."]
    if careful:
        lines.append(f"**Restricted or unknown: {_cell(', '.join(careful))}.**")
    return lines


def _making(count: _Count, source: Path) -> list[str]:
    """Who made it with which prompts, what was turned away, and what is known of splits and leaks."""
    lines = ["", "## How it was made", "", "| what | values |", "|---|---|"]
    for key, found in count.made.items():
        if set(found) != {"not said"}:
            values = [f"{_cell(value)} ({n:,})" for value, n in found.most_common(_ROWS)]
            more = f", and {len(found) - _ROWS} more" if len(found) > _ROWS else ""
            lines.append(f"| {_MADE[key]} | {', '.join(values)}{more} |")
    home = next((folder for folder in (source, source.parent) if (folder / store.MANIFEST).exists()), None)
    about: dict[str, Any] = store.manifest(home).about if home and source.is_dir() else {}
    for key in ("recipe", "version", "options"):
        if about.get(key):
            lines.append(f"| {key} | {_cell(json.dumps(about[key]) if key == 'options' else str(about[key]))} |")
    report = home / "report.json" if home and source.is_dir() else None
    lines.append("")
    if report is not None and report.exists():
        told = decode(report.read_bytes(), Report, str(report))
        sums = f"{told.read:,} read = {told.kept:,} kept + {told.rejected:,} rejected + {told.failed:,} failed"
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(told.reasons.items(), key=lambda row: -row[1]))
        lines.append(f"{sums}{': ' + _cell(reasons) if reasons else ''}.")
    if about.get("excluded"):
        lines.append(f"Images of benchmarks were left out: those of the list with digest `{about['excluded']}`.")
    else:
        lines.append("No list of benchmark images was left out: check for leaks before you score on public benchmarks.")
    return lines


def _boxes(dialect: Dialect) -> list[str]:
    frame, codec = frame_of(dialect), getattr(dialect, "codec", None)
    relative = _frame(frame)
    unit = ""
    if isinstance(codec, Codec):
        unit = f"0 to {codec.full:g}" if codec.full is not None else "in pixels"
        unit = f" Numbers are {unit}, order {codec.order}, {codec.digits} digits after the point."
    return [
        *("", "## Boxes", ""),
        "Boxes are kept as left, top, right, bottom in pixels of the original image. Samples below are written in the "
        f"dialect `{dialect.name}`, whose boxes are relative to {relative}.{unit} They are drawn as they are read back "
        "out of that text, in that frame.",
    ]


def _frame(frame: Frame) -> str:
    steps = ["the original image"]
    if frame.square:
        steps = ["the image padded to a square"]
    if frame.resize:
        bounds = f"{frame.resize.min_pixels:,} to {frame.resize.max_pixels:,} pixels, sides in steps of "
        steps.append(f"resized ({bounds}{frame.resize.factor})")
    return ", ".join(steps)


def _samples(drawn: Iterable[tuple[str, Talk, Seen]]) -> list[str]:
    lines = ["", "## Samples as the model sees them"]
    for number, (name, record, sample) in enumerate(drawn, 1):
        lines += ["", f"### {number}. {_cell(name)}: {_cell(record.id)}", ""]
        if sample.picture is not None:
            lines += [f"![sample {number}](samples/{number:02d}.png)", ""]
        for role, text in sample.turns:
            cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ... ({len(text):,} characters)"
            lines += [f"    {row}" for row in f"{role}: {clean(cut)}".split("\n")]
        if sample.relations:
            more = f"; and {len(sample.relations) - _ROWS} more" if len(sample.relations) > _ROWS else ""
            lines += ["", f"Read back: {'; '.join(map(_cell, sample.relations[:_ROWS]))}{more}."]
        lines += [f"\n**Warning: {_cell(problem)}**" for problem in sample.problems]
    return lines
