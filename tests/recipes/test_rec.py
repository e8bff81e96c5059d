"""`rec`: what the rule teacher writes is true, whole and readable, and what any teacher writes is checked."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import relata
from relata import synth
from relata.chat import Example, ImageRef, Message
from relata.english.facts import triples
from relata.english.predicates import phrase
from relata.filters import Rejection, validity
from relata.grounded import ImageSlot, Mention, Predicate, Span, Text, plain
from relata.prompts import template
from relata.recipes import rec
from relata.recipes._here import Here
from relata.scene import Box, Region, Relation, Scene

KINDS = ("detailed", "region", "conversation")


def here(seed: object) -> Here:
    return Here(random.Random(str(seed)), Path(), Path())


def made(*labels: str, relations: Iterable[tuple[int, str, int]] = (), captions: tuple[str, ...] = ()) -> Scene:
    """A scene with its regions side by side; regions by position."""
    regions = tuple(Region(100 + k, label, Box(k * 50, 10 + k, k * 50 + 40, 200)) for k, label in enumerate(labels))
    related = tuple(Relation(100 + s, p, 100 + o) for s, p, o in relations)
    return Scene("s", "s.jpg", 50 * len(labels) + 50, 300, regions, related, captions)


PICNIC = made(
    "person",
    "person",
    "grass",
    "umbrella",
    "fence",
    "tree",
    "sky",
    relations=[
        (0, "beside", 1),
        (0, "standing on", 2),
        (1, "holding", 3),
        (1, "standing on", 2),
        (4, "in front of", 5),
        (6, "over", 5),
    ],
)


def item(scene: Scene, kind: str, region: int = 0) -> rec.Item:
    """The item of one kind; for a region caption, of the region at a position."""
    found = rec.items(scene, here(0), kinds=(kind,), regions=99)  # type: ignore[arg-type]
    fitting = [one for one in found if isinstance(one, rec.Item) and (kind != "region" or one.region == region)]
    return fitting[0]


def example(scene: Scene, kind: str, seed: int = 0, region: int = 0) -> Example:
    """What the rule teacher's reply is read as."""
    asked = item(scene, kind, region)
    outcome = rec.read(rec.offline(asked, random.Random(seed)), asked)
    assert isinstance(outcome, Example), outcome
    return outcome


def answers(found: Example) -> list[Span]:
    return [span for message in found.messages if message.role == "assistant" for span in message.spans]


def pairs(spans: Iterable[Span]) -> list[tuple[Box, str, Box]]:
    """The relations that text speaks of, one by one."""
    said = []
    for span in spans:
        if isinstance(span, Predicate):
            count = max(len(span.subjects), len(span.objects))
            subjects = span.subjects if len(span.subjects) == count else span.subjects * count
            objects = span.objects if len(span.objects) == count else span.objects * count
            said += [(subject, span.text, object) for subject, object in zip(subjects, objects, strict=True)]
    return said


def sentences(text: str) -> list[str]:
    return re.findall(r"[^.?!]+[.?!]", text)


# ---------------------------------------------------------------------------------------------- the rule teacher


@pytest.mark.parametrize("seed", range(5))
def test_a_description_says_each_relation_once(seed: int) -> None:
    spans = answers(example(PICNIC, "detailed", seed))
    boxes = [region.box for region in PICNIC.regions]
    assert sorted(pairs(spans)) == sorted((boxes[s], p, boxes[o]) for s, p, o in triples(PICNIC))
    assert {box for span in spans if isinstance(span, Mention) for box in span.boxes} == set(boxes)
    assert "wo people are standing on grass" in plain(spans) or "wo people standing on grass" in plain(spans)
    assert "a grass" not in plain(spans)


def test_words_that_go_together() -> None:
    scene = made(
        "man",
        "cup",
        "cup",
        "cat",
        "dog",
        relations=[(0, "holding", 1), (0, "holding", 2), (3, "near", 4), (4, "near", 3)],
    )
    text = plain(answers(example(scene, "detailed")))
    assert "holding two cups" in text
    assert re.search(r"[Aa] cat and a dog are near each other", text)


@pytest.mark.parametrize("seed", range(5))
def test_a_caption_begins_with_its_region(seed: int) -> None:
    spans = answers(example(PICNIC, "region", seed, region=1))
    box = PICNIC.regions[1].box
    first = next(span for span in spans if isinstance(span, Mention))
    said = pairs(spans)
    assert first.boxes == (box,)
    assert said[0][0] == box
    assert {(p, o) for s, p, o in said if s == box} == {
        ("holding", PICNIC.regions[3].box),
        ("standing on", PICNIC.regions[2].box),
    }


