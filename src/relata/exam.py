"""The exam of the synthetic world: every skill of a region-token model on test scenes that training never showed.

Every score stands beside two controls: *blind*, the mean region of the training data in place of every region, and
*wrong image*, the regions of another scene in shuffled order. A score that a control shares is a guess, not sight.

Questions whose answer is one word are read from one packed pass, as the most probable of all words; names and lists are
written out greedily.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from relata.metrics.interval import rate
from relata.scene import Record, Scene
from relata.synth.records import to_group, to_scene
from relata.tasks import Facts, PairFacts, Turn, choice, comparison, locate, region, relation, transform, words
from relata.train.mixture import balance

if TYPE_CHECKING:
    from relata.models.model import Look, Model

Control = Literal["seeing", "blind", "wrong image"]
CONTROLS: tuple[Control, ...] = ("seeing", "blind", "wrong image")

#: Kinds of question with a one-word answer, and how one is drawn.
SHORT: dict[str, Callable[[Facts, random.Random], Turn | None]] = {
    "relation": relation.ask,
    "is": relation.ask_holds,
    "choose, letter": choice.ask,
    "choose subject, letter": choice.ask_subject,
    "choose object, letter": choice.ask_object,
    "size": region.ask_size,
    "count": locate.ask_count,
}
LONG: dict[str, Callable[[Facts, random.Random], Turn | None]] = {
    "name": region.ask,
    "where": locate.ask,
    "which": relation.ask_which,
}


class Mark(Record, frozen=True):
    """How one kind of question went: share right, its 95 % interval, how many were asked."""

    value: float
    low: float
    high: float
    count: int


class Marks(Record, frozen=True):
    """An exam: kind of question -> control -> mark. `predicates` is the relation mark of each predicate, seeing."""

    model: str
    split: str
    seed: int
    kinds: dict[str, dict[str, Mark]]
    predicates: dict[str, float]


class _Paper(NamedTuple):
    """One scene's questions."""

    scene: Scene
    pixels: np.ndarray
    short: list[Turn]
    long: list[Turn]
    ranked: list[tuple[Turn, tuple[str, ...]]]
    """Relation questions with four options, the true one first."""


def examine(
    model: Model,
    relations: int = 450,
    others: int = 250,
    scenes: int = 200,
    seed: int = 1_000_003,
    split: str = "test",
    controls: Sequence[Control] = CONTROLS,
    tick: Callable[[], None] | None = None,
) -> Marks:
    """Ask about test scenes. `relations` are spread evenly over the predicates; `others` are asked of every other kind.

    Args:
        scenes: how many scenes' graphs are scored, and how many pairs of scenes compared.
        tick: called after each scene, to show progress.
    """
    right: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    of_predicate: dict[str, list[bool]] = defaultdict(list)
    papers = list(_papers(seed, split, relations, others))
    for control in controls:
        for index, paper in enumerate(papers):
            look = _look(model, [paper.scene], [paper.pixels], control, seed + index)
            for kind, answer, truth in _answers(look, paper):
                right[kind][control].append(answer == truth)
                if kind == "relation" and control == "seeing":
                    of_predicate[truth].append(answer == truth)
            if tick:
                tick()
        for kind, good in _pairs(model, seed, split, scenes, control, tick):
            right[kind][control].append(good)
    marks = {kind: {control: _mark(good) for control, good in row.items()} for kind, row in right.items()}
    graphs = _graphs(model, seed, split, scenes, tick)
    predicates = {predicate: float(np.mean(good)) for predicate, good in sorted(of_predicate.items())}
    return Marks(model.name, split, seed, {**marks, **graphs}, predicates)


