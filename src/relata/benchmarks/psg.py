"""`psg`: scene graphs on PSG (Yang et al., ECCV 2022), from replies in any dialect or from scenes.

The published numbers go by at least four rules, and are often printed in one table. Here each is a protocol, as it is
and mended; `relata.metrics.rules` lists what they are made of. `robin-*` need `embed`; `asmv2-predcls-*` need scenes
whose regions are those of the question, with a score for each relation.

Files: `psg.json` of OpenPSG, of which the test images that have relations are asked (2,177 in the released file), and
All-Seeing v2's question file, JSON Lines with `relation_tuples` (published for 1,000 of them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from relata.benchmarks._answers import Reply
from relata.benchmarks._psg_file import PREDICATES, PROMPT, Question, graphs, load, questions
from relata.benchmarks._scores import Details, Score, Scored, Value, rules_of
from relata.chat import Answer, ImageRef
from relata.dialects import Dialect
from relata.dialects import dialect as dialect_named
from relata.errors import MissingExtra, RelataError
from relata.graph import UNKNOWN, read_graph
from relata.metrics import labels, recall
from relata.metrics.graphs import Graph
from relata.metrics.interval import Rate, rate
from relata.metrics.matching import Mappers, Match, match
from relata.metrics.rules import PRESETS, Rules, preset
from relata.scene import Box, Scene

__all__ = ["DEFAULT", "PREDICATES", "PROMPT", "PROTOCOLS", "Question", "ask", "check", "questions", "score"]

PROTOCOLS = tuple(PRESETS)
DEFAULT = ("openpsg-official", "openpsg-fixed", "asmv2-official", "asmv2-fixed")


def ask(model: Any, question: Question, image: Path) -> Reply:
    """The model's graph if it has `graph`, else its reply to the question."""
    if not hasattr(model, "graph"):
        return Answer(question.id, model.answer([image], question.text), model=model.name)
    scene: Scene = model.graph(image)
    return scene.replace(id=question.id, provenance={**scene.provenance, "model": model.name})


class _Read(NamedTuple):
    """A reply as a graph."""

    graph: Graph
    readable: bool
    sound: bool
    """Nothing in it was wrong."""


def check(
    questions: Sequence[Question],
    protocol: str,
    dialect: str = "asmv2",
    synonyms: str | Path | None = None,
    lemmas: labels.Lemmas | str | None = None,
    embed: labels.Embed | str | None = None,
    train: str | Path | None = None,
) -> None:
    """Refuse options that `score` would refuse, before a model is asked anything."""
    dialect_named(dialect)
    _mappers(questions, preset(protocol), synonyms, lemmas, embed)
    if train is not None:
        load(Path(train))


def score(
    questions: Sequence[Question],
    replies: Mapping[str, Reply],
    protocol: str,
    dialect: str = "asmv2",
    synonyms: str | Path | None = None,
    lemmas: labels.Lemmas | str | None = None,
    embed: labels.Embed | str | None = None,
    train: str | Path | None = None,
) -> Scored:
    """Recall, mean recall, precision and hallucinated edges under one protocol; the table has a row per predicate.

    Args:
        dialect: the dialect of the replies.
        synonyms: a file with a line of comma-separated words per class, the class first; `asmv2-*` maps labels by it.
        lemmas: a phrase to its lemmas, or the name of a spaCy model, for `asmv2-*`; without it, a plain singular. The
            published numbers used `en_core_web_sm`.
        embed: texts to vectors, or the name of a sentence-transformers model, for `robin-*`.
        train: a psg.json; adds zero-shot recall, of gold triplets that its images outside the test split do not have.

    Raises:
        RelataError: if the protocol needs `embed` or the questions' own regions and does not get them, or a scene is of
            another size than its image.
    """
    rules, speaker = preset(protocol), dialect_named(dialect)
    mappers = _mappers(questions, rules, synonyms, lemmas, embed)
    read = [_read(question, replies[question.id], rules, speaker) for question in questions]

    def run(rules: Rules) -> Match:
        golds, said = [question.gold for question in questions], [reply.graph for reply in read]
        return match(golds, said, rules, mappers, questions[0].predicates)

    matched = run(rules)
    free = matched if rules.constraint == "none" else run(rules.replace(constraint="none"))
    values = {name: value for k in rules.cuts for name, value in _values(matched, free, k).items()}
    if train is not None:
        seen = _seen(Path(train), mappers)
        values |= {_at("zR", k): recall.zero_shot_recall(matched, k, seen) for k in rules.cuts}
    values["well formed"] = rate([reply.sound for reply in read], None, len(read))
    headline = Score.of(
        metric=f"{_at('R', rules.cuts[0])}, {'pooled' if rules.averaging == 'micro' else 'mean of images'}",
        rate=recall.recall(matched, rules.cuts[0]),
        unreadable=sum(not reply.readable for reply in read) / max(len(read), 1),
    )
    table = recall.per_predicate(matched, rules.cuts[0])
    about = {
        **rules_of(rules),
        "dialect": dialect,
        "synonyms": "none" if synonyms is None else Path(synonyms).name,
        "lemmas": _name(lemmas, "plain singular"),
        "embed": _name(embed, "none"),
    }
    return Scored(headline, Details(about, _as_values(values), _as_values(table)))


