"""Proposals of a segmenter: every limit with a mask on either side of it, and nothing lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from relata import proposals, readers
from relata.errors import RelataError
from relata.geometry import rle_area, rle_box, rle_decode, rle_encode
from relata.geometry.overlaps import Overlaps
from relata.proposals import PART, WHOLE, Merged, Proposal
from relata.salience import salient
from relata.scene import Box, Region, Relation, Scene

SIZE = (80, 100)
Mask = npt.NDArray[np.bool_]


def rectangle(x1: int, y1: int, x2: int, y2: int) -> Mask:
    mask = np.zeros(SIZE, dtype=bool)
    mask[y1:y2, x1:x2] = True
    return mask


def proposal(mask: Mask, certain: float = 0.95, stability: float = 0.95, label: str = "") -> Proposal:
    encoded = rle_encode(mask)
    box = rle_box(encoded)
    assert box is not None
    return Proposal(encoded, box, rle_area(encoded), certain, stability, label)


def at(*corners: tuple[int, int, int, int]) -> list[Proposal]:
    return [proposal(rectangle(*each)) for each in corners]


def reasons(merged: Merged) -> dict[str, int]:
    return dict(Counter(dropped.reason for dropped in merged.dropped))


@settings(deadline=None, max_examples=80)
@given(masks=st.lists(arrays.arrays(bool, (13, 11)), max_size=5))
def test_overlaps_are_those_of_the_pixels(masks: list[Mask]) -> None:
    found = Overlaps([rle_encode(mask) for mask in masks])
    shared = np.array([[(a & b).sum() for b in masks] for a in masks]).reshape(len(masks), len(masks))
    union = np.array([[(a | b).sum() for b in masks] for a in masks]).reshape(len(masks), len(masks))
    assert np.array_equal(found.shared(), shared)
    assert np.allclose(found.iou(), shared / np.maximum(union, 1))
    for number, mask in enumerate(masks):
        others = [other for other in range(len(masks)) if other != number]
        covered = np.any([masks[other] for other in others], axis=0) & mask if others else mask & False
        assert found.covered(number, others) == covered.sum()


def test_masks_of_two_images_are_refused() -> None:
    with pytest.raises(RelataError, match="not of one image"):
        Overlaps([rle_encode(np.ones((3, 4))), rle_encode(np.ones((4, 3)))])


# ------------------------------------------------------------------------------------------------- wild images


def test_only_certain_stable_large_masks_stay_and_each_once() -> None:
    big = rectangle(0, 0, 40, 40)
    given = [
        proposal(rectangle(1, 0, 40, 40), certain=0.85),
        proposal(big, certain=0.9),
        proposal(rectangle(50, 0, 90, 40), certain=0.79),
        proposal(rectangle(50, 40, 90, 80), stability=0.79),
        proposal(rectangle(0, 60, 17, 77)),  # 289 pixels
        proposal(rectangle(20, 60, 35, 80)),  # 300 pixels
    ]
    found = proposals.confident(given, WHOLE)
    assert found.kept == [given[1], given[5]]
    assert reasons(found) == {"repeated": 1, "uncertain": 1, "unstable": 1, "small": 1}
    assert proposals.confident(given, PART).kept == [given[1], given[5]]
    assert len(found.kept) + len(found.dropped) == len(given)


def test_a_mask_that_others_make_up_goes() -> None:
    whole, left, right = at((0, 0, 40, 40), (0, 0, 20, 40), (20, 0, 40, 40))
    assert proposals.without_unions([whole, left, right]).kept == [left, right]
    short = proposal(rectangle(20, 0, 35, 40))  # together 87.5 % of the whole
    assert proposals.without_unions([whole, left, short]).kept == [whole, left, short]
    apart = proposal(rectangle(20, 0, 46, 40))  # only 77 % of it lies in the whole
    assert proposals.without_unions([whole, left, apart]).kept == [whole, left, apart]


def test_twins_do_not_do_away_with_each_other() -> None:
    twins = at((0, 0, 40, 40), (0, 0, 40, 39), (0, 0, 39, 40))
    assert proposals.without_unions(twins).kept == twins


def test_parts_are_added_where_they_are_new() -> None:
    whole = at((0, 0, 60, 40), (70, 0, 90, 20), (70, 30, 90, 50))
    same, within, beside, half, large = at(
        (0, 0, 60, 39), (0, 0, 20, 15), (0, 50, 20, 70), (50, 25, 70, 45), (0, 0, 30, 40)
    )
    found = proposals.with_parts(whole, [same, within, beside, half, large])
    # `large` is larger than the median whole mask, 400 pixels, though all of it lies in one
    assert found.kept == [*whole, beside, half, large]
    assert [(d.proposal, d.reason) for d in found.dropped] == [(same, "repeated"), (within, "inside")]


def test_detections_need_a_part_that_agrees() -> None:
    merged = at((0, 0, 40, 40))
    parts = at((50, 0, 70, 20), (0, 0, 40, 40))
    new = proposal(rectangle(50, 0, 70, 19), label="cup")
    again = proposal(rectangle(50, 0, 70, 18), certain=0.9, label="mug")
    known = proposal(rectangle(0, 0, 40, 38), label="table")
    alone = proposal(rectangle(0, 50, 30, 80), label="dog")
    found = proposals.with_detections(merged, parts, [again, new, known, alone])
    assert found.kept == [*merged, new]
    assert reasons(found) == {"repeated": 1, "known": 1, "unconfirmed": 1}


corners = st.tuples(st.integers(0, 70), st.integers(0, 50), st.integers(5, 30), st.integers(5, 30))
some = st.lists(
    st.builds(
        lambda c, certain, stability: proposal(rectangle(c[0], c[1], c[0] + c[2], c[1] + c[3]), certain, stability),
        corners,
        st.sampled_from((0.7, 0.85, 0.95)),
        st.sampled_from((0.7, 0.85, 0.95)),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=60)
@given(whole=some, part=some, detected=some)
def test_nothing_is_lost(whole: list[Proposal], part: list[Proposal], detected: list[Proposal]) -> None:
    found = proposals.propose(whole, part, detected)
    came = Counter(id(one) for one in (*whole, *part, *detected))
    went = Counter(id(one) for one in (*found.kept, *(dropped.proposal for dropped in found.dropped)))
    assert came == went
    regions = proposals.regions(found.kept)
    assert Scene("s", "s.jpg", SIZE[1], SIZE[0], regions).regions == regions  # fits, ids unique


# ------------------------------------------------------------------------------------------------- annotated images


def annotated(*regions: Region) -> Scene:
    relations = tuple(Relation(regions[0].id, "near", region.id) for region in regions[1:])
    return Scene("s", "s.jpg", SIZE[1], SIZE[0], regions, relations)


def test_a_region_needs_a_proposal_with_more_than_half_in_common() -> None:
    exact, loose = rectangle(0, 0, 40, 40), rectangle(50, 0, 90, 40)
    scene = annotated(
        Region(7, "dog", Box(0, 0, 40, 40), rle_encode(rectangle(0, 0, 40, 20))),  # IoU 0.5 is not more than half
        Region(3, "cat", Box(0, 0, 40, 40), rle_encode(rectangle(0, 0, 40, 21))),
        Region(5, "cup", Box(50, 0, 90, 30)),
        Region(9, "hat", Box(0, 50, 20, 80)),
    )
    found, lost = salient(scene, [proposal(exact), proposal(loose)])
    assert [region.id for region in found.regions] == [3, 5]
    assert found.regions[0] == scene.regions[1]
    assert found.regions[1] == scene.regions[2].replace(mask=rle_encode(loose))  # a box takes over the mask
    assert [(one.reason, one.id) for one in lost] == [
        ("not-salient", "s/region/7"),
        ("not-salient", "s/region/9"),
        ("of-dropped-region", "s/relation/0"),
        ("of-dropped-region", "s/relation/1"),
        ("of-dropped-region", "s/relation/2"),
    ]
    assert "dog: IoU 0.50" in lost[0].detail


def test_without_proposals_nothing_is_salient() -> None:
    scene = annotated(Region(0, "dog", Box(0, 0, 9, 9)))
    found, lost = salient(scene, [])
    assert found.regions == ()
    assert len(lost) == 1


def test_proposals_of_another_size_are_refused() -> None:
    other = rle_encode(np.ones((40, 50)))
    with pytest.raises(RelataError, match="scene s: proposals of 50 x 40 pixels for an image of 100 x 80"):
        salient(annotated(), [Proposal(other, Box(0, 0, 50, 40), 2000)])


# -------------------------------------------------------------------------------------------------------- files


def line(mask: Mask, bbox: Sequence[float], **more: object) -> dict[str, object]:
    encoded = rle_encode(mask)
    return {"segmentation": {"size": list(encoded.size), "counts": encoded.counts}, "bbox": list(bbox), **more}


def test_a_file_of_proposals(tmp_path: Path) -> None:
    mask = rectangle(10, 20, 40, 60)
    uncompressed = {"size": [2, 3], "counts": [1, 2, 3]}
    lines = [
        # as SAM gives it: width and height are one pixel less than the mask's, further fields beside
        line(mask, (10, 20, 29, 39), area=1200, predicted_iou=0.91, stability_score=0.97, crop_box=[0, 0, 100, 80]),
        {"segmentation": uncompressed, "bbox": [0, 0, 2, 2], "area": 2, "predicted_iou": 1, "stability_score": 1},
        line(mask, (10, 20, 40, 60)),  # corners instead of left, top, width, height
        line(mask & False, (0, 0, 1, 1)),
        {"segmentation": {"size": [80, 100], "counts": "zz"}, "bbox": [0, 0, 1, 1]},
        {"bbox": [0, 0, 1, 1]},
    ]
    path = tmp_path / "s.json"
    path.write_text(json.dumps(lines))
    found, lost = proposals.read(path)
    assert [(p.box.tuple(), p.area, p.predicted_iou, p.stability) for p in found] == [
        ((10, 20, 40, 60), 1200, 0.91, 0.97),
        ((0, 0, 2, 2), 2, 1, 1),
    ]
    assert [one.reason for one in lost] == ["wrong-box", "empty-mask", "damaged", "damaged"]
    assert lost[0].id == f"{path}: proposal 2"
    assert "[10.0, 20.0, 40.0, 60.0] is not left, top, width, height of" in lost[0].detail


def test_a_file_that_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("{}")
    with pytest.raises(RelataError, match=r"s\.json: .*expected a JSON list"):
        proposals.read(tmp_path / "s.json")
    with pytest.raises(RelataError, match="run a segmenter"):
        proposals.read(tmp_path / "none.json")


def test_real_masks_find_each_other(shared_data: Path) -> None:
    """Panoptic masks of real photos as the segmenter's: every region is found again by its mask, and by its box where
    the mask is taken away, unless two boxes are alike."""
    panoptic = shared_data / "coco_photos" / "annotations" / "panoptic" / "panoptic_train2017.json"
    boxes = kept = 0
    for scene in readers.read("coco", panoptic, masks=True):
        given = [Proposal(r.mask, r.box, rle_area(r.mask), 0.9, 0.9) for r in scene.regions if r.mask]  # type: ignore[union-attr]
        assert len(given) == len(scene.regions)
        assert salient(scene, given) == (scene, [])
        bare = scene.replace(regions=tuple(region.replace(mask=None) for region in scene.regions))
        found, _ = salient(bare, given)
        boxes += len(found.regions)
        kept += sum(a.mask == b.mask for a, b in zip(found.regions, scene.regions))
        merged = proposals.propose(given, given)
        assert len(merged.kept) + len(merged.dropped) == 2 * len(given)
        total = np.any([rle_decode(one.mask) for one in merged.kept], axis=0).mean()
        assert total > 0.5
    assert boxes == 123
    assert kept > 115
