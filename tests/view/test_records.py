"""Edits, better and worse answers, groups with texts of their own, and the folders of runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from relata import Box, Example, Group, Message, Relation, Scene
from relata.chat import ImageRef, Preference
from relata.edits import Add, Describe, Edit, Looks, Remove, Rename, apply
from relata.filters import Rejection
from relata.grounded import Mention, Predicate, Span, Text
from relata.scene import encode
from relata.store import write_manifest, write_records
from relata.view import view
from relata.view.edited import Edited
from relata.view.items import item, summary
from relata.view.parts import Piece
from relata.view.pictures import Album, Shown
from relata.view.talks import apart

from .samples import CIRCLE, SQUARE, picture_bytes
from .test_report import data

IMAGES = (ImageRef("a.png", 128, 96),)


def show(image: str, width: int, height: int) -> Shown:
    return Shown(f"assets/{image}")


@pytest.fixture
def edit(scene: Scene) -> Edit:
    """Of the scene with `left of`, `right of` and `above`: the first goes, the second is renamed, one comes."""
    one, two, _ = scene.relations
    changes = (
        Remove(0, one, "it is right of it"),
        Rename(1, two, two.replace(predicate="under")),
        Add(2, Relation(1, "near", 0), "they are close"),
        Describe(1, Looks("green square", ("large",)), Looks("square", ("green",), "a green square")),
    )
    return Edit("e", "one", changes, "ann")


@pytest.mark.parametrize("state", ["before", "after"])
def test_an_edit_shows_what_was_and_what_is(scene: Scene, edit: Edit, state: str) -> None:
    found = item(Edited(edit, scene if state == "before" else apply(scene, edit)), show)
    assert [(e.subject, e.predicate, e.object, e.change, e.was) for e in found.edges] == [
        ((0, 0), "left of", (0, 1), "removed", ""),
        ((0, 1), "under", (0, 0), "renamed", "right of"),
        ((0, 1), "near", (0, 0), "added", ""),
        ((0, 0), "above", (0, 1), "", ""),
    ]
    assert [edge.facts for edge in found.edges] == [("it is right of it",), (), ("they are close",), ()]
    assert [shape.label for shape in found.panels[0].shapes] == ["red circle", "square"]
    (turn,) = found.turns
    assert turn.pieces[0].places == ((0, 1),)
    assert turn.pieces[1].text == ": was “green square”, large; now “square”, green, “a green square”"
    assert ("changes", "1 removed, 1 renamed, 1 added, 1 described") in found.facts
    assert summary([found])[-1] == "1 added, 1 removed, 1 renamed"


def test_an_edit_without_its_scene_is_told_in_words(scene: Scene, edit: Edit) -> None:
    other = Scene("one", "a.png", 128, 96)  # has none of the regions
    for given in (None, other):
        found = item(Edited(edit, given), show)
        assert (found.panels, found.edges) == ((), ())
        assert [turn.role for turn in found.turns] == ["removed", "renamed", "added", "described"]
        assert found.turns[0].pieces[0].text == "region 0 “left of” region 1 (it is right of it)"
        assert found.turns[1].pieces[0].text == "region 1 “under” region 0 (was “right of”)"


def test_large_ids_become_places(scene: Scene) -> None:
    far = scene.replace(regions=(scene.regions[0].replace(id=1260346), scene.regions[1]), relations=())
    shapes = item(far, show).panels[0].shapes
    assert [(shape.id, shape.facts[-1]) for shape in shapes] == [(0, "id 1260346"), (1, "id 1")]


def test_texts_about_a_group_come_first(group: Group) -> None:
    found = item(group.replace(captions=("The circle is blue now.",)), show)
    assert [turn.role for turn in found.turns] == ["about all images", "caption of image 1"]


def test_boxes_that_no_text_mentions_are_quiet() -> None:
    message = Message("assistant", (Text("A "), Mention("circle", (CIRCLE,))))
    spare = Box(0, 0, 9, 9)
    example = Example("e", IMAGES, (message,), regions=((SQUARE, CIRCLE, spare),))
    assert [shape.quiet for shape in item(example, show).panels[0].shapes] == [True, False, True]


def preference(*spans: tuple[Span, ...]) -> Preference:
    asked = Message("user", (Text("What is where?"),))
    return Preference("p", IMAGES, (asked,), *spans, recipe="negatives/swapped")


def marked(record: Preference) -> list[list[str]]:
    *_, chosen, rejected = item(record, show).turns
    assert (chosen.role, rejected.role) == ("chosen", "rejected")
    return [[piece.text for piece in turn.pieces if piece.marked] for turn in (chosen, rejected)]


def test_other_words_are_marked() -> None:
    one = (Text("The "), Mention("circle", (CIRCLE,)), Text(" is left of the square, and small."))
    two = (Text("The "), Mention("circle", (CIRCLE,)), Text(" is right of the square, and very small."))
    record = preference(one, two)
    assert marked(record) == [["left"], ["right", "very "]]
    for turn in item(record, show).turns[1:]:
        assert "".join(piece.text for piece in turn.pieces).startswith("The circle is")


def test_the_same_words_about_another_box_are_marked() -> None:
    one, two = (
        (Text("The "), Mention("shape", (a,)), Text(" is "), Predicate("on", (a,), (b,)), Mention(" it", (b,)))
        for a, b in ((CIRCLE, SQUARE), (SQUARE, CIRCLE))
    )
    assert marked(preference(one, two)) == [["shape", "on", " it"]] * 2
    edges = item(preference(one, two), show).edges
    assert [(edge.subject, edge.object, edge.change) for edge in edges] == [
        ((0, 0), (0, 1), ""),
        ((0, 1), (0, 0), "rejected"),
    ]


def test_nothing_is_marked_where_nothing_differs() -> None:
    pieces = [Piece("A dog, "), Piece("", ((0, 0),)), Piece("!")]
    for side in apart(pieces, list(pieces)):
        assert side == tuple(pieces)


# ------------------------------------------------------------------------------------------ folders of runs


def left(folder: Path, **records: list[object]) -> Path:
    """A run's folder with these records, as `build` leaves one."""
    names = {name: "rejected.jsonl" if name == "rejected" else f"{name}/00000.jsonl" for name in records}
    files = [write_records(folder, names[name], type(some[0]), some) for name, some in records.items()]
    write_manifest(folder, {}, files)
    return folder


