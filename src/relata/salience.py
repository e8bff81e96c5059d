"""Which annotated regions a segmenter sees too (Synthetic Visual Genome, section 2.1), by its masks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from relata.errors import RelataError
from relata.filters import Rejection
from relata.geometry import iou_matrix
from relata.geometry.overlaps import Overlaps
from relata.proposals import Proposal, read
from relata.scene import Region, Scene

#: An annotated region is salient if a proposal overlaps it by more than this (IoU of masks, or of boxes).
SALIENT_IOU = 0.5


def salient(scene: Scene, proposals: Sequence[Proposal]) -> tuple[Scene, list[Rejection]]:
    """The scene with the regions that a segmenter sees too, and what was dropped: `not-salient` regions, and relations
    `of-dropped-region`.

    A region with a mask is compared by masks, one without by boxes; the latter takes over the mask of the proposal that
    fits it best.

    Raises:
        RelataError: if the proposals are not of the scene's size.
    """
    for proposal in proposals:
        if proposal.mask.size != (scene.height, scene.width):
            height, width = proposal.mask.size
            raise RelataError(
                f"scene {scene.id}: proposals of {width} x {height} pixels for an image of {scene.width} x "
                f"{scene.height}; segment the image at its own size"
            )
    kept: list[Region] = []
    lost: list[Rejection] = []
    for region, (overlap, best) in zip(scene.regions, _best(scene.regions, proposals)):
        if overlap > SALIENT_IOU:
            kept.append(region if region.mask else region.replace(mask=proposals[best].mask))
        else:
            detail = f"{region.label}: IoU {overlap:.2f} with the nearest proposal"
            lost.append(Rejection("not-salient", detail, f"{scene.id}/region/{region.id}"))
    ids = {region.id for region in kept}
    relations = []
    for at, relation in enumerate(scene.relations):
        if relation.subject in ids and relation.object in ids:
            relations.append(relation)
        else:
            lost.append(Rejection("of-dropped-region", relation.predicate, f"{scene.id}/relation/{at}"))
    return scene.replace(regions=tuple(kept), relations=tuple(relations)), lost


def salient_scenes(scenes: Iterable[Scene], folder: Path) -> Iterator[Scene | Rejection]:
    """The scenes as `salient` leaves them, each followed by what it lost and by what is damaged in its proposals.

    A scene whose image has no proposals, or such of another size, is rejected whole, as `no-proposals`.

    Args:
        folder: `<name of the image, without its ending>.json` for each image, see `read`.
    """
    for scene in scenes:
        try:
            found, damaged = read(folder / f"{Path(scene.image).stem}.json")
            kept, lost = salient(scene, found)
        except RelataError as error:
            yield Rejection("no-proposals", str(error), scene.id)
        else:
            yield kept
            yield from lost
            yield from damaged


def _best(regions: Sequence[Region], proposals: Sequence[Proposal]) -> list[tuple[float, int]]:
    """For each region the highest IoU with a proposal, and which one that is."""
    if not proposals:
        return [(0.0, -1)] * len(regions)
    overlap = iou_matrix([region.box for region in regions], [proposal.box for proposal in proposals])
    masked = [(at, region.mask) for at, region in enumerate(regions) if region.mask]
    if masked:
        masks = [mask for _, mask in masked] + [proposal.mask for proposal in proposals]
        overlap[[at for at, _ in masked]] = Overlaps(masks).iou()[: len(masked), len(masked) :]
    return [(float(row.max()), int(row.argmax())) for row in overlap]
