"""`build`: the same bytes however it is run or interrupted, and nothing lost in silence."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import relata
from made_scenes import scene, scenes, tree
from relata import store
from relata.chat import Example
from relata.errors import RelataError
from relata.filters import Rejection
from relata.filters.leaks import key
from relata.grounded import plain
from relata.names import component
from relata.recipes import Report, build, rec
from relata.scene import Scene, encode
from relata.teachers import teacher


def test_a_run_leaves_examples_rejections_and_counts_that_add_up(tmp_path: Path) -> None:
    report = build("rec", scenes(20), out=tmp_path / "run", shard=8)
    examples = list(store.records(tmp_path / "run", Example))
    rejections = list(store.records(tmp_path / "run", Rejection))
    # no regions: 6 and 13; no relations: 4, 9, 14 and 19. The other 14 scenes give a description, a conversation and
    # two captions; those without relations give the first two, and one rejection for the captions
    assert report.sources == 20
    assert (report.kept, report.rejected, report.failed) == (14 * 4 + 4 * 2, 2 + 4, 0)
    assert report.read == report.kept + report.rejected + report.failed
    assert report.kinds == {"rec/detailed": 18, "rec/conversation": 18, "rec/region": 28}
    assert report.reasons == {"no-regions": 2, "no-relations": 4}
    assert len(examples) == report.kept
    assert Counter(r.reason for r in rejections) == report.reasons
    assert len({example.id for example in examples}) == len(examples)
    assert (
        (tmp_path / "run" / "report.md").read_text().startswith("# rec, teacher rules\n\n20 scenes; 70 read = 64 kept")
    )
    assert json.loads((tmp_path / "run" / "report.json").read_text())["kept"] == report.kept
    assert not (tmp_path / "run" / "parts").exists()


def test_examples_say_where_they_come_from(tmp_path: Path) -> None:
    build("rec", scenes(1), out=tmp_path, seed=5)
    example = next(store.records(tmp_path / "examples", Example))
    assert example.id == "s0/rec/detailed"
    assert example.recipe == "rec/detailed"
    prompt = example.provenance.pop("prompt")
    assert len(prompt) == 12
    assert example.provenance == {
        "dataset": "made up",
        "scene": "s0",
        "image": "photos/000000000000.jpg",
        "recipe": "rec/detailed",
        "teacher": "rules",
        "seed": "5",
    }
    assert example.regions == (tuple(region.box for region in scene(0).regions),)


def test_two_processes_give_the_bytes_of_one(tmp_path: Path) -> None:
    build("rec", scenes(30), out=tmp_path / "one", shard=4)
    build("rec", scenes(30), out=tmp_path / "two", shard=4, workers=2)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_a_file_of_scenes_gives_the_bytes_of_a_list(tmp_path: Path) -> None:
    (tmp_path / "scenes.jsonl").write_bytes(b"".join(encode(one) + b"\n" for one in scenes(9)))
    build("rec", scenes(9), out=tmp_path / "list", shard=4)
    build("rec", tmp_path / "scenes.jsonl", out=tmp_path / "file", shard=4)
    assert tree(tmp_path / "list") == tree(tmp_path / "file")


@pytest.mark.parametrize(("count", "shard", "workers"), [(0, 1, 1), (0, 4, 2), (1, 1, 1), (1, 9, 2), (3, 1, 4)])
def test_degenerate_sizes(tmp_path: Path, count: int, shard: int, workers: int) -> None:
    report = build("rec", scenes(count), out=tmp_path, shard=shard, workers=workers)
    assert report.sources == count
    assert len(list(store.records(tmp_path, Example))) == report.kept == 4 * count


def test_build_works_where_a_loop_is_running(tmp_path: Path) -> None:
    async def notebook() -> Report:
        return build("rec", scenes(3), out=tmp_path)

    assert asyncio.run(notebook()).kept == 12


def test_seeds_differ_and_repeat(tmp_path: Path) -> None:
    first, same, other = (tmp_path / name for name in ("first", "same", "other"))
    build("rec", scenes(6), out=first)
    build("rec", scenes(6), out=same)
    build("rec", scenes(6), out=other, seed=1)
    assert tree(first) == tree(same)
    assert tree(first)["examples/00000.jsonl"] != tree(other)["examples/00000.jsonl"]


# ------------------------------------------------------------------------------------------------------- going on


def test_a_finished_run_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = build("rec", scenes(9), out=tmp_path, shard=4)
    before = tree(tmp_path)
    monkeypatch.setattr(rec, "offline", None)  # whoever asked the teacher again would fail
    assert build("rec", scenes(9), out=tmp_path, shard=4) == report
    assert tree(tmp_path) == before


def test_a_damaged_shard_is_made_again(tmp_path: Path) -> None:
    source = scenes(12)
    build("rec", source, out=tmp_path / "whole", shard=4)

    def broken(count: int) -> Any:
        for number, one in enumerate(source):
            if number == count:
                raise KeyboardInterrupt
            yield one

    with pytest.raises(KeyboardInterrupt):
        build("rec", broken(9), out=tmp_path / "run", shard=4)
    shard = tmp_path / "run" / "examples" / "00001.jsonl"
    shard.write_bytes(shard.read_bytes()[:-40])
    build("rec", source, out=tmp_path / "run", shard=4)
    assert tree(tmp_path / "run") == tree(tmp_path / "whole")


# ------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 1}, "seed 0, not 1"),
        ({"turns": 3}, "options"),
        ({"shard": 5}, "shard 4, not 5"),
        ({"exclude": ["17"]}, "excluded"),
    ],
)
def test_other_settings_are_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    build("rec", scenes(9), out=tmp_path, shard=4)
    with pytest.raises(RelataError, match=f"was started with .*{said}"):
        build("rec", scenes(9), out=tmp_path, **{"shard": 4, **change})


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("other", ["changed", "fewer", "more"])
def test_other_scenes_are_refused(tmp_path: Path, finished: bool, other: str) -> None:
    source = scenes(12)
    stopped = [*source, "not a scene"]
    if finished:
        build("rec", source, out=tmp_path, shard=4)
    else:
        with pytest.raises(RelataError, match="was given a str"):
            build("rec", stopped, out=tmp_path, shard=4)  # type: ignore[list-item]
    changed = {"changed": [*source[:5], scene(99), *source[6:]], "fewer": source[:4], "more": [*source, scene(99)]}[
        other
    ]
    if not finished and other == "more":
        assert build("rec", changed, out=tmp_path, shard=4).sources == 13  # nothing of it had been built
    else:
        with pytest.raises(RelataError, match="other scenes"):
            build("rec", changed, out=tmp_path, shard=4)


def test_unknown_names_offer_near_ones(tmp_path: Path) -> None:
    with pytest.raises(RelataError, match="unknown recipe 'red'; did you mean rec"):
        build("red", [], out=tmp_path)
    with pytest.raises(RelataError, match="unknown option of rec 'turn'; did you mean turns"):
        build("rec", [], out=tmp_path, turn=3)
    with pytest.raises(RelataError, match="unknown teacher 'rule'; did you mean rules"):
        build("rec", [], "rule", out=tmp_path)
    with pytest.raises(RelataError, match="unknown engine 'locals'; did you mean local"):
        build("rec", [], out=tmp_path, engine="locals")
    with pytest.raises(RelataError, match="option turns of rec is 0"):
        build("rec", [], out=tmp_path, turns=0)
    with pytest.raises(RelataError, match=r"option kinds of rec is .*'caption'"):
        build("rec", [], out=tmp_path, kinds=["caption"])
    with pytest.raises(RelataError, match="workers is 0"):
        build("rec", [], out=tmp_path, workers=0)
    assert tree(tmp_path) == {}


def test_a_folder_in_use_or_with_something_else_is_refused(tmp_path: Path) -> None:
    with store.lock(tmp_path / "held"), pytest.raises(RelataError, match="being written by another process"):
        build("rec", scenes(2), out=tmp_path / "held")
    with store.Writer(tmp_path / "other", Scene) as writer:
        writer.add(scene(0))
    with pytest.raises(RelataError, match="holds something else"):
        build("rec", scenes(2), out=tmp_path / "other")


# ------------------------------------------------------------------------------------------ what is turned away


def test_excluded_images_and_repeated_ids_are_counted(tmp_path: Path) -> None:
    source = [*scenes(4), scene(0).replace(image="again.jpg"), scene(7)]
    (tmp_path / "list.txt").write_text("COCO_val2014_000000000002.jpg\n\n7\n")
    report = build("rec", source, out=tmp_path / "run", shard=2, exclude=tmp_path / "list.txt")
    assert report.sources == 6
    assert report.reasons == {"excluded": 2, "repeated-id": 1}
    assert (report.read, report.kept, report.rejected) == (15, 12, 3)
    rejections = [(r.reason, r.id) for r in store.records(tmp_path / "run", Rejection)]
    assert rejections == [("excluded", "s2"), ("repeated-id", "s0"), ("excluded", "s7")]


@pytest.mark.parametrize(
    "name",
    ["COCO_val2014_000000143961.jpg", "000000143961.jpg", "coco/val2017/000000143961.JPG", "143961", "000000143961"],
)
def test_one_photo_in_every_spelling(name: str) -> None:
    assert key(name) == "143961"


def test_other_photos_stay_apart() -> None:
    assert key("nyu_0143961.png") == "nyu_0143961"
    assert key("a/b/photo.v2.jpg") == "photo.v2"
    assert key("000.jpg") == "0"


# --------------------------------------------------------------------------------------------------- the script


def test_a_script_replays_and_what_it_lacks_has_failed(tmp_path: Path) -> None:
    build("rec", scenes(3), out=tmp_path / "rules")
    replies = {"s0/rec/detailed": "A [man](1) is <holding>(1->2) a [dog](2).", "s1/rec/detailed": "A [cat](9)."}
    script = tmp_path / "replies.jsonl"
    script.write_text("".join(json.dumps({"id": id, "reply": reply}) + "\n" for id, reply in replies.items()))
    report = build("rec", scenes(3), f"script:{script}", out=tmp_path / "run", kinds=["detailed"])
    assert (report.read, report.kept, report.rejected, report.failed) == (3, 1, 1, 1)
    assert report.reasons == {"unknown-region": 1, "no-reply": 1}
    lost = {rejection.id: rejection for rejection in store.records(tmp_path / "run", Rejection)}
    assert lost["s1/rec/detailed"].reply == "A [cat](9)."
    assert not lost["s1/rec/detailed"].failed
    assert lost["s2/rec/detailed"].failed
    [example] = store.records(tmp_path / "run", Example)
    assert example.provenance["teacher"].startswith("script:")


def test_scripts_and_rules_refuse_what_they_cannot_use(tmp_path: Path) -> None:
    with pytest.raises(RelataError, match="takes no argument"):
        teacher("rules:fast")
    with pytest.raises(RelataError, match="needs a file of replies"):
        teacher("script")
    script = tmp_path / "replies.jsonl"
    script.write_text('{"id": "a", "reply": "b"}\n' * 2)
    with pytest.raises(RelataError, match="'a' has two replies"):
        teacher(f"script:{script}")
    script.write_text('{"id": "a", "reply": "b"}\n{"id": ')
    with pytest.raises(RelataError, match=r"replies\.jsonl:2"):
        teacher(f"script:{script}")


def test_the_summary_can_be_read() -> None:
    report = Report(
        "rec", "rules", "scenes", 2, 5, 3, 1, 1, {"rec/detailed": 3}, {"no-reply": 1, "excluded": 1}, {"on": 3, "in": 1}
    )
    assert str(report).splitlines() == [
        "# rec, teacher rules",
        "",
        "2 scenes; 5 read = 3 kept + 1 rejected + 1 failed",
        "",
        "## Kept",
        "",
        "       3  rec/detailed",
        "",
        "## Rejected and failed",
        "",
        "       1  excluded",
        "       1  no-reply",
        "",
        "## Predicates",
        "",
        "       3  on",
        "       1  in",
        "",
        # -(3/4 log2 3/4 + 1/4 log2 1/4) = 0.311 + 0.5
        "2 predicates, 0.81 bits; the most frequent, 'on', is 75 % of all",
    ]


def test_build_is_public() -> None:
    assert relata.build is build


def test_the_recipe_in_the_docs_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[1] / "docs" / "build.md").read_text(encoding="utf-8")
    tally = ModuleType("tally")
    monkeypatch.setitem(sys.modules, "tally", tally)  # a dataclass looks its module up
    exec(page.split("```python\n")[1].split("```")[0], tally.__dict__)
    for user in ("relata.recipes._prepare.component", "relata.recipes._run.component"):
        monkeypatch.setattr(user, lambda kind, name: tally if name == "tally" else component(kind, name))
    report = build("tally", scenes(7), out=tmp_path, most=2)
    assert (report.read, report.kept, report.reasons) == (13, 12, {"no-regions": 1})
    example = next(store.records(tmp_path, Example))
    assert plain(example.messages[0].spans).startswith("\nHow many of these are there: ")
    assert plain(example.messages[1].spans).startswith("1 x ")


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_done_is_told_shard_by_shard(tmp_path: Path, workers: int) -> None:
    told: list[int] = []
    build("rec", scenes(10), out=tmp_path, shard=4, workers=workers, tick=told.append)
    assert sorted(told) == [2, 4, 4]
    build("rec", scenes(10), out=tmp_path, shard=4, tick=told.append)
    assert len(told) == 3  # nothing was left to do