def _papers(seed: int, split: str, relations: int, others: int) -> Iterator[_Paper]:
    """Scenes with their questions until every kind has been asked often enough."""
    from relata.synth.render import render
    from relata.synth.world import PREDICATES, world

    left = Counter(dict.fromkeys((*SHORT, *LONG), others))
    left["relation"] = 0
    of_predicate = Counter({predicate: relations // len(PREDICATES) for predicate in PREDICATES})
    index = 0
    while any(left.values()) or any(of_predicate.values()):
        drawn = world(seed, index, split)
        rng = random.Random(f"relata exam {seed} {split} {index}")
        facts = Facts(to_scene(drawn, f"{split}-{index}", full=False), 0, balance())
        short: list[Turn] = []
        long: list[Turn] = []
        ranked: list[tuple[Turn, tuple[str, ...]]] = []
        pairs = list(facts.relations.items())
        rng.shuffle(pairs)
        for (i, j), predicate in pairs[:3]:
            if of_predicate[predicate]:
                of_predicate[predicate] -= 1
                turn = Turn("relation", relation.question(facts.mention(i), facts.mention(j)), words(predicate))
                short.append(turn)
                wrong = rng.sample([p for p in PREDICATES if p != predicate], 3)
                ranked.append((turn, (predicate, *wrong)))
        for kinds, into in ((SHORT, short), (LONG, long)):
            for kind, ask in kinds.items():
                if left[kind] and (drawn_turn := ask(facts, rng)) is not None:
                    left[kind] -= 1
                    into.append(drawn_turn._replace(kind=kind))
        index += 1
        if short or long:
            yield _Paper(facts.scene, render(drawn), short, long, ranked)


def _look(model: Model, scenes: Sequence[Scene], pixels: Sequence[np.ndarray], control: Control, seed: int) -> Look:
    """The scenes as a control lets the model see them."""
    regions = [[r.box for r in scene.regions] for scene in scenes]
    if control != "wrong image":
        look: Look = model.look(pixels, regions, blind=control == "blind")
        return look
    from relata.synth.render import render
    from relata.synth.world import world

    rng = random.Random(f"relata wrong image {seed}")
    shown, boxes = [], []
    for wanted in regions:
        other = next(w for k in range(10_000) if len(w := world(seed, 1_000_000 + k, "test")) >= len(wanted))
        order = rng.sample(range(len(other)), len(wanted))
        shown.append(render(other))
        boxes.append([to_scene(other, "world", full=False).regions[k].box for k in order])
    wrong: Look = model.look(shown, boxes).as_if(regions)
    return wrong


def _answers(look: Look, paper: _Paper) -> Iterator[tuple[str, Any, Any]]:
    """(kind, answer, truth) of every question of one scene."""
    write = look.dialect.write
    for turn, answer in zip(paper.short, look.first([turn.question for turn in paper.short])):
        yield turn.kind, answer, write(turn.answer)
    for turn, answer in zip(paper.long, look.ask([turn.question for turn in paper.long])):
        yield turn.kind, _sorted(turn.kind, answer), _sorted(turn.kind, write(turn.answer))
    scores = look.rank([turn.question for turn, _ in paper.ranked], [options for _, options in paper.ranked])
    for row in scores:
        yield "choose, likelihood", int(np.argmax(row)), 0


def _sorted(kind: str, answer: str) -> str:
    """Regions in any order are the same answer."""
    return " ".join(sorted(answer.split())) if kind in ("where", "which") else answer


def _pairs(
    model: Model, seed: int, split: str, count: int, control: Control, tick: Callable[[], None] | None
) -> Iterator[tuple[str, bool]]:
    """Two images: match and transform of every region, and the whole comparison composed from them."""
    from relata.synth.edit import edit
    from relata.synth.render import render
    from relata.synth.world import world

    for index in range(count):
        rng = random.Random(f"relata exam pair {seed} {split} {index}")
        pair = edit(rng, world(seed + 1, index, split), split)
        facts = PairFacts(to_group(pair, "pair"))
        pixels = [render(pair.before), render(pair.after)]
        look = _look(model, facts.group.scenes, pixels, control, seed + index)
        turns = [comparison.ask(facts, rng), transform.ask(facts, rng)]
        asked = [turn for turn in turns if turn is not None]
        for turn, answer in zip(asked, look.first([turn.question for turn in asked])):
            yield turn.kind, answer == look.dialect.write(turn.answer)
        found, true = model.compare_look(look), comparison.true(facts)
        yield "differences composed", set(found.differences) == set(true.differences)
        yield "commonalities composed", set(found.common) == set(true.common)
        if tick:
            tick()


def _graphs(
    model: Model, seed: int, split: str, count: int, tick: Callable[[], None] | None
) -> dict[str, dict[str, Mark]]:
    """Triplet recall and precision of whole graphs, from given and from detected regions."""
    from relata.synth.render import render
    from relata.synth.world import world

    hits: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for index in range(count):
        drawn = world(seed + 2, index, split)
        scene, pixels = to_scene(drawn, "world", full=False), render(drawn)
        boxes = [r.box for r in scene.regions]
        graphs = {"graph, given": model.graph(pixels, boxes), "graph, detected": model.graph(pixels)}
        if index % 4 == 0:  # a hundred tokens one by one: as long as all the rest together
            graphs["graph as text, given"] = model.graph_text(pixels, boxes)
        for name, found in graphs.items():
            hits[name].append(matched(found, scene, model.network.config.inverses))
        if tick:
            tick()
    marks = {}
    for name, counts in hits.items():
        got, said, gold = (np.array(column, float) for column in zip(*counts))
        marks[f"{name}: recall"] = {"seeing": _share(got, gold)}
        marks[f"{name}: precision"] = {"seeing": _share(got, said)}
    return marks


def matched(found: Scene, gold: Scene, inverses: dict[str, str]) -> tuple[int, int, int]:
    """(matched, predicted, gold) triplets: names, predicate and both boxes (IoU >= 0.5) right, each gold one once.

    A relation and its inverse are one statement, so both sides are written in one direction first.
    """
    from relata.geometry import iou

    forward = {p for p, q in inverses.items() if p <= q}

    def statements(scene: Scene) -> list[tuple[int, str, int]]:
        kept: dict[tuple[int, str, int], None] = {}
        for r in scene.relations:
            turned = r.predicate in inverses and r.predicate not in forward
            s, p, o = (r.object, inverses[r.predicate], r.subject) if turned else (r.subject, r.predicate, r.object)
            if inverses.get(p) == p and s > o:
                s, o = o, s
            kept[s, p, o] = None
        return list(kept)

    by_id = ({r.id: r for r in found.regions}, {r.id: r for r in gold.regions})
    said, true = statements(found), statements(gold)

    def same(a: int, b: int) -> bool:
        return by_id[0][a].label == by_id[1][b].label and iou(by_id[0][a].box, by_id[1][b].box) >= 0.5

    got = 0
    for s, p, o in true:
        symmetric = inverses.get(p) == p
        got += any(
            q == p and ((same(a, s) and same(b, o)) or (symmetric and same(a, o) and same(b, s))) for a, q, b in said
        )
    return got, len(said), len(true)


def _mark(good: Sequence[bool]) -> Mark:
    return _share(np.array(good, float), np.ones(len(good)))


def _share(top: np.ndarray, bottom: np.ndarray) -> Mark:
    """A pooled share; the interval draws whole questions or scenes."""
    found = rate(top, bottom, int(bottom.sum()))
    return Mark(found.value, found.interval.low, found.interval.high, found.count)
