"""`merge` and `read_many`: several sources, one scene per photo."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relata.errors import RelataError
from relata.geometry import iou
from relata.readers import Rejected, merge, read, read_many
from relata.scene import Box, Mask, Region, Relation, Scene


def scene(source: str, *regions: Region, image: str = "000000000009.jpg", **rest: object) -> Scene:
    fields: dict[str, object] = {"width": 100, "height": 80, "provenance": {"format": source, "file": f"{source}.json"}}
    return Scene(source, image, regions=regions, **(fields | rest))  # type: ignore[arg-type]


MAN = Region(1, "person", Box(10, 20, 40, 60), attributes=("tall",))


def test_the_same_photo_under_its_2014_and_2017_name_is_one_scene() -> None:
    a = scene("a", MAN, captions=("A man.", "He walks."))
    b = scene(
        "b", image="train2014/COCO_train2014_000000000009.jpg", captions=("a  man.", "He waits."), labels=("park",)
    )
    c = scene("c", image="000000000025.jpg")
    merged = merge([[a, c], [b]])
    first, second = merged
    assert (first.id, second.id) == ("000000000009", "000000000025")
    assert first.image == "000000000009.jpg"
    assert first.captions == ("A man.", "He walks.", "He waits.")
    assert first.labels == ("park",)
    assert first.provenance == {"format": "a; b", "file": "a.json; b.json"}
    assert (merged.read, merged.kept) == (2, 2)


def test_regions_that_coincide_become_one_and_relations_follow() -> None:
    a = scene("a", MAN, Region(2, "rug", Box(0, 50, 50, 80)), relations=(Relation(1, "on", 2, source="a"),))
    mask = Mask((80, 100), "x")
    b = scene(
        "b",
        Region(1, "carpet", Box(0, 51, 50, 80), description="a red rug"),  # IoU 1450 / 1500 = 0.97, another name
        Region(2, "persons", Box(10, 20, 40, 50), mask=mask, attributes=("old", "tall")),  # IoU 0.75, the same name
        Region(3, "woman", Box(10, 20, 40, 52)),  # IoU 0.8 with the man, another name
        relations=(Relation(2, "on", 1, source="b"), Relation(3, "near", 2, source="b")),
    )
    (both,) = merge([[a], [b]])
    assert both.regions == (
        Region(1, "person", Box(10, 20, 40, 60), mask=mask, attributes=("tall", "old")),
        Region(2, "rug", Box(0, 50, 50, 80), description="a red rug"),
        Region(3, "woman", Box(10, 20, 40, 52)),
    )
    assert both.relations == (Relation(1, "on", 2, source="a; b"), Relation(3, "near", 1, source="b"))


def test_the_other_name_of_a_region_is_kept_as_its_description() -> None:
    (both,) = merge([[scene("a", MAN)], [scene("b", Region(7, "pedestrian", Box(10, 20, 40, 59)))]])
    assert [(r.id, r.label, r.description) for r in both.regions] == [(1, "person", "pedestrian")]


def test_large_regions_of_different_names_stay_apart() -> None:
    sky, field = Region(0, "sky-other-merged", Box(0, 0, 100, 78)), Region(0, "field", Box(0, 0, 100, 80))
    (both,) = merge([[scene("a", sky)], [scene("b", field)]])
    assert [(r.id, r.label) for r in both.regions] == [(0, "sky-other-merged"), (1, "field")]
    (both,) = merge([[scene("a", sky)], [scene("b", field.replace(label="Sky"))]])
    assert [(r.id, r.label) for r in both.regions] == [(0, "sky-other-merged")]


def test_regions_of_one_source_never_become_one() -> None:
    twins = (Region(1, "book", Box(0, 0, 10, 10)), Region(2, "book", Box(0, 0, 10, 11)))
    (one,) = merge([[scene("a", *twins)]])
    assert one.regions == twins
    (both,) = merge([[scene("a", twins[0])], [scene("b", *twins)]])
    assert [region.box.y2 for region in both.regions] == [10, 11]  # the better partner, and the other one


def test_sizes_that_disagree_reject_the_later_scene() -> None:
    a, b = scene("a", MAN), scene("b", MAN, width=200, height=160)
    merged = merge([[a], [b]])
    assert [s.width for s in merged] == [100]
    (rejected,) = merged.rejected
    assert rejected.where == "b.json: image b"
    assert rejected.reason.startswith("000000000009.jpg is 200 x 160 here, but 100 x 80 in a.json")
    assert (merged.read, merged.kept) == (2, 1)


def test_a_size_guessed_from_boxes_gives_way() -> None:
    guessed = scene("b", MAN, width=40, height=60, provenance={"format": "b", "size": "boxes"})
    (both,) = merge([[guessed], [scene("a")]])
    assert (both.width, both.height, "size" in both.provenance) == (100, 80, False)
    too_wide = scene("c", Region(1, "dog", Box(0, 0, 150, 50)), width=150, height=50, provenance={"size": "boxes"})
    merged = merge([[too_wide], [scene("a")]])
    assert [s.regions for s in merged] == [()]
    assert "leaves the 100 x 80 image by 50.0 px" in merged.rejected[0].reason
    other = guessed.replace(width=50, height=50, regions=())
    (both,) = merge([[guessed], [other]])
    assert (both.width, both.height, both.provenance["size"]) == (50, 60, "boxes")


def test_rejections_of_the_sources_come_along(files: Path) -> None:
    merged = merge([read("psg", files / "psg.json"), read("coco", files / "coco")])
    assert [s.id for s in merged] == ["000000000009", "000000000025", "000000000042", "000000000030"]
    assert (merged.read, merged.kept, len(merged.rejected)) == (6, 4, 2)
    assert all(isinstance(problem, Rejected) for problem in merged.problems)
    assert len(merged.problems) > 8


def test_photos_can_be_told_apart_otherwise() -> None:
    a, b = scene("a", image="x/1.jpg"), scene("b", image="y/1.jpg")
    assert len(list(merge([[a], [b]]))) == 2
    assert [s.id for s in merge([[a], [b]], by=lambda s: s.image.rpartition("/")[2])] == ["1.jpg"]


def test_read_many(files: Path, photos: Path) -> None:
    specs = [f"coco={files / 'coco'}", f"vcoco={files / 'instances_vcoco_small.json'}", f"ferret={files / 'ferret'}"]
    merged = read_many(specs, photos, clean_labels=True)
    photo = next(iter(merged))
    assert photo.provenance["format"] == "coco; vcoco; ferret"
    assert [relation.source for relation in photo.relations] == ["vcoco"] * 3 + ["ferret"]
    # V-COCO's persons are COCO's; its laptop lies exactly on COCO's dog
    assert [(r.subject, r.predicate, r.object) for r in photo.relations[:2]] == [
        (1, "holding", 2),
        (1, "working on", 2),
    ]


def test_read_many_refuses_what_it_cannot_use(files: Path) -> None:
    with pytest.raises(RelataError, match="annotations are named format=path"):
        read_many([str(files / "psg.json")])
    with pytest.raises(RelataError, match="unknown option of psg, vsd 'masc'; did you mean masks"):
        read_many([f"psg={files / 'psg.json'}", f"vsd={files / 'vsd.json'}"], masc=True)


corners = st.integers(0, 70)
boxes = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), corners, corners, st.integers(1, 30), st.integers(1, 10))
region_lists = st.lists(st.tuples(st.sampled_from(["man", "men's hat", "hat", "dog"]), boxes), max_size=6)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    regions = [Region(n, label, box) for n, (label, box) in enumerate(draw(region_lists))]
    ids = st.sampled_from(range(len(regions))) if regions else st.nothing()
    pairs = draw(st.lists(st.tuples(ids, ids), max_size=4)) if regions else []
    return scene("s", *regions, relations=tuple(Relation(a, "near", b) for a, b in dict.fromkeys(pairs) if a != b))


@settings(deadline=None)
@given(st.lists(scenes(), min_size=1, max_size=3))
def test_merging_loses_no_region_and_no_relation(sources: list[Scene]) -> None:
    (both,) = merge([[s] for s in sources])
    for source in sources:
        for region in source.regions:
            assert max((iou(region.box, kept.box) for kept in both.regions), default=0) >= 0.7
        # every relation still holds between regions that lie where its ends lay
        for relation in source.relations:
            ends = source.region(relation.subject).box, source.region(relation.object).box
            assert any(
                iou(ends[0], both.region(kept.subject).box) >= 0.7 and iou(ends[1], both.region(kept.object).box) >= 0.7
                for kept in both.relations
            )
    assert sum(len(s.regions) for s in sources) >= len(both.regions) >= max(len(s.regions) for s in sources)
    assert not any(relation.subject == relation.object for relation in both.relations)


@settings(deadline=None)
@given(scenes())
def test_merging_a_scene_with_itself_changes_nothing(one: Scene) -> None:
    (both,) = merge([[one], [one]])
    # regions with exactly the same box and name may swap, and with them relations; nothing is added
    assert both.regions == one.regions
    if len({(r.label, r.box) for r in one.regions}) == len(one.regions):
        assert both.relations == one.relations
