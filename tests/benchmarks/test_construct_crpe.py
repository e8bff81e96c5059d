"""Circular questions from scenes: what may be asked, which wrong options are truly wrong, and the file."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from relata import store
from relata.benchmarks import crpe, score
from relata.chat import Answer
from relata.cli import app
from relata.scene import Box, Region, Relation, Scene, encode

LABELS = ("man", "horse", "dog", "tree", "fence", "car", "bus", "cup", "sky", "road")
PREDICATES = ("on", "beside", "behind", "riding", "feeding", "under")


def scene(id: str, labels: str, *relations: str) -> Scene:
    """A scene from `man horse tree` and `0 riding 1`."""
    regions = tuple(Region(k, label, Box(20 * k, 0, 20 * k + 1, 10)) for k, label in enumerate(labels.split()))
    rows = (row.split(" ", 1) for row in relations)
    split = ((int(s), *rest.rsplit(" ", 1)) for s, rest in rows)
    return Scene(id, f"{id}.jpg", 200, 100, regions, tuple(Relation(s, p, int(o)) for s, p, o in split))


def asked(questions: list[crpe.Question], category: str) -> list[crpe.Question]:
    """One rotation of each question of a category, the one with the right option first."""
    return [q for q in questions if q.category == category and q.correct_option == "A"]


def wrong(question: crpe.Question) -> set[str]:
    return set(question.options) - {question.options["ABCD".index(question.correct_option)]}


def world(seed: int, count: int = 12) -> list[Scene]:
    rng = random.Random(seed)
    made = []
    for k in range(count):
        labels = rng.choices(LABELS, k=rng.randrange(1, 9))
        relations = [
            f"{rng.randrange(len(labels))} {rng.choice(PREDICATES)} {rng.randrange(len(labels))}"
            for _ in range(rng.randrange(8))
        ]
        made.append(scene(str(k), " ".join(labels), *relations))
    return made


#: Others that teach which predicates go with man and horse: on, behind, feeding go with both; under with man only.
TEACHERS = (
    scene("t1", "man car", "0 on 1", "0 behind 1", "0 feeding 1", "0 under 1"),
    scene("t2", "dog horse", "0 on 1", "0 behind 1", "0 feeding 1", "0 chasing 1"),
)


def test_a_scene_by_hand() -> None:
    made = crpe.construct([scene("1", "man horse tree fence dog", "0 riding 1", "2 hiding 1"), *TEACHERS])
    own = [q for q in made if q.image == "1.jpg"]
    subject, tree = asked(own, "subject")
    assert subject.text.splitlines()[0] == "What is riding the horse?"
    assert subject.options[0] == "man"
    assert wrong(subject) == {"tree", "fence", "dog"}  # all others of the image but the horse itself
    assert wrong(tree) == {"man", "fence", "dog"}
    (predicate,) = asked(own, "predicate")  # tree hiding horse: no predicate goes with trees but this one
    assert predicate.text.splitlines()[0] == "What is the relation between the man and the horse?"
    assert (predicate.options[0], wrong(predicate)) == ("riding", {"on", "behind", "feeding"})
    object = asked(own, "object")[0]
    assert object.text.splitlines()[0] == "What is the man riding?"
    assert object.options[0] == "horse"
    assert asked(own, "exist") == []  # only one class, car, is absent; three are needed
    assert len(own) == 4 * (2 + 1 + 2)


def test_existence_asks_for_a_class_among_absent_ones() -> None:
    (question,) = asked(crpe.construct([scene("1", "man man"), scene("2", "car dog tree")]), "exist")[:1]
    assert (question.options[0], wrong(question)) == ("man", {"car", "dog", "tree"})


def test_a_class_that_occurs_twice_is_not_asked_about() -> None:
    made = crpe.construct([scene("1", "man horse man tree fence dog", "0 riding 1"), *TEACHERS])
    assert [q.category for q in made if q.image == "1.jpg"] == []


def test_what_also_holds_is_no_wrong_option() -> None:
    both = scene("1", "man horse tree fence dog car", "0 riding 1", "0 on 1", "4 riding 1")
    own = [q for q in crpe.construct([both, *TEACHERS]) if q.image == "1.jpg"]
    assert all("dog" not in wrong(q) for q in asked(own, "subject") if q.options[0] == "man")
    assert asked(own, "predicate") == []  # on holds too, so behind and feeding are left: too few


def test_a_rare_relation_is_abnormal() -> None:
    # man-horse: riding 9 times, feeding once: P(feeding | man, horse) = 0.1
    usual = [scene(f"u{k}", "man horse tree fence dog", "0 riding 1") for k in range(9)]
    made = crpe.construct([*usual, scene("rare", "man horse tree fence dog", "0 feeding 1"), *TEACHERS])
    abnormal = asked(made, "abnormal")
    assert [(q.image, q.options[0]) for q in abnormal] == [("rare.jpg", "feeding")]
    assert all(q.image != "rare.jpg" for q in asked(made, "predicate"))
    none = crpe.construct([*usual, scene("rare", "man horse tree fence dog", "0 feeding 1"), *TEACHERS], rare=0.05)
    assert asked(none, "abnormal") == []


def test_the_rarest_triplets_to_have_drawn() -> None:
    usual = [scene(f"u{k}", "man horse", "0 riding 1") for k in range(18)]
    some = [scene("f", "man horse", "0 feeding 1"), scene("g", "man horse", "0 feeding 1")]
    found = crpe.abnormal([*usual, *some, scene("c", "man horse man", "0 carrying 1"), scene("p", "cup car", "0 in 1")])
    assert found == [
        crpe.Triplet("man", "carrying", "horse", 1 / 21, 1, 21),
        crpe.Triplet("man", "feeding", "horse", 2 / 21, 2, 21),
    ]


def test_pictures_of_rare_triplets_are_asked_for_their_predicates(tmp_path: Path) -> None:
    """They stand in the predicate split, the score tells them apart, and they change no probability."""
    usual = [scene(f"u{k}", "man horse tree fence dog", "0 riding 1") for k in range(9)]
    drawn = scene("d", "man horse tree fence dog", "0 feeding 1").replace(image="abnormal_images/d.png")
    made = crpe.construct([*usual, drawn, *TEACHERS])
    own = [q for q in made if q.image == drawn.image]
    assert {q.category for q in own} == {"predicate"}
    assert len(own) == 4
    assert [q.text for q in made if q.image != drawn.image] == [q.text for q in crpe.construct([*usual, *TEACHERS])]
    assert crpe.abnormal([*usual, drawn]) == []
    crpe.write(made, tmp_path / "crpe.jsonl")
    replies = {q.id: Answer(q.id, q.correct_option) for q in made}
    assert "abnormal images" in crpe.score(crpe.questions(tmp_path / "crpe.jsonl"), replies, "official").details.table


def test_what_is_said_in_other_words_is_no_wrong_option() -> None:
    teach = scene("t", "man horse", "0 atop 1", "0 near 1", "0 feeding 1", "0 leading 1", "0 brushing 1")
    one = scene("1", "man horse", "0 on 1", "1 close to 0")
    (question,) = asked(crpe.construct([one, teach], rare=0), "predicate")[:1]
    assert wrong(question) == {"feeding", "leading", "brushing"}


def test_a_spatial_option_is_wrong_only_if_boxes_say_so() -> None:
    """Of the others that lie left of the tree, none is a wrong answer to what is left of it."""
    labels = "cup man tree dog car bus"
    (question,) = asked(crpe.construct([scene("1", labels, "0 left of 2")]), "subject")
    assert wrong(question) == {"dog", "car", "bus"}
    assert asked(crpe.construct([scene("1", labels, "0 left of 3")]), "subject") == []  # only two are on the other side


def test_one_thing_under_two_names_is_no_wrong_option() -> None:
    one = scene("1", "man horse tree fence dog", "0 feeding 1")
    twice = one.replace(regions=(*one.regions, Region(9, "rider", one.regions[0].box)))
    (question,) = asked(crpe.construct([twice]), "subject")
    assert wrong(question) == {"tree", "fence", "dog"}


def test_a_kind_of_what_is_there_is_not_absent() -> None:
    others = [
        Scene(
            "2",
            "2.jpg",
            9,
            9,
            tuple(
                Region(k, label, Box(0, 0, 1, 1))
                for k, label in enumerate(
                    ("sky-other-merged", "trees", "tower", "woman", "truck", "street light", "kite", "lamp", "zebra")
                )
            ),
        )
    ]
    here = scene("1", "sky tree man", "0 on 1").replace(captions=("A man flies his kite by the clock tower.",))
    (question,) = [q for q in asked(crpe.construct([here, *others]), "exist") if q.image == "1.jpg"]
    assert wrong(question) <= {"truck", "street light", "lamp", "zebra"}


@pytest.mark.parametrize(
    ("labels", "relation", "subject", "object"),
    [
        ("person hat tree fence dog", "wears", "What wears the hat?", "What does the person wear?"),
        ("person hat tree fence dog", "wearing a", "What is wearing the hat?", "What is the person wearing?"),
        ("bikes road tree fence dog", "are behind", "What is behind the road?", "What are the bikes behind?"),
    ],
)
def test_questions_are_english(labels: str, relation: str, subject: str, object: str) -> None:
    made = crpe.construct([scene("1", labels, f"0 {relation} 1")])
    assert [q.text.splitlines()[0] for q in asked(made, "subject") + asked(made, "object")] == [subject, object]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_rules_that_always_hold(seed: int) -> None:
    scenes = world(seed)
    by_image = {s.image: s for s in scenes}
    of_subject, of_object = defaultdict(set), defaultdict(set)
    for s in scenes:
        for r in s.relations:
            of_subject[s.region(r.subject).label].add(r.predicate)
            of_object[s.region(r.object).label].add(r.predicate)
    questions = crpe.construct(scenes, seed)
    assert [q.question_id for q in questions] == list(range(len(questions)))
    for start in range(0, len(questions), 4):
        rows = questions[start : start + 4]
        assert len({(q.group, q.category, q.image, *sorted(q.options)) for q in rows}) == 1
        assert sorted(q.correct_option for q in rows) == list("ABCD")
        assert len(set(rows[0].options)) == 4
        _check(rows[0], by_image[rows[0].image], of_subject, of_object)


def _check(question: crpe.Question, s: Scene, of_subject: dict[str, set[str]], of_object: dict[str, set[str]]) -> None:
    """The right option holds in the scene, the wrong ones do not."""
    times = Counter(region.label for region in s.regions)
    facts = {(s.region(r.subject).label, r.predicate, s.region(r.object).label) for r in s.relations}
    right = question.options["ABCD".index(question.correct_option)]
    stem = question.text.splitlines()[0]
    if question.category == "exist":
        assert right in times
        assert not wrong(question) & set(times)
        return
    holds = {fact for fact in facts if times[fact[0]] == times[fact[2]] == 1 and _stem(question.category, fact) == stem}
    part = {"subject": 0, "object": 2}.get(question.category, 1)
    assert right in {fact[part] for fact in holds}
    assert not wrong(question) & {fact[part] for fact in facts if _stem(question.category, fact) == stem}
    if part == 1:
        subject, _, object = next(iter(holds))
        assert wrong(question) <= of_subject[subject] & of_object[object]
    else:
        assert wrong(question) <= set(times)


def _stem(category: str, fact: tuple[str, str, str]) -> str:
    subject, predicate, object = fact
    if category == "subject":
        return f"What is {predicate} the {object}?"
    if category == "object":
        return f"What is the {subject} {predicate}?"
    return f"What is the relation between the {subject} and the {object}?"


def test_the_same_seed_gives_the_same_questions_in_any_order_of_scenes() -> None:
    scenes = world(3)
    assert crpe.construct(scenes, 1) == crpe.construct(scenes, 1) != crpe.construct(scenes, 2)

    def texts(questions: list[crpe.Question]) -> set[str]:
        return {q.text for q in questions}

    assert texts(crpe.construct(scenes[::-1], 1)) == texts(crpe.construct(scenes, 1))


def test_file_and_back(tmp_path: Path) -> None:
    questions = crpe.construct(world(4, 200))
    assert {q.category for q in questions} == {"exist", "subject", "predicate", "object", "abnormal"}
    crpe.write(questions, tmp_path / "crpe.jsonl")
    assert crpe.questions(tmp_path / "crpe.jsonl") == questions


def test_gaming_what_was_constructed(tmp_path: Path, answers: Callable[..., Path]) -> None:
    questions = crpe.construct(world(5, 300))
    assert len(questions) > 1600  # 400 groups
    crpe.write(questions, tmp_path / "crpe.jsonl")
    rng = random.Random(0)
    for reply, most in ((lambda q: "A", 0.0), (lambda q: rng.choice("ABCD"), 0.25**4 + 0.005)):
        scores = score(
            "crpe", answers((q.id, reply(q)) for q in questions), tmp_path / "crpe.jsonl", ("official", "fixed")
        )
        assert scores["official"].value <= most
        assert scores["fixed"].value <= most
    scores = score("crpe", answers((q.id, q.correct_option) for q in questions), tmp_path / "crpe.jsonl")
    assert {name: s.value for name, s in scores.scores.items()} == pytest.approx(dict.fromkeys(crpe.PROTOCOLS, 1.0))


def test_few_scenes_give_few_questions() -> None:
    assert crpe.construct([]) == []
    assert crpe.construct([Scene("1", "1.jpg", 10, 10)]) == []


def test_by_command(tmp_path: Path) -> None:
    store.write(tmp_path / "scenes.jsonl", (encode(s) + b"\n" for s in world(4, 60)))
    command = ["questions", "--scenes", tmp_path / "scenes.jsonl", "--out", tmp_path / "crpe.jsonl", "--seed", 3]
    result = CliRunner().invoke(app, [*map(str, command), "--rare", "0.3"])
    assert result.exit_code == 0, result.output
    assert crpe.questions(tmp_path / "crpe.jsonl") == crpe.construct(world(4, 60), 3, 0.3)
    triplets = list(store.records(tmp_path / "crpe.abnormal.jsonl", crpe.Triplet))
    assert triplets == crpe.abnormal(world(4, 60), 0.3) != []
    assert f"{len(triplets)} abnormal triplets" in result.output
