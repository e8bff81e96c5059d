"""Triplet recall by hand, against plain loops, and what must always hold."""

from __future__ import annotations

import naive_graphs as naive
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relata.errors import RelataError
from relata.metrics.graphs import Graph
from relata.metrics.labels import words
from relata.metrics.matching import Mappers, Match, match
from relata.metrics.recall import edges, mean_recall, per_predicate, recall, zero_shot_recall
from relata.metrics.rules import PRESETS, Rules, preset
from relata.scene import Box, Region, Relation, Scene

PLAIN = Rules("plain", cuts=(None,))

# Four places that do not overlap.
NW, NE, SW, SE = (0, 0, 10, 10), (20, 0, 30, 10), (0, 20, 10, 30), (20, 20, 30, 30)
GOLD = Graph(("man", "horse", "dog"), (NW, NE, SW), ((0, "riding", 1), (2, "beside", 1)))


def ran(gold: Graph | list[Graph], predicted: Graph | list[Graph], rules: Rules = PLAIN, **more: object) -> Match:
    golds = [gold] if isinstance(gold, Graph) else gold
    return match(golds, [predicted] if isinstance(predicted, Graph) else predicted, rules, **more)  # type: ignore[arg-type]


def values(gold: Graph | list[Graph], predicted: Graph | list[Graph], rules: Rules = PLAIN) -> float:
    return recall(ran(gold, predicted, rules), rules.cuts[0]).value


def test_a_graph_is_taken_from_a_scene() -> None:
    regions = (Region(7, "man", Box(0, 0, 10, 10)), Region(3, "horse", Box(20, 0, 30, 10)))
    scene = Scene("1", "1.jpg", 40, 40, regions, (Relation(7, "riding", 3, score=0.5),))
    assert Graph.of(scene) == Graph(("man", "horse"), (NW, NE), ((0, "riding", 1),), (0.5,))
    half = scene.replace(relations=(*scene.relations, Relation(3, "under", 7)))
    assert Graph.of(half).scores == ()  # not all relations have a score


def test_all_three_words_and_both_boxes_must_agree() -> None:
    assert values(GOLD, GOLD) == 1
    assert values(GOLD, GOLD._replace(labels=("man", "cow", "dog"))) == 0  # the horse is in both triplets
    assert values(GOLD, GOLD._replace(relations=((0, "on", 1), (2, "beside", 1)))) == 0.5
    assert values(GOLD, GOLD._replace(boxes=(SE, NE, SW))) == 0.5  # the man is elsewhere
    assert values(GOLD, GOLD._replace(relations=((1, "riding", 0),))) == 0  # direction counts


@pytest.mark.parametrize(("comparison", "expected"), [(">=", 1.0), (">", 0.0)])
def test_an_overlap_of_exactly_one_half(comparison: str, expected: float) -> None:
    # [0, 0, 10, 10] and [0, 0, 10, 5]: 50 shared of 100 together, IoU 0.5
    gold = Graph(("a", "b"), (NW, NE), ((0, "on", 1),))
    half = gold._replace(boxes=((0, 0, 10, 5), NE))
    assert values(gold, half, Rules("r", cuts=(None,), comparison=comparison)) == expected  # type: ignore[arg-type]


def test_one_prediction_may_hit_several_gold_and_several_may_hit_one() -> None:
    # two gold men nearly in one place: [0,0,10,10] and [0,0,10,9] (IoU 0.9), both riding the horse
    two = Graph(("man", "man", "horse"), (NW, (0, 0, 10, 9), NE), ((0, "riding", 2), (1, "riding", 2)))
    one = Graph(("man", "horse"), (NW, NE), ((0, "riding", 1),))
    assert values(two, one) == 1  # one prediction, both gold
    assert values(one, two) == 1  # two predictions, one gold, counted once


def test_duplicates_use_up_places_or_do_not() -> None:
    # riding, riding, beside at K=2: with duplicates kept only riding is among the first two
    said = GOLD._replace(relations=((0, "riding", 1), (0, "riding", 1), (2, "beside", 1)))
    assert values(GOLD, said, Rules("r", cuts=(2,))) == 0.5
    assert values(GOLD, said, Rules("r", cuts=(2,), duplicates="first")) == 1