def test_captions_are_asked_of_subjects_only() -> None:
    found = rec.items(PICNIC, here(0), kinds=("region",), regions=99)
    assert [one.region for one in found if isinstance(one, rec.Item)] == [0, 1, 4, 6]
    assert [one.id for one in found] == [f"s/rec/region/{100 + k}" for k in (0, 1, 4, 6)]
    assert len(rec.items(PICNIC, here(0), kinds=("region",), regions=2)) == 2


def is_true(scene: Scene, said: tuple[Box, str, Box]) -> bool:
    """Whether a relation is annotated, or can be seen from the boxes."""
    subject, predicate, object = said
    at = {region.box: k for k, region in enumerate(scene.regions)}
    if any((s, o) == (at[subject], at[object]) and predicate in phrase(p)[2:] for s, p, o in triples(scene)):
        return True
    return (predicate == "left of" and subject.x2 <= object.x1) or (predicate == "right of" and subject.x1 >= object.x2)


@pytest.mark.parametrize("seed", range(30))
def test_a_conversation_is_true_and_denies_what_is_not(seed: int) -> None:
    found = example(PICNIC, "conversation", seed)
    assert [message.role for message in found.messages] == ["user", "assistant"] * 4
    assert all(is_true(PICNIC, said) for message in found.messages for said in pairs(message.spans))
    texts = [plain(message.spans).strip() for message in found.messages]
    denials = [text for text in texts[1::2] if re.search(r"\bno\b|\bnot\b|cannot", text)]
    assert 1 <= len(denials) <= 3
    assert len(set(texts)) == len(texts)


def test_false_premises_of_every_kind() -> None:
    texts = [" ".join(plain(m.spans) for m in example(PICNIC, "conversation", seed).messages) for seed in range(60)]
    assert any(re.search(r"There is no (\w+ ?)+ in the image", text) for text in texts)  # an object that is not there
    assert any("not sitting on" in text or "not lying on" in text for text in texts)  # a relation that does not hold
    assert any(re.search(r"Why is the person [\w ]+\? There is no \w+ in the image\. The", text) for text in texts)


def test_yes_and_no_are_equally_likely() -> None:
    """Of each predicate, and of things that are there or not: otherwise who says no to `inside` is always right."""
    said: dict[str, list[bool]] = {}
    for k, scene in enumerate(synth.scenes(800, seed=4)):
        texts = [plain(message.spans).strip() for message in example(scene, "conversation", k).messages]
        for question, reply in zip(texts[::2], texts[1::2]):
            word = re.search(
                r"Is (there) |Is the .* (left of|right of|above|under|on|in|in front of|behind) the", question
            )
            if word and reply.startswith(("Yes,", "No,")):
                said.setdefault(word[1] or word[2], []).append(reply.startswith("Yes"))
    assert len(said["there"]) > 100
    often = {word: sum(yes) / len(yes) for word, yes in said.items() if len(yes) >= 25}
    assert len(often) >= 5
    assert all(0.25 < share < 0.75 for share in often.values()), often


def test_what_captions_mention_is_never_denied() -> None:
    scene = made("dog", "rug", captions=("A zebra, a giraffe and an elephant watch a dog.",))
    for seed in range(40):
        text = " ".join(plain(message.spans) for message in example(scene, "conversation", seed).messages)
        assert not re.search("zebra|giraffe|elephant", text)


def test_a_scene_without_relations_is_described_by_what_is_where() -> None:
    scene = made(
        "dog", "cat", "cat", captions=("two cats and a dog", " A dog and two cats are waiting for their food . ")
    )
    text = plain(answers(example(scene, "detailed")))
    assert text.startswith("A dog and two cats are waiting for their food. ")
    assert "a dog and two cats" in text.lower()
    assert "The dog is on the left of the image." in text
    assert rec.items(scene, here(0), kinds=("region",)) == [
        Rejection("no-relations", "a caption of a region needs a relation of that region", "s/rec/region")
    ]
    assert rec.items(scene.replace(regions=()), here(0)) == [Rejection("no-regions", id="s")]


def test_some_of_several_are_not_said_to_be_there() -> None:
    slope = made("person", "person", "person", "skis", relations=[(0, "skiing on", 3), (1, "skiing on", 3)])
    told = [plain(answers(example(slope, "detailed", seed))) for seed in range(60)]
    assert all(re.search("two of the three people are skiing on", text.lower()) for text in told), told
    both = made("person", "person", "skis", relations=[(0, "skiing on", 2), (1, "skiing on", 2)])
    assert any("there are two people skiing" in plain(answers(example(both, "detailed", k))).lower() for k in range(60))


