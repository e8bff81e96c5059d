"""Every recipe, whatever it is: by rules and by a teacher behind an endpoint that says the same, in every dialect."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import relata
from relata import store, synth
from relata.chat import Example, Message, Preference
from relata.chatserver import Rule, Script, serving
from relata.dialects import dialect
from relata.filters import Rejection
from relata.grounded import ImageSlot, Mention, Predicate
from relata.ledger import Ledger
from relata.names import component, listing
from relata.recipes import Report
from relata.recipes._run import makes
from relata.scene import Group, Record, Scene, encode
from relata.teachers import Reply, Request
from relata.teachers.rules import Rules

pytest.importorskip("openai", reason="needs the client: pip install 'relata[endpoint]'")
pytest.importorskip("lemminflect", reason="the built-in tagger needs the extra `text`")

#: Options without which a recipe asks nobody, or finds no groups among so few rendered scenes.
OPTIONS: dict[str, dict[str, Any]] = {
    "cad_qa": {"groups": "nouns", "least": 0, "pairs": 4},
    "comparison": {"pairs": 4},
    "episodes": {"why": True, "shots": 2, "test": 0.0},
    "negatives": {"ask": True, "most": 3},
}
SCENES = 8
DIALECTS = ["asmv2", "internvl", "llava", "paligemma", "plain", "qwen_vl", "relationvlm", "robin", "robin:text"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pictures of all scenes and groups."""
    folder = tmp_path_factory.mktemp("world")
    for _ in (*synth.scenes(SCENES, out=folder), *synth.groups(SCENES // 2, out=folder)):
        pass  # they are written as they come
    return folder


def sources(recipe: str) -> Iterator[Scene | Group]:
    """What a recipe is given: rendered scenes, and what it needs to group them."""
    if recipe == "contrast":
        yield from synth.groups(SCENES // 2)
        return
    for number, scene in enumerate(synth.scenes(SCENES)):
        clip = {"clip": f"clip{number // 4}", "frame": str(number % 4)}
        labels = (("normal", "abnormal")[number % 2],) if recipe == "episodes" else ()
        # one request is made for each prompt, so no two scenes are told alike
        captions = (*scene.captions, f"This is number {number} of all the pictures on the wall.")
        yield scene.replace(captions=captions, labels=labels, provenance={**scene.provenance, **clip})


class Recording(Rules):
    """The rules, which say the same of the same prompt; what they said is kept."""

    def __init__(self, name: str) -> None:
        self.name = name  # of its own, since a process keeps the teachers that it knows by their names
        self.said: dict[str, str] = {}
        """By the user's text."""

    async def answer(self, request: Request) -> Reply:
        return Reply(self.said.setdefault(request.prompt.user, request.offline()))


def build(recipe: str, world: Path, out: Path, teacher: str = "rules", **more: Any) -> Report:
    given = list(sources(recipe))
    return relata.build(recipe, given, teacher, images=world, out=out, shard=3, **OPTIONS.get(recipe, {}), **more)


def made(recipe: str, out: Path) -> list[Record]:
    """All records of a run, without what says who the teacher was."""
    found: list[Any] = [one for type in makes(component("recipes", recipe)) for one in store.records(out, type)]
    return [one.replace(provenance={k: v for k, v in one.provenance.items() if k != "teacher"}) for one in found]


@pytest.mark.parametrize("recipe", listing("recipes"))
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_paid_teacher_that_says_what_the_rules_say_makes_the_same(
    recipe: str, workers: int, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = Recording(f"the rules of {tmp_path}")
    with monkeypatch.context() as patched:
        patched.setattr("relata.teachers.rules.teacher", lambda argument: recording)
        by_rules = build(recipe, world, tmp_path / "rules")
    assert by_rules.kept >= 2
    assert by_rules.failed == 0
    assert recording.said
    assert all(recording.said.values())
    with serving(Script(rules=script(recording.said))) as (url, server):
        settings = {"model": "scripted", "url": url, "price_in": 1.0, "price_out": 2.0, "max_tokens": 4096}
        (tmp_path / "teacher.json").write_bytes(encode(settings))
        teacher = f"endpoint:{tmp_path / 'teacher.json'}"
        paid = build(recipe, world, tmp_path / "paid", teacher, workers=workers, budget=10.0)
        calls = server.counts["requests"]
        build(recipe, world, tmp_path / "again", teacher, ledger=tmp_path / "paid" / "ledger.sqlite")
        assert server.counts["requests"] == calls  # all of it is filed
    assert (paid.read, paid.kept, paid.rejected, paid.failed) == (by_rules.read, by_rules.kept, by_rules.rejected, 0)
    assert (paid.kinds, paid.reasons) == (by_rules.kinds, by_rules.reasons)
    assert made(recipe, tmp_path / "paid") == made(recipe, tmp_path / "again") == made(recipe, tmp_path / "rules")
    with Ledger(tmp_path / "paid" / "ledger.sqlite") as ledger:
        spent = ledger.spent()
    assert spent.calls == calls >= len(recording.said)
    assert spent.cost > 0


def script(said: dict[str, str]) -> tuple[Rule, ...]:
    """Each reply for its request, also where that is asked again with what was wrong; nothing for any other."""
    longest = sorted(said, key=len, reverse=True)
    rules = [Rule(do="reply", reply=said[user], match=rf"\A{re.escape(user)}(?:\n\nAn earlier|\Z)") for user in longest]
    return (*rules, Rule(do="status", status=400))


@pytest.mark.parametrize("recipe", listing("recipes"))
def test_counts_add_up_and_every_record_is_told_in_every_dialect(recipe: str, world: Path, tmp_path: Path) -> None:
    report = build(recipe, world, tmp_path)
    records, away = made(recipe, tmp_path), list(store.records(tmp_path, Rejection))
    assert report.read == report.kept + report.rejected == len(records) + len(away)
    assert Counter(one.reason for one in away) == Counter(report.reasons)
    assert report.kept == sum(report.kinds.values())
    for record in records:
        if isinstance(record, Example):
            _same_in_every_dialect(record)
        elif isinstance(record, Preference):
            for answer in (record.chosen, record.rejected):
                talk = (*record.messages, Message("assistant", answer))
                _same_in_every_dialect(Example(record.id, record.images, talk, record.regions))


def _same_in_every_dialect(example: Example) -> None:
    """What is written is read back with no problem, as many mentions, predicates and images, and the same words."""
    for name in DIALECTS:
        form = dialect(name)
        for message in example.messages:
            read, problems = form.read(form.write(message.spans, example.images), example.images)
            assert not problems, (name, example.id, problems)
            for kind in (Mention, Predicate, ImageSlot):
                counts = [sum(isinstance(span, kind) for span in spans) for spans in (message.spans, read)]
                assert counts[0] == counts[1], (name, example.id, kind.__name__)
    form = dialect("relata", regions=example.regions or [() for _ in example.images])
    for message in example.messages:
        if example.regions:
            assert form.write(message.spans, example.images)


@pytest.mark.parametrize("recipe", listing("recipes"))
def test_the_page_has_it_with_its_options(recipe: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "recipes.md"
    table, rest = page.read_text(encoding="utf-8").split("## One command each")
    (row,) = (line.split("|")[5] for line in table.splitlines() if line.startswith(f"| `{recipe}` |"))
    options = inspect.signature(component("recipes", recipe).items).parameters.values()
    names = [option.name for option in options if option.kind is option.KEYWORD_ONLY]
    assert [re.split("[=`]", told)[0] for told in re.findall(r"`(\w[^`]*)", row) if told.strip(", ")] == names
    assert f"relata build {recipe} " in rest
    assert f"| `{recipe}` |" in rest  # with its counts


@pytest.mark.slow
@pytest.mark.parametrize("recipe", listing("recipes"))
def test_two_workers_leave_the_same_bytes(recipe: str, world: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        build(recipe, world, tmp_path / str(workers), workers=workers)
    one, two = (
        {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}
        for folder in (tmp_path / "1", tmp_path / "2")
    )
    assert one == two
    assert len(one) > 5
