"""Every question has the true answer, and `read` takes that answer back."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from relata.scene import Box, Region, Relation, Scene
from relata.tasks import Facts, PairFacts, Turn, choice, comparison, locate, region, relation, scene_graph, transform
from relata.train.mixture import ONE, TWO
from tasks.scenes import BOXES, FACTS, IDS, LABELS, LINKS, PAIR, RELATIONS, SCENE, reply, text

SEEDS = 200


def asked(ask: Callable[..., Turn | None], facts: Facts | PairFacts = FACTS) -> Counter[tuple[str, str]]:
    """(question, answer) of many draws, in region tokens."""
    turns = [ask(facts, random.Random(seed)) for seed in range(SEEDS)]
    return Counter((text(turn.question), text(turn.answer)) for turn in turns if turn is not None)


def answers(ask: Callable[..., Turn | None], facts: Facts | PairFacts = FACTS) -> dict[str, str]:
    """The one answer of every question."""
    found = asked(ask, facts)
    assert len({question for question, _ in found}) == len(found), "a question has one answer"
    return dict(found.keys())


#: What can be asked of the hand-written scene, and all the true answers. Worked out by eye.
TABLE: dict[str, dict[str, str]] = {
    "name": {f"name <r{k}> ?": label for k, label in enumerate(LABELS)},
    "size": {"size <r0> ?": "small", "size <r1> ?": "large", "size <r3> ?": "small", "size <r4> ?": "small"},
    "where": {
        "where plain red circle ?": "<r0>",
        "where plain blue star ?": "<r1> <r4>",
        "where striped red square ?": "<r2>",
        "where plain green circle ?": "<r3>",
    },
    "count": {
        "count all ?": "5",
        "count plain ?": "4",
        "count striped ?": "1",
        "count red ?": "2",
        "count blue ?": "2",
        "count green ?": "1",
        "count circle ?": "2",
        "count star ?": "2",
        "count square ?": "1",
    },
    "relation": {f"relation <r{s}> <r{o}> ?": predicate for (s, o), predicate in RELATIONS.items()},
    "list": {
        "list ?": "<r0> plain red circle . <r1> plain blue star . <r2> striped red square . <r3> plain green circle . "
        "<r4> plain blue star ."
    },
    "graph": {
        "graph ?": "<r0> plain red circle . <r1> plain blue star . <r2> striped red square . <r3> plain green circle . "
        "<r4> plain blue star . <r0> left of <r1> ; <r2> above <r3> ; <r4> under <r2> ; <r4> right of <r3> ;"
    },
}
PAIR_TABLE: dict[str, dict[str, str]] = {
    "match": {
        "match <r0> ?": "<r7>",
        "match <r1> ?": "<r6>",
        "match <r2> ?": "none",
        "match <r3> ?": "<r9>",
        "match <r4> ?": "<r8>",
    },
    "match_back": {
        "match <r5> ?": "none",
        "match <r6> ?": "<r1>",
        "match <r7> ?": "<r0>",
        "match <r8> ?": "<r4>",
        "match <r9> ?": "<r3>",
    },
    "transform": {
        "transform <r0> <r7> ?": "same",
        "transform <r1> <r6> ?": "recoloured",
        "transform <r3> <r9> ?": "same",
        "transform <r4> <r8> ?": "moved left",
    },
}


@pytest.mark.parametrize("kind", TABLE)
def test_all_questions_about_one_image(kind: str) -> None:
    assert answers(ONE[kind]) == TABLE[kind]


@pytest.mark.parametrize("kind", PAIR_TABLE)
def test_all_questions_about_two_images(kind: str) -> None:
    assert answers(TWO[kind], PAIR) == PAIR_TABLE[kind]


def test_every_kind_is_tested() -> None:
    others = {"is", "which", "choose", "choose_subject", "choose_object"}
    assert set(ONE) == set(TABLE) | others
    assert set(TWO) == set(PAIR_TABLE)


def test_is_asks_true_and_false_equally_often() -> None:
    counts: Counter[str] = Counter()
    for (question, answer), count in asked(relation.ask_holds).items():
        is_, subject, *predicate, object, _ = question.split()
        assert is_ == "is"
        pair = (int(subject[2:-1]), int(object[2:-1]))
        assert answer == ("yes" if RELATIONS.get(pair) == " ".join(predicate) else "no")
        counts[answer] += count
    assert 0.35 < counts["yes"] / SEEDS < 0.65


def test_which_lists_all_or_says_none() -> None:
    found = answers(relation.ask_which)
    assert found["which under <r2> ?"] == "<r3> <r4>"
    assert "none" in found.values()
    for question, answer in found.items():
        _, *predicate, object, _ = question.split()
        true = [s for s in range(5) if RELATIONS.get((s, int(object[2:-1]))) == " ".join(predicate)]
        assert answer == (" ".join(f"<r{s}>" for s in true) or "none")


def test_choose_has_one_right_letter() -> None:
    letters: Counter[str] = Counter()
    for (question, answer), count in asked(choice.ask).items():
        head, _, tail = question.partition(" : ")
        _, subject, blank, object = head.split()
        assert blank == "_"
        options = _options(tail)
        assert len(set(options.values())) == 4
        assert options[answer] == RELATIONS[int(subject[2:-1]), int(object[2:-1])]
        letters[answer] += count
    assert set(letters) == set("ABCD")
    assert max(letters.values()) < SEEDS / 2


@pytest.mark.parametrize("blank", ["subject", "object"])
def test_choose_an_end_has_one_right_letter(blank: str) -> None:
    ask = choice.ask_subject if blank == "subject" else choice.ask_object
    found = asked(ask)
    assert found
    for question, answer in found:
        head, _, tail = question.removeprefix("choose ").partition(" : ")
        options = {letter: int(token[2:-1]) for letter, token in _options(tail).items()}
        known = int(next(word for word in head.split() if word.startswith("<r"))[2:-1])
        predicate = " ".join(word for word in head.split() if not word.startswith("<r") and word != "_")
        assert head.startswith("_") == (blank == "subject")
        right = [
            letter
            for letter, k in options.items()
            if RELATIONS.get((k, known) if blank == "subject" else (known, k)) == predicate
        ]
        assert right == [answer]
        assert known not in options.values(), "what cannot be right is no option"


def _options(tail: str) -> dict[str, str]:
    words = tail.removesuffix(" ?").split()
    at = [words.index(letter) for letter in "ABCD"] + [len(words)]
    return {letter: " ".join(words[a + 1 : b]) for letter, a, b in zip("ABCD", at, at[1:])}


def test_questions_are_the_same_for_a_seed() -> None:
    for ask in ONE.values():
        assert [ask(FACTS, random.Random(s)) for s in range(20)] == [ask(FACTS, random.Random(s)) for s in range(20)]
    for ask in TWO.values():
        assert [ask(PAIR, random.Random(s)) for s in range(20)] == [ask(PAIR, random.Random(s)) for s in range(20)]


def test_nothing_to_ask() -> None:
    """A scene without relations, sizes or a fourth predicate has no such question; none is made up."""
    bare = Facts(SCENE.replace(regions=SCENE.regions[2:3], relations=()))
    rng = random.Random(0)
    for kind in ("size", "relation", "is", "which", "choose", "choose_subject", "choose_object"):
        assert ONE[kind](bare, rng) is None, kind
    three = Facts(SCENE.replace(relations=SCENE.relations[:2]))  # left of, right of; no vocabulary given
    assert choice.ask(three, rng) is None
    parted = PairFacts(PAIR.group.replace(links=()))
    assert transform.ask(parted, rng) is None
    assert set(answers(comparison.ask, parted).values()) == {"none"}


def test_balance_weighs_predicates() -> None:
    """With all the weight on `above`, its only pair is always asked."""
    one_sided = Facts(SCENE, 0, {"left of": 0, "right of": 0, "under": 0, "above": 1})
    assert set(answers(relation.ask, one_sided)) == {"relation <r2> <r3> ?"}


def test_first_of_several_relations_of_a_pair_counts() -> None:
    twice = SCENE.replace(relations=(*SCENE.relations, Relation(IDS[0], "above", IDS[1])))
    assert Facts(twice).relations == RELATIONS


#: Replies that are not answers, or not good ones.
READ = [
    (region.read, "plain red circle", "plain red circle"),
    (region.read, "", ""),
    (relation.read, " left  of ", "left of"),
    (relation.read_holds, "yes", True),
    (relation.read_holds, "No", False),
    (relation.read_holds, "yes no", None),
    (locate.read, "<r1> <r4>", [BOXES[1], BOXES[4]]),
    (locate.read, "<r1> <r1>", [BOXES[1]]),
    (locate.read, "none", []),
    (locate.read_count, "12", 12),
    (locate.read_count, "many", None),
    (locate.read_count, "-1", None),
    (choice.read, "B", "B"),
    (choice.read, "E", None),
    (choice.read, "A B", None),
    (choice.read, "AB", None),
    (choice.read, "", None),
    (comparison.read, "<r7>", (1, BOXES[0])),
    (comparison.read, "none", None),
    (transform.read, "moved left", "moved left"),
]


@pytest.mark.parametrize(("read", "words", "value"), READ)
def test_read(read: Callable[..., object], words: str, value: object) -> None:
    assert read(reply(words)) == value


def test_true_comparison_by_hand() -> None:
    found = comparison.true(PAIR)
    assert found.common == [(0, 2), (3, 4)]
    assert found.differences == [
        comparison.Change(1, 1, "recoloured"),
        comparison.Change(4, 3, "moved left"),
        comparison.Change(2, None, "removed"),
        comparison.Change(None, 0, "added"),
    ]
    assert LINKS[4] == (3, "moved left")


def test_scene_graph_written_and_read() -> None:
    """Names and relations come back; of a pair one direction is written, and its inverse is not said."""
    back = scene_graph.read(reply(text(scene_graph.write(FACTS))), SCENE, "model")
    assert [r.label for r in back.regions] == list(LABELS)
    assert [r.id for r in back.regions] == list(IDS)
    told = {(r.subject, r.predicate, r.object) for r in back.relations}
    true = {(r.subject, r.predicate, r.object) for r in SCENE.relations}
    assert told <= true
    assert len(told) == 4
    assert {frozenset((s, o)) for s, _, o in told} == {frozenset((s, o)) for s, _, o in true}
    assert {r.source for r in back.relations} == {"model"}


def test_scene_graph_of_an_odd_reply() -> None:
    """Repeated relations once, a region related to itself not at all, shared subjects paired with each object."""
    words = "<r0> cup . <r0> mug . <r0> on <r1> ; <r0> on <r1> ; <r2> on <r2> ; <r3> by <r0> <r1> ;"
    back = scene_graph.read(reply(words), SCENE, "m")
    assert [r.label for r in back.regions] == ["cup", "Unknown", "Unknown", "Unknown", "Unknown"]
    told = [(IDS.index(r.subject), r.predicate, IDS.index(r.object)) for r in back.relations]
    assert told == [(0, "on", 1), (3, "by", 0), (3, "by", 1)]
    assert scene_graph.read((), SCENE, "m").relations == ()


def test_a_reply_about_no_regions() -> None:
    empty = Scene("empty", "empty.png", 10, 10)
    assert scene_graph.read(reply("<r0> cup ."), empty, "m") == empty
    assert Facts(empty).relations == {}
    assert Facts(Scene("one", "one.png", 10, 10, (Region(3, "cup", Box(0, 0, 5, 5)),))).labels == ["cup"]