@pytest.mark.parametrize(
    ("constraint", "at_1", "at_2", "at_3"),
    [
        # man-horse: "on", then "riding"; dog-horse: "beside". Gold: riding, beside.
        ("none", 0, 0.5, 1),
        ("before the cut", 0, 0.5, 0.5),  # "riding" is struck out, so "beside" is second
        ("after the cut", 0, 0, 0.5),  # "riding" is struck out but was second
    ],
)
def test_graph_constraint(constraint: str, at_1: float, at_2: float, at_3: float) -> None:
    said = GOLD._replace(relations=((0, "on", 1), (0, "riding", 1), (2, "beside", 1)))
    matched = ran(GOLD, said, Rules("r", constraint=constraint))  # type: ignore[arg-type]
    assert [recall(matched, k).value for k in (1, 2, 3)] == [at_1, at_2, at_3]


def test_pooled_and_by_image() -> None:
    # image 1: 1 of 1; image 2: 0 of 3. Pooled 1/4, mean of images (1 + 0)/2.
    first = Graph(("a", "b"), (NW, NE), ((0, "on", 1),))
    second = Graph(("a", "b", "c"), (NW, NE, SW), ((0, "on", 1), (1, "on", 2), (2, "on", 0)))
    matched = ran([first, second], [first, second._replace(relations=((0, "under", 1),))])
    assert recall(matched, None, "micro").value == 0.25
    assert recall(matched, None, "image").value == 0.5
    assert recall(matched, None).count == 4


def test_an_image_without_predictions_is_zero_or_skipped() -> None:
    golds, said = [GOLD, GOLD], [GOLD, Graph()]
    assert values(golds, said, Rules("r", cuts=(20,))) == 0.5
    assert values(golds, said, Rules("r", cuts=(20,), empty="skip")) == 1
    assert values(golds, said, Rules("r", cuts=(20,), averaging="micro")) == 0.5
    assert recall(ran(golds, said, Rules("r", empty="skip")), 20).count == 2


def test_an_image_without_gold_is_left_out() -> None:
    nothing = GOLD._replace(relations=())
    assert values([GOLD, nothing], [GOLD, GOLD]) == 1
    assert values([nothing], [GOLD]) == 0
    assert values([], []) == 0


def test_mean_recall_over_present_or_all_predicates() -> None:
    # riding found, beside not: (1 + 0)/2 over those present, (1 + 0 + 0 + 0)/4 over a vocabulary of four
    said = GOLD._replace(relations=((0, "riding", 1),))
    vocabulary = ("on", "riding", "beside", "over")
    present, all_ = (Rules("r", mean_over=m) for m in ("present", "all"))  # type: ignore[arg-type]
    assert mean_recall(ran(GOLD, said, present, vocabulary=vocabulary), 20).value == 0.5
    assert mean_recall(ran(GOLD, said, all_, vocabulary=vocabulary), 20).value == 0.25
    with pytest.raises(ValueError, match="give match\\(\\) the vocabulary"):
        mean_recall(ran(GOLD, said, all_), 20)


def test_mean_recall_by_image_and_pooled() -> None:
    # "on": image 1 has 1 of 1, image 2 has 0 of 3. By image (1 + 0)/2, pooled 1/4.
    first = Graph(("a", "b"), (NW, NE), ((0, "on", 1),))
    second = Graph(("a", "b", "c"), (NW, NE, SW), ((0, "on", 1), (1, "on", 2), (2, "on", 0)))
    golds, said = [first, second], [first, Graph()]
    assert mean_recall(ran(golds, said, Rules("r")), 20).value == 0.5
    micro = ran(golds, said, Rules("r", averaging="micro"))
    assert mean_recall(micro, 20).value == 0.25
    table = per_predicate(micro, 20)
    assert (table["on"].value, table["on"].count) == (0.25, 4)


def test_the_last_prediction_is_lost_again() -> None:
    # asmv2-predcls-official: of three ranked predictions K=3 keeps two, and K=20 too keeps two
    gold = Graph(("a", "b"), (NW, NE), ((0, "on", 1),))
    said = gold._replace(relations=((0, "over", 1), (0, "beside", 1), (0, "on", 1)), scores=(0.9, 0.8, 0.7))
    official = ran(gold, said, preset("asmv2-predcls-official"))
    assert [recall(official, k).value for k in (3, 20, None)] == [0, 0, 0]
    longer = said._replace(relations=(*said.relations, (1, "on", 0)), scores=(*said.scores, 0.1))
    official = ran(gold, longer, preset("asmv2-predcls-official"))
    assert [recall(official, k).value for k in (3, 4, 20)] == [0, 1, 1]  # R@3 is R@2
    unbound = preset("asmv2-predcls-fixed").replace(constraint="none")
    assert [recall(ran(gold, said, unbound), k).value for k in (2, 3)] == [0, 1]


