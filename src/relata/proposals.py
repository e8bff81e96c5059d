"""What a segmenter proposes as regions of a photo that nobody annotated (Synthetic Visual Genome, section 2.1).

`propose` makes regions out of masks of whole things, masks of parts, and detected boxes turned into masks. What is
turned away is returned, with a reason. Running a segmenter is the user's part: the paper has SAM ViT-H with 32 points
per side, mask level 2 for whole things and level 1 for parts. For photos with annotations see `relata.salience`.

Numbers are those of the paper's published code. Where that leaves a choice, the function says which it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from relata.errors import RelataError
from relata.filters import Rejection
from relata.geometry import iou_matrix, rle_area, rle_box, rle_from_counts
from relata.geometry.overlaps import Overlaps
from relata.graph import UNKNOWN
from relata.scene import CLIP_PIXELS, Box, Mask, Region, Scene

#: A mask lies in another if more than this share of it does, and is made up of others if they cover more than this.
INSIDE = 0.9
COVERED = 0.9
#: Two masks are the same thing above this IoU.
SAME_IOU = 0.7
#: A part is new if less than this share of it lies in whole masks ...
PART_INSIDE = 0.6
#: ... or if it is larger than the median whole mask, or than this share of all parts.
PART_LARGE = 0.75
#: A detection is kept only if some part mask agrees with it above this IoU.
DETECTED_IOU = 0.8


class Limits(NamedTuple):
    """Which masks of a segmenter are kept."""

    predicted_iou: float
    stability: float
    nms: float = 0.7
    """Box IoU above which the less certain of two masks is dropped."""
    area: int = 300
    """Least pixels."""


WHOLE = Limits(predicted_iou=0.8, stability=0.8)
PART = Limits(predicted_iou=0.9, stability=0.9)


class Proposal(NamedTuple):
    """A region that a segmenter or detector proposes."""

    mask: Mask
    box: Box
    """Around the mask, in pixels."""
    area: int
    """Pixels of the mask."""
    predicted_iou: float = 1.0
    stability: float = 1.0
    label: str = ""
    """What a detector was asked for; segmenters do not know."""


class Dropped(NamedTuple):
    """A proposal that was turned away."""

    proposal: Proposal
    reason: str
    detail: str = ""


class Merged(NamedTuple):
    """What remains of proposals, in order, and what was turned away."""

    kept: list[Proposal]
    dropped: list[Dropped]


class _Runs(msgspec.Struct):
    size: tuple[int, int]
    counts: str | list[int]


class _Line(msgspec.Struct):
    """A proposal as segmenters write it; further fields are ignored."""

    segmentation: _Runs
    bbox: tuple[float, float, float, float]
    predicted_iou: float = 1.0
    stability_score: float = 1.0
    label: str = ""


def read(path: Path) -> tuple[list[Proposal], list[Rejection]]:
    """The proposals for one image, and those that are damaged.

    The file is a JSON list of `{segmentation (COCO run lengths), bbox, area, predicted_iou, stability_score}`, as SAM's
    mask generator gives it; `bbox` is left, top, width, height in pixels and has to agree with the mask, within the
    pixel or two by which segmenters differ.

    Raises:
        RelataError: if the file is missing or no JSON list.
    """
    try:
        lines = msgspec.json.decode(path.read_bytes(), type=list[msgspec.Raw])
    except FileNotFoundError as error:
        raise RelataError(f"proposals {path} do not exist; run a segmenter on the image first") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RelataError(f"proposals {path}: {error}; expected a JSON list of masks, one per region") from error
    found: list[Proposal] = []
    lost: list[Rejection] = []
    for number, line in enumerate(lines):
        outcome = _proposal(line)
        if isinstance(outcome, Proposal):
            found.append(outcome)
        else:
            lost.append(outcome.replace(id=f"{path}: proposal {number}"))
    return found, lost


def _proposal(raw: msgspec.Raw) -> Proposal | Rejection:
    try:
        line = msgspec.json.decode(raw, type=_Line)
        counts, size = line.segmentation.counts, line.segmentation.size
        mask = Mask(size, counts) if isinstance(counts, str) else rle_from_counts(counts, *size)
        box = rle_box(mask)
    except (msgspec.DecodeError, RelataError) as error:
        return Rejection("damaged", str(error))
    if box is None:
        return Rejection("empty-mask", "no pixel belongs to the mask")
    x, y, width, height = line.bbox
    off = max(abs(a - b) for a, b in zip(box.tuple(), (x, y, x + width, y + height)))
    if not off <= CLIP_PIXELS:  # also where a number is not finite
        return Rejection("wrong-box", f"bbox {list(line.bbox)} is not left, top, width, height of {list(box.tuple())}")
    return Proposal(mask, box, rle_area(mask), line.predicted_iou, line.stability_score, line.label)


def regions(proposals: Sequence[Proposal]) -> tuple[Region, ...]:
    """Proposals as regions, numbered from 0; `Unknown` where no label is known. Their score is the predicted IoU."""
    return tuple(
        Region(number, p.label or UNKNOWN, p.box, p.mask, score=p.predicted_iou) for number, p in enumerate(proposals)
    )


def wild_scenes(
    pictures: Iterable[str], whole: Path, part: Path, detected: Path | None = None
) -> Iterator[Scene | Rejection]:
    """A scene of each picture that nobody annotated, followed by what was turned away.

    A picture without proposals, or whose proposals are of several sizes, is rejected whole, as `no-proposals`.

    Args:
        pictures: names of the pictures, as the scenes shall have them.
        whole, part, detected: folders of masks, `<name of the picture, without its ending>.json` for each, see `read`.
    """
    for picture in pictures:
        name = PurePosixPath(picture)
        try:
            given, damaged = zip(*(read(folder / f"{name.stem}.json") for folder in (whole, part, detected) if folder))
            merged = propose(*given)
        except RelataError as error:
            yield Rejection("no-proposals", str(error), picture)
            continue
        if merged.kept:
            height, width = merged.kept[0].mask.size
            yield Scene(str(name.with_suffix("")), picture, width, height, regions(merged.kept))
        else:
            yield Rejection("no-regions", "none of the proposals is kept", picture)
        for lost in damaged:
            yield from lost
        for dropped in merged.dropped:
            box = ", ".join(f"{side:.0f}" for side in dropped.proposal.box.tuple())
            yield Rejection(dropped.reason, f"{dropped.detail} ({box})", picture)


def propose(whole: Sequence[Proposal], part: Sequence[Proposal], detected: Sequence[Proposal] = ()) -> Merged:
    """The regions of a photo that nobody annotated.

    Args:
        whole: masks of whole things.
        part: masks of parts.
        detected: masks of boxes that a detector found for named things.

    Raises:
        RelataError: if the masks are not all of one size.
    """
    things, parts = confident(whole, WHOLE), confident(part, PART)
    single = without_unions(things.kept)
    merged = with_parts(single.kept, parts.kept)
    dropped = things.dropped + parts.dropped + single.dropped + merged.dropped
    if not detected:
        return Merged(merged.kept, dropped)
    more = with_detections(merged.kept, parts.kept, detected)
    last = without_unions(more.kept)
    return Merged(last.kept, dropped + more.dropped + last.dropped)


def confident(proposals: Sequence[Proposal], limits: Limits) -> Merged:
    """Masks that are large and certain enough, each thing once: of two that overlap the more certain one stays."""
    kept: list[tuple[int, Proposal]] = []
    dropped: list[Dropped] = []
    for at in sorted(range(len(proposals)), key=lambda at: (-proposals[at].predicted_iou, at)):
        one = proposals[at]
        overlap = iou_matrix([one.box], [other.box for _, other in kept]).max(initial=0.0)
        if one.predicted_iou < limits.predicted_iou:
            dropped.append(Dropped(one, "uncertain", f"predicted IoU {one.predicted_iou:.2f}"))
        elif one.stability < limits.stability:
            dropped.append(Dropped(one, "unstable", f"stability {one.stability:.2f}"))
        elif one.area < limits.area:
            dropped.append(Dropped(one, "small", f"{one.area} pixels"))
        elif overlap > limits.nms:
            dropped.append(Dropped(one, "repeated", f"box IoU {overlap:.2f} with one that is kept"))
        else:
            kept.append((at, one))
    return Merged([one for _, one in sorted(kept, key=lambda pair: pair[0])], dropped)


def without_unions(proposals: Sequence[Proposal]) -> Merged:
    """Without masks that two or more others make up.

    All are judged by all that came in. A mask that nearly fills another one is its twin, not a part of it: two twins
    would otherwise do away with each other.
    """
    overlaps = Overlaps([proposal.mask for proposal in proposals])
    shared, areas = overlaps.shared(), overlaps.areas
    inside = (shared > INSIDE * areas[:, None]) & (shared <= COVERED * areas[None, :])
    np.fill_diagonal(inside, False)
    kept: list[Proposal] = []
    dropped: list[Dropped] = []
    for at, proposal in enumerate(proposals):
        members = np.flatnonzero(inside[:, at]).tolist()
        if len(members) >= 2 and overlaps.covered(at, members) > COVERED * areas[at]:
            dropped.append(Dropped(proposal, "union", f"of {len(members)} others"))
        else:
            kept.append(proposal)
    return Merged(kept, dropped)


def with_parts(whole: Sequence[Proposal], part: Sequence[Proposal]) -> Merged:
    """Whole masks with the part masks that add something: not the same as a whole one, and either in a place that the
    whole ones leave free, or large.

    The published rule names two sizes beside each other; a part that reaches either of them is large here.
    """
    overlaps = Overlaps([proposal.mask for proposal in (*whole, *part)])
    iou = overlaps.iou()[len(whole) :, : len(whole)]
    sizes = [one.area for one in part]
    large = min(
        float(np.median([one.area for one in whole])) if whole else np.inf,
        float(np.quantile(sizes, PART_LARGE)) if part else np.inf,
    )
    kept = list(whole)
    dropped: list[Dropped] = []
    for at, one in enumerate(part):
        inside = overlaps.covered(len(whole) + at, range(len(whole))) / max(one.area, 1)
        if iou[at].max(initial=0.0) > SAME_IOU:
            dropped.append(Dropped(one, "repeated", f"IoU {iou[at].max():.2f} with a whole mask"))
        elif inside >= PART_INSIDE and one.area <= large:
            dropped.append(Dropped(one, "inside", f"{inside:.0%} of it in whole masks"))
        else:
            kept.append(one)
    return Merged(kept, dropped)


def with_detections(merged: Sequence[Proposal], parts: Sequence[Proposal], detected: Sequence[Proposal]) -> Merged:
    """The merged masks with the detections that add something: each once, confirmed by a part mask, and new."""
    masks = [proposal.mask for proposal in (*merged, *parts, *detected)]
    iou = Overlaps(masks).iou()[len(merged) + len(parts) :]
    chosen: list[int] = []
    dropped: list[Dropped] = []
    for at in sorted(range(len(detected)), key=lambda at: (-detected[at].predicted_iou, at)):
        same = _most(iou[at], [len(merged) + len(parts) + other for other in chosen])
        if same > SAME_IOU:
            dropped.append(Dropped(detected[at], "repeated", f"IoU {same:.2f} with another detection"))
            continue
        chosen.append(at)
    kept = list(merged)
    for at in sorted(chosen):
        confirmed = _most(iou[at], range(len(merged), len(merged) + len(parts)))
        known = _most(iou[at], range(len(merged)))
        if confirmed <= DETECTED_IOU:
            dropped.append(Dropped(detected[at], "unconfirmed", f"IoU {confirmed:.2f} with the nearest part mask"))
        elif known > SAME_IOU:
            dropped.append(Dropped(detected[at], "known", f"IoU {known:.2f} with a mask that is kept"))
        else:
            kept.append(detected[at])
    return Merged(kept, dropped)


def _most(row: npt.NDArray[np.float64], columns: Sequence[int]) -> float:
    return float(row[list(columns)].max(initial=0.0))