def _values(matched: Match, free: Match, k: int | None) -> dict[str, Rate]:
    """All numbers at one K; `free` is the same match without the graph constraint."""
    edges = recall.edges(matched, k)
    found = {
        "R": recall.recall(matched, k),
        "mR": recall.mean_recall(matched, k),
        "pooled R": recall.recall(matched, k, "micro"),
        "mean R of images": recall.recall(matched, k, "image"),
        "ngR": recall.recall(free, k),
        "ngmR": recall.mean_recall(free, k),
        "precision": edges.precision,
        "F1": edges.f1,
        "hallucinated": edges.hallucinated,
        "ungrounded": edges.ungrounded,
        "unsupported": edges.unsupported,
        "tuples per image": edges.per_image,
    }
    return {_at(name, k): value for name, value in found.items()}


def _at(name: str, k: int | None) -> str:
    return f"{name}@{'all' if k is None else k}"


def _as_values(rates: Mapping[str, Rate]) -> dict[str, Value]:
    return {name: Value.of(found) for name, found in rates.items()}


def _read(question: Question, reply: Reply, rules: Rules, speaker: Dialect) -> _Read:
    if isinstance(reply, Scene):
        _check_scene(question, reply, rules)
        return _Read(Graph.of(reply), True, True)
    if rules.order == "score":
        raise RelataError(
            f"question {question.id}: {rules.name} ranks relations by score; it needs scenes, not replies"
        )
    spans, problems = speaker.read(reply.text, [ImageRef(question.image, question.width, question.height)])
    names, triplets = read_graph(spans)
    tags: list[str] = []
    at: dict[Box, range] = {}
    for box, phrases in names.items():
        # the authors' scorer tries every phrase of a box; elsewhere, calling it five things is not five answers
        tried = (phrases if rules.labels == "words" else phrases[:1]) or [UNKNOWN]
        at[box] = range(len(tags), len(tags) + len(tried))
        tags += tried
    boxes = tuple(box.tuple() for box, positions in at.items() for _ in positions)
    relations = tuple((s, t.predicate, o) for t in triplets for s in at[t.subject] for o in at[t.object])
    return _Read(Graph(tuple(tags), boxes, relations), bool(relations), not problems)


def _check_scene(question: Question, scene: Scene, rules: Rules) -> None:
    if (scene.width, scene.height) != (question.width, question.height):
        raise RelataError(
            f"scene {scene.id} is {scene.width} x {scene.height}, but the gold boxes are in pixels of a "
            f"{question.width} x {question.height} image; give boxes of the original image"
        )
    if rules.locate != "boxes" and [region.label for region in scene.regions] != list(question.gold.labels):
        raise RelataError(
            f"scene {scene.id}: {rules.name} needs the question's own regions, in order, with their labels"
        )
    if rules.order == "score" and any(relation.score is None for relation in scene.relations):
        raise RelataError(f"scene {scene.id}: {rules.name} ranks relations by score, but some have none")


def _seen(train: Path, mappers: Mappers) -> set[tuple[str, str, str]]:
    """The words of all relations outside the test split of a psg.json."""
    file = load(train)
    test = file.test

    def word(label: str) -> str:
        mapped = mappers.gold(label)
        return mapped if isinstance(mapped, str) else " ".join(mapped)

    return {
        (word(graph.labels[s]), predicate, word(graph.labels[o]))
        for image, graph in graphs(file, train)
        if str(image.image_id) not in test
        for s, predicate, o in graph.relations
    }


def _mappers(
    questions: Sequence[Question],
    rules: Rules,
    synonyms: str | Path | None,
    lemmas: labels.Lemmas | str | None,
    embed: labels.Embed | str | None,
) -> Mappers:
    classes, predicates = questions[0].classes, questions[0].predicates
    return labels.mappers(rules, classes, predicates, _synonyms(synonyms), _lemmatiser(lemmas), _embedder(embed))


def _synonyms(path: str | Path | None) -> list[tuple[str, ...]]:
    if path is None:
        return []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise RelataError(f"synonyms: {path} does not exist; give a file with a line of words per class") from error
    return [tuple(word.strip() for word in line.split(",")) for line in lines if line.strip()]


def _name(chosen: object, default: str) -> str:
    """How an option is written down: as the user named it."""
    return default if chosen is None else chosen if isinstance(chosen, str) else "given"


def _lemmatiser(lemmas: labels.Lemmas | str | None) -> labels.Lemmas:
    if not isinstance(lemmas, str):
        return lemmas or labels.lemmas
    try:
        import spacy  # type: ignore[import-not-found, unused-ignore]

        pipeline = spacy.load(lemmas)
    except (ImportError, OSError) as error:
        raise RelataError(
            f"lemmas {lemmas!r}: {error}; pip install spacy, then python -m spacy download {lemmas}"
        ) from error
    return lambda phrase: [token.lemma_ for token in pipeline(phrase)]


def _embedder(embed: labels.Embed | str | None) -> labels.Embed | None:
    if not isinstance(embed, str):
        return embed
    try:
        from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise MissingExtra("sentence-transformers", "semantic") from error
    model = SentenceTransformer(embed)
    return lambda texts: model.encode(list(texts))