def test_ranking_by_score_keeps_the_order_of_ties() -> None:
    gold = Graph(("a", "b"), (NW, NE), ((0, "on", 1),))
    said = gold._replace(relations=((0, "over", 1), (0, "on", 1), (0, "in", 1)), scores=(0.2, 0.5, 0.5))
    ranked = Rules("r", order="score")
    assert recall(ran(gold, said, ranked), 1).value == 1  # on, in, over
    assert recall(ran(gold, said, Rules("r")), 1).value == 0


def test_two_objects_of_one_class_are_one_by_label_and_two_by_region() -> None:
    # gold: the second man rides; said: the first does
    gold = Graph(("man", "man", "horse"), (NW, SW, NE), ((1, "riding", 2),))
    said = gold._replace(relations=((0, "riding", 2), (2, "under", 0)), scores=(0.9, 0.1))
    assert recall(ran(gold, said, preset("asmv2-predcls-official")), 20).value == 1
    assert recall(ran(gold, said, preset("asmv2-predcls-fixed")), 20).value == 0


def test_every_word_of_a_phrase_is_a_label() -> None:
    # "the sky" over "tree": two tuples, of which one is right
    gold = Graph(("sky-other-merged", "tree"), (NW, NE), ((0, "over", 1),))
    said = Graph(("the sky", "tree"), (NW, NE), ((0, "over", 1),))
    official = preset("asmv2-official")
    mappers = Mappers(gold=lambda label: label.split("-")[0], label=words())
    matched = ran(gold, said, official, mappers=mappers)
    assert recall(matched, None).value == 1
    assert edges(matched, None).per_image.value == 2
    assert edges(matched, None).precision.value == 0.5


def test_precision_f1_and_hallucinated_edges() -> None:
    # Gold: man riding horse, dog beside horse. Said, in order:
    #   man riding horse     right
    #   man riding horse     right again: still a right edge
    #   man beside dog       both there, not so related: unsupported
    #   cat on horse         no cat there: ungrounded
    #   man (elsewhere) riding horse: the place is wrong: ungrounded
    said = Graph(
        ("man", "horse", "dog", "cat", "man"),
        (NW, NE, SW, SE, SE),
        ((0, "riding", 1), (0, "riding", 1), (0, "beside", 2), (3, "on", 1), (4, "riding", 1)),
    )
    found = edges(ran(GOLD, said), None)
    assert found.precision.value == pytest.approx(2 / 5)
    assert found.hallucinated.value == pytest.approx(3 / 5)
    assert found.ungrounded.value == pytest.approx(2 / 5)
    assert found.unsupported.value == pytest.approx(1 / 5)
    # recall 1/2: 2 * 0.4 * 0.5 / 0.9
    assert found.f1.value == pytest.approx(4 / 9)
    assert (found.precision.count, found.per_image.value) == (5, 5)
    # without duplicates: 1 of 4, recall 1/2, 2 * 0.25 * 0.5 / 0.75; at K=1 all is right
    once = ran(GOLD, said, PLAIN.replace(duplicates="first"))
    assert edges(once, None).f1.value == pytest.approx(1 / 3)
    assert edges(once, 1).precision.value == 1
    assert edges(ran(GOLD, Graph()), None).precision.value == 0


def test_zero_shot_recall_asks_for_unseen_triplets_only() -> None:
    said = GOLD._replace(relations=((0, "riding", 1),))
    seen = {("man", "riding", "horse")}
    matched = ran(GOLD, said)
    assert recall(matched, None).value == 0.5
    unseen = zero_shot_recall(matched, None, seen)
    assert (unseen.value, unseen.count) == (0, 1)  # dog beside horse
    assert zero_shot_recall(matched, None, set()).value == 0.5
    assert zero_shot_recall(matched, None, seen | {("dog", "beside", "horse")}).count == 0


def test_boxes_without_area_match_nothing() -> None:
    flat = GOLD._replace(boxes=((0, 0, 0, 10), NE, SW))
    assert values(flat, flat) == 0.5


@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_compared_in_blocks(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    golds, said = naive.world(seed, images=20)
    whole = match(golds, said, PLAIN)
    monkeypatch.setattr("relata.metrics.matching._AT_ONCE", 3)
    blocks = match(golds, said, PLAIN)
    assert (blocks.first.tolist(), blocks.hit.tolist()) == (whole.first.tolist(), whole.hit.tolist())
    assert blocks.grounded.tolist() == whole.grounded.tolist()


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 gold graphs but 1"):
        ran([GOLD, GOLD], [GOLD])


def test_an_unknown_preset_offers_near_ones() -> None:
    with pytest.raises(RelataError, match="openpsg-official"):
        preset("openpsg-offical")


def test_presets_say_how_they_differ() -> None:
    assert set(PRESETS) == {
        f"{n}-{f}" for n in ("openpsg", "asmv2", "asmv2-predcls", "robin") for f in ("official", "fixed")
    }
    assert len({rules.replace(name="") for rules in PRESETS.values()}) == len(PRESETS)


@pytest.mark.parametrize("seed", range(120))
def test_openpsg_agrees_with_plain_loops(seed: int) -> None:
    golds, said = naive.world(seed)
    matched = match(golds, said, preset("openpsg-official"), vocabulary=naive.PREDICATES)
    for k in (1, 3, 20):
        expected = naive.openpsg(golds, said, k, naive.PREDICATES)
        assert (recall(matched, k).value, mean_recall(matched, k).value) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(120))