def test_things_in_one_place_are_told_in_one_clause() -> None:
    boxes = (Box(140, 130, 150, 160), Box(152, 130, 160, 160), Box(145, 135, 158, 165))
    for count, said in ((1, "dog is in"), (2, "two dogs are both in"), (3, "three dogs are all in")):
        regions = tuple(Region(k, "dog", box) for k, box in enumerate(boxes[:count]))
        scene = Scene("s", "s.jpg", 300, 300, regions)
        assert f"The {said} the middle of the image." in plain(answers(example(scene, "detailed")))


NOUNS = (
    "person", "man", "dog", "umbrella", "grass", "sky", "skis", "trees", "cup", "tv", "people", "wall-brick", "hour",
    "SUV", "[x](1)", "<on>(1->2)", "{}", "%d", " ",
)  # fmt: skip
PREDICATES = (
    "on", "in front of", "holding", "attached to", "on back of", "left of", "has a", "wearing", "beside", "with", "of",
    "wears", "about to hit", "is on the", "<x>(1->2)", "and", "(", "->",
)  # fmt: skip


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Scenes of few labels and many relations, hostile ones among them."""
    count = draw(st.integers(1, 9))
    corners = st.tuples(st.integers(0, 80), st.integers(0, 80), st.integers(1, 20), st.integers(1, 20))
    boxes = draw(st.lists(corners, min_size=count, max_size=count, unique=True))
    regions = tuple(
        Region(
            k,
            draw(st.sampled_from(NOUNS)),
            Box(x, y, x + w, y + h),
            attributes=draw(st.sampled_from([(), ("red", "old")])),
        )
        for k, (x, y, w, h) in enumerate(boxes)
    )
    ends = st.integers(0, count - 1)
    relations = draw(st.lists(st.builds(Relation, ends, st.sampled_from(PREDICATES), ends), max_size=12))
    return Scene("s", "s.jpg", 100, 100, regions, tuple(relations))


@settings(deadline=None, max_examples=60)
@given(scene=scenes(), kind=st.sampled_from(KINDS), seed=st.integers(0, 1000))
def test_any_scene_gives_readable_text(scene: Scene, kind: str, seed: int) -> None:
    asked = [one for one in rec.items(scene, here(seed), kinds=(kind,)) if isinstance(one, rec.Item)]  # type: ignore[arg-type]
    for one in asked:
        reply = rec.offline(one, random.Random(seed))
        assert reply == rec.offline(one, random.Random(seed))
        found = rec.read(reply, one)
        assert isinstance(found, Example), (found, reply)
        for message in found.messages:
            text = plain(message.spans).strip()
            assert "  " not in text or message.role == "user", text  # a bare reference has no words
            assert not re.search(r"\b(?:(?:a|an|the|some) (?:a|an|the|some)|(?:is|are) (?:is|are))\b", text), text
            if message.role == "assistant":
                assert text[-1] == "."
                assert not text[0].islower()
                assert len(set(sentences(text))) == len(sentences(text)), text
        if kind == "detailed":
            boxes = [region.box for region in scene.regions]
            wanted = Counter((boxes[s], boxes[o]) for s, _, o in triples(scene))
            assert Counter((s, o) for s, _, o in pairs(answers(found))) == wanted


def test_seeds_vary_the_words() -> None:
    assert len({plain(answers(example(PICNIC, "detailed", seed))) for seed in range(12)}) > 6


# -------------------------------------------------------------------------------------------------- the prompts


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_tells_everything_but_coordinates(kind: str) -> None:
    scene = PICNIC.replace(captions=("Two people\n in a yard, see [3].",))
    prompt = rec.prompt(item(scene, kind))
    assert 'Captions:\n- "Two people in a yard, see 3 ."\n' in prompt.user
    assert '[4] "umbrella", on the' in prompt.user or '[4] "umbrella", in the' in prompt.user
    assert '[2] "person" -> "holding" -> [4] "umbrella"' in prompt.user
    assert not re.search(r"\d{2,}", prompt.user)  # the boxes of this scene have numbers of two digits and more
    assert len(prompt.turns) == (2 if kind == "conversation" else 3)
    assert len(prompt.version) == 12


def shown(request: str) -> Scene:
    """The scene of a worked example, from its list of objects."""
    objects = request.split("Objects:\n")[1].split("\n\n")[0].splitlines()
    relations = request.split("Relations:\n")[1].split("\n\n")[0].splitlines()
    labels = [re.sub(r'^\[\d+\] "([^"]+)".*$', r"\1", line) for line in objects]
    known = [re.fullmatch(r'\[(\d+)\] ".*" -> "(.*)" -> \[(\d+)\] ".*"', line) for line in relations]
    return made(*labels, relations=[(int(m[1]) - 1, m[2], int(m[3]) - 1) for m in known if m])


@pytest.mark.parametrize("kind", KINDS)
def test_worked_examples_obey_their_own_rules(kind: str) -> None:
    for request, reply in template("rec", kind).turns:
        scene = shown(request)
        about = re.search(r"Describe \[(\d+)\]", request)
        found = rec.read(reply, item(scene, kind, int(about[1]) - 1 if about else 0))
        assert isinstance(found, Example), found
        said = {(s, o) for s, _, o in pairs(answers(found))}
        boxes = [region.box for region in scene.regions]
        assert all((boxes[s], boxes[o]) in said for s, _, o in triples(scene) if kind == "detailed")


# ------------------------------------------------------------------------------------------- what a teacher writes


@pytest.mark.parametrize(
    ("kind", "reply", "reason"),
    [
        ("detailed", "", "empty-reply"),
        ("detailed", "A quiet day in the park.", "no-mention"),
        ("detailed", "A [dog](9) sleeps.", "unknown-region"),
        ("detailed", "A [person](1) at [10, 20, 30, 40].", "coordinates"),
        ("detailed", "A [person(1) stands.", "malformed"),
        ("detailed", "A [person](1) is <standing on>(1->3) grass.", "unnamed-region"),
        ("detailed", "[Three](1, 2, 5) <on>(1, 2, 5->3, 4) [things](3, 4).", "count-mismatch"),
        ("detailed", "A [person](1) is <standing>(1).", "no-objects"),
        ("region", "Some [grass](3) is <under>(3->2) a [person](2).", "wrong-subject"),
        ("region", "A [person](2). The [grass](3) is <under>(3->2) it.", "wrong-subject"),
        ("region", "[People](1, 2) on the [grass](3).", "wrong-subject"),
        ("conversation", "Two people are talking.", "no-turns"),
        ("conversation", "Q: Who?\nQ: Why?\nA: The [person](1).", "no-turns"),
        ("conversation", "Q: Who is there?\nA:", "no-turns"),
        ("conversation", "A: The [person](1).\nQ: Who is there?", "no-turns"),
    ],
)
def test_what_breaks_a_rule_is_rejected_with_its_reason(kind: str, reply: str, reason: str) -> None:
    outcome = rec.read(reply, item(PICNIC, kind, 1))
    assert isinstance(outcome, Rejection)
    assert outcome.reason == reason


def test_a_conversation_is_read_as_teachers_write_it() -> None:
    reply = (
        "Sure, here it is:\n\n**Q1:** Who holds the [umbrella](4)?\n**A1:** The [person](2).\n"
        "She is <holding>(2->4) it.\n\n"
        "Question 2: And where?\nAnswer 2: A) or b) on the [grass](3)."
    )
    found = rec.read(reply, item(PICNIC, "conversation"))
    assert isinstance(found, Example)
    assert [plain(message.spans).strip() for message in found.messages] == [
        "Who holds the umbrella?",
        "The person.\nShe is holding it.",
        "And where?",
        "A) or b) on the grass.",
    ]
    assert isinstance(found.messages[0].spans[0], ImageSlot)
    assert sum(isinstance(span, ImageSlot) for message in found.messages for span in message.spans) == 1


def spoken(*spans: Span) -> Example:
    box = (Box(0, 0, 5, 5), Box(1, 1, 6, 6))
    return Example("e", (ImageRef("a.jpg", 9, 9),), (Message("assistant", spans),), (box,))


def test_the_filter_knows_regions_of_examples_from_elsewhere() -> None:
    known, other = Box(0, 0, 5, 5), Box(2, 2, 3, 3)
    assert validity.check(spoken(Mention("dog", (known,)))) is None
    assert validity.check(spoken(Mention("dog", (other,)))) == Rejection("unknown-region", "dog")
    assert validity.check(spoken(Mention("dog", ()))) == Rejection("empty-boxes", "dog")
    assert validity.check(spoken(Mention("dog", (known,)), Predicate("on", (known,), ()))) == Rejection(
        "empty-boxes", "on"
    )
    assert validity.check(spoken(Text(" "))) == Rejection("empty-reply")


# ----------------------------------------------------------------------------------------------------- real photos


def test_published_scenes_become_conversations(shared_data: Path, tmp_path: Path) -> None:
    annotations = shared_data / "coco_photos" / "annotations"
    found = relata.read("vcoco", annotations / "vcoco", shared_data / "coco_photos" / "images")
    psg = relata.read("psg", shared_data / "excerpts" / "psg_one_record.json")
    report = relata.build("rec", [*found, *psg], out=tmp_path)
    assert report.sources == 51
    assert report.failed == 0
    assert set(report.reasons) <= {"no-regions", "no-relations"}
    assert report.kinds["rec/detailed"] > 45
    assert report.predicates["holding"] > 30