def test_all_records_of_a_run_are_shown(example: Example, photos: Path, tmp_path: Path) -> None:
    one = (Text("The "), Mention("circle", (CIRCLE,)))
    pair = preference(one, (Text("A "), Mention("square", (SQUARE,))))
    lost: list[object] = [Rejection("no-regions", id="x"), Rejection("no-regions", id="y"), Rejection("odd")]
    run = left(tmp_path / "run", preferences=[pair], examples=[example], rejected=lost)
    sections = data(view(run, tmp_path / "out", images=photos))["sections"]
    assert [section["items"][0]["kind"] for section in sections] == ["preference", "example"]
    assert "beside them, 3 rejected: 2 no-regions, 1 odd (see rejected.jsonl)" in sections[0]["notes"]
    alone = data(view(run / "examples", tmp_path / "alone", images=photos))["sections"]
    assert [section["items"][0]["kind"] for section in alone] == ["example"]


def test_edits_of_a_run_are_drawn_on_its_scenes(scene: Scene, edit: Edit, photos: Path, tmp_path: Path) -> None:
    run = left(tmp_path / "run", edits=[edit], scenes=[apply(scene, edit)])
    for path in (run, run / "edits", run / "edits" / "00000.jsonl"):
        (section,) = data(view(path, tmp_path / "out", images=photos))["sections"]
        (shown,) = section["items"]
        assert shown["kind"] == "edit"
        assert shown["panels"][0]["source"].startswith("assets/")
        assert [edge.get("change") for edge in shown["edges"]] == ["removed", "renamed", "added", None]
    (scenes,) = data(view(run / "scenes", tmp_path / "out", images=photos))["sections"]
    assert scenes["items"][0]["kind"] == "scene"


def test_a_file_of_edits_or_pairs_is_recognised(scene: Scene, edit: Edit, photos: Path, tmp_path: Path) -> None:
    (photos / "edits.jsonl").write_bytes(encode(edit) + b"\n" + encode(Edit("none", "two")) + b"\n")
    (photos / "scenes.jsonl").write_bytes(encode(scene) + b"\n")
    (section,) = data(view(photos / "edits.jsonl", tmp_path / "out"))["sections"]
    assert [len(shown["panels"]) for shown in section["items"]] == [1, 0]
    pair = preference((Text("a"),), (Text("b"),))
    (photos / "pairs.jsonl").write_bytes(encode(pair) + b"\n")
    (section,) = data(view(photos / "pairs.jsonl", tmp_path / "out"))["sections"]
    assert section["items"][0]["kind"] == "preference"


def test_pictures_that_a_run_made_lie_in_its_folder(photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "images").mkdir(parents=True)
    (run / "images" / "new.png").write_bytes(picture_bytes("blue"))
    refs = (ImageRef("images/new.png", 128, 96), ImageRef("a.png", 128, 96), ImageRef("../photos/a.png", 128, 96))
    example = Example("e", refs, (Message("assistant", (Text("x"),)),))
    left(run, examples=[example])
    (section,) = data(view(run, tmp_path / "out", images=photos))["sections"]
    made, given, outside = section["items"][0]["panels"]
    assert made["source"].startswith("assets/")
    assert given["source"].startswith("assets/")
    assert "source" not in outside
    assert "outside the folder" in outside["problem"]
    (alone,) = data(view(run, tmp_path / "alone"))["sections"]
    assert "was not found" in alone["items"][0]["panels"][1]["problem"]


def test_of_several_folders_the_first_that_has_it(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    album = Album(tmp_path / "page", (tmp_path / "first", photos))
    assert album.show("a.png", 128, 96).source
    (tmp_path / "first" / "a.png").write_bytes(b"no picture")
    assert not album.show("a.png", 128, 96).source  # a damaged one is not passed over in silence