def test_asmv2_agrees_with_plain_loops(seed: int) -> None:
    golds, said = naive.world(seed)
    tags = words([("person", "dog"), ("canine", "dog")])  # `dog` stands in two rows: the last wins
    mappers = Mappers(gold=lambda label: label.split("-")[0], label=tags)
    matched = match(golds, said, preset("asmv2-official"), mappers)
    found = (recall(matched, None).value, mean_recall(matched, None).value, edges(matched, None).per_image.value)

    def expected_tags(label: str) -> list[str]:
        singular = {"dogs": "dog"}
        return [{"dog": "canine"}.get(singular.get(w, w), singular.get(w, w)) for w in label.split()]

    assert found == pytest.approx(naive.asmv2(golds, said, expected_tags))


@pytest.mark.parametrize("seed", range(120))
def test_predcls_agrees_with_plain_loops(seed: int) -> None:
    golds, said = naive.world(seed)
    matched = match(golds, said, preset("asmv2-predcls-official"))
    for k in (1, 3, 20):
        assert (recall(matched, k).value, mean_recall(matched, k).value) == pytest.approx(naive.predcls(golds, said, k))


@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 10**6),
    k=st.sampled_from((1, 2, 5, 20, 50, 100, None)),
    name=st.sampled_from(sorted(PRESETS)),
    duplicates=st.sampled_from(("keep", "first")),
)
def test_what_always_holds(seed: int, k: int | None, name: str, duplicates: str) -> None:
    golds, said = naive.world(seed)
    rules = preset(name).replace(duplicates=duplicates)

    def run(**changes: object) -> Match:
        return match(golds, said, rules.replace(**changes), vocabulary=naive.PREDICATES)

    free, bound = run(constraint="none"), run(constraint="after the cut")
    for measure in (recall, mean_recall):
        # without the graph constraint recall is never lower
        assert measure(free, k).value >= measure(bound, k).value
        # a longer list is never worse
        assert measure(free, None).value >= measure(free, 100).value >= measure(free, 50).value
        assert measure(run(), 100).value >= measure(run(), 50).value >= measure(run(), 1).value
        assert measure(run(comparison=">="), k).value >= measure(run(comparison=">"), k).value
    # struck out before the cut, a pair keeps one place of the at most one per predicate that it had
    if k is not None:
        wide = run(constraint="none", duplicates="first")
        narrow = run(constraint="before the cut", duplicates="first")
        assert recall(wide, k * len(naive.PREDICATES)).value >= recall(narrow, k).value
    found = edges(free, k)
    parts = found.precision.value + found.ungrounded.value + found.unsupported.value
    assert parts == pytest.approx(1 if found.precision.count else 0)
    assert found.hallucinated.value == pytest.approx(found.ungrounded.value + found.unsupported.value)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_images_does_not_matter(seed: int) -> None:
    golds, said = naive.world(seed)
    for name in PRESETS:
        forward = match(golds, said, preset(name), vocabulary=naive.PREDICATES)
        backward = match(golds[::-1], said[::-1], preset(name), vocabulary=naive.PREDICATES)
        assert recall(forward, 3).value == pytest.approx(recall(backward, 3).value)
        assert mean_recall(forward, 3).value == pytest.approx(mean_recall(backward, 3).value)


def test_a_graph_of_a_thousand_guesses_gains_nothing_at_20() -> None:
    # every predicate for every pair, the right ones last: recall at all is full, at 20 nothing; precision tells
    pairs = [(s, o) for s in range(3) for o in range(3) if s != o]
    guesses = tuple((s, f"guess {p}", o) for p in range(166) for s, o in pairs)
    said = GOLD._replace(relations=guesses + GOLD.relations)
    matched = ran(GOLD, said, preset("openpsg-fixed").replace(constraint="none"))
    assert recall(matched, None).value == 1
    assert recall(matched, 20).value == 0
    assert edges(matched, None).precision.value == pytest.approx(2 / 998)
