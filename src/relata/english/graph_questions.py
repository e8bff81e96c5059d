"""Questions that a scene graph answers by itself, each with its answer, in the notation.

The tasks that Synthetic Visual Genome builds from graphs: referring expressions both ways, questions about a region,
statements that hold or not, chains of relations. What is asked has one answer as far as the annotations go.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from relata import notation, spatial
from relata.english import words
from relata.english.facts import Fact, Triple, one_way, triples
from relata.english.kinds import kind
from relata.english.names import Names
from relata.english.predicates import phrase
from relata.english.sentences import clause
from relata.english.talk import Turn
from relata.grounded import plain
from relata.scene import Scene

#: Of more things of one label than this, one is not told from the others by its place in the row.
ALIKE = 4

_LOCATE = (
    "Where is {}?",
    "Find {}.",
    "Point out {} in the image.",
    "Give the region of {}.",
    "Which region shows {}?",
    "Locate {}.",
    "I am looking for {}. Where is it?",
)
_REFER = (
    "What is at {}?",
    "Which object is at {}?",
    "Name the object at {}.",
    "Refer to {} so that nobody can mistake it.",
    "Give an expression that fits {} and nothing else here.",
    "How would you point out {} in words?",
    "In a few words, what is {}?",
    "Tell {} from everything else in the image.",
    "Describe {} so that somebody else can find it.",
    "What do you see at {}?",
    "Say which thing {} is.",
    "Which thing in the image is {}?",
    "What does the region {} show?",
    "Put a name to {}.",
    "Write a short phrase for {}.",
    "If you had to ask for {}, what would you say?",
    "What is the thing at {}, and how is it told from others?",
    "Identify {}.",
    "Say briefly what is at {}.",
    "Give a referring expression for {}.",
    "What would you call {}?",
    "Which words single out {}?",
    "Label {} so that it is the only one meant.",
    "Someone points at {}. What do they mean?",
)
_HOLDS = (
    "Is it true that {}?",
    "Does this hold in the image: {}?",
    "Judge this statement by the image: {}. Is it right?",
    "Is the following correct: {}?",
)

Ask = Callable[[Scene, random.Random, int], list[Turn]]


def refexp(scene: Scene, rng: random.Random, most: int) -> list[Turn]:
    """Where something is, by an expression that fits it alone; and the expression, by where it is. One of each kind in
    turn, of other regions if there are enough."""
    expressions = _expressions(scene)
    chosen = rng.sample(sorted(expressions), min(len(expressions), 2 * most))
    found: list[Turn] = []
    for number, index in enumerate(chosen[: 2 * most]):
        said = expressions[index]
        if number % 2 == 0:
            named = notation.cite(said[:1].upper() + said[1:], [index + 1])
            found.append(Turn(rng.choice(_LOCATE).format(said), f"{named}."))
        else:
            question = rng.choice(_REFER).format(notation.cite("", [index + 1]))
            found.append(Turn(question, words.sentence(said)))
    return found


def _expressions(scene: Scene) -> dict[int, str]:
    """A phrase for each region that has one which fits no other: what annotators wrote of it, or its name and place."""
    written = [notation.words(region.description or "").rstrip(".") for region in scene.regions]
    found: dict[int, str] = {}
    for index, text in enumerate(written):
        names = Names(scene)
        if text and written.count(text) == 1 and len(text.split()) > 1:
            found[index] = text
        elif len(names.alike(index)) <= ALIKE:
            found[index] = _plain(names.known((index,)).text, scene)
    phrases = list(found.values())
    return {index: text for index, text in found.items() if phrases.count(text) == 1}


def _plain(text: str, scene: Scene) -> str:
    spans, _ = notation.read(text, [region.box for region in scene.regions])
    return plain(spans)


def region_qa(scene: Scene, rng: random.Random, most: int) -> list[Turn]:
    """Short questions about one region: what it is, how it looks, what it has to do with others."""
    relations = triples(scene)
    found: list[Turn] = []
    for index in rng.sample(range(len(scene.regions)), len(scene.regions)):
        asks = [_named, _look, _object_of, _subject_of]
        turns = (ask(scene, index, relations, rng) for ask in rng.sample(asks, len(asks)))
        turn = next(filter(None, turns), None)
        if turn and len(found) < most:
            found.append(turn)
    return found


def _named(scene: Scene, index: int, relations: Sequence[Triple], rng: random.Random) -> Turn | None:
    names = Names(scene)
    if len(names.alike(index)) > 1:
        return None
    return Turn(f"What is {notation.cite('', [index + 1])}?", words.sentence(names.say((index,), subject=True).text))


def _look(scene: Scene, index: int, relations: Sequence[Triple], rng: random.Random) -> Turn | None:
    looks = [text for text in map(notation.words, scene.regions[index].attributes) if text]
    noun = Names(scene).known((index,))
    if not looks:
        return None
    question = f"What does {notation.cite('', [index + 1])} look like?"
    return Turn(question, words.sentence(f"{noun.text} {noun.be} {words.join(looks)}"))


def _object_of(scene: Scene, index: int, relations: Sequence[Triple], rng: random.Random) -> Turn | None:
    own = [(p, o) for s, p, o in relations if s == index]
    if not own:
        return None
    predicate, _ = rng.choice(own)
    objects = tuple(o for p, o in own if p == predicate)
    said, cited = phrase(predicate), notation.cite("", [index + 1])
    asked = f"is {cited} {said.lead}{said.one}" if said.copula else f"does {cited} {said.many}"
    return Turn(f"{_who(scene, objects)} {asked}?", _answer(scene, Fact((index,), predicate, objects)))


def _subject_of(scene: Scene, index: int, relations: Sequence[Triple], rng: random.Random) -> Turn | None:
    own = [(s, p) for s, p, o in relations if o == index]
    if not own:
        return None
    _, predicate = rng.choice(own)
    subjects = tuple(s for s, p in own if p == predicate)
    said, cited = phrase(predicate), notation.cite("", [index + 1])
    question = f"{_who(scene, subjects)} {said.be(False)}{said.one} {cited}?"
    return Turn(question, _answer(scene, Fact(subjects, predicate, (index,))))


def _who(scene: Scene, regions: Sequence[int]) -> str:
    nouns = Names(scene).nouns
    return "Who" if all(words.is_person(nouns[index]) for index in regions) else "What"


def _answer(scene: Scene, fact: Fact) -> str:
    names = Names(scene)
    names.known((*fact.subjects, *fact.objects))
    return words.sentence(clause(names, fact))


def vsr(scene: Scene, rng: random.Random, most: int) -> list[Turn]:
    """Spatial statements to be judged, right and wrong ones in turn.

    A wrong one is a right one with its two things swapped, where that cannot hold as well. So every predicate is as
    often wrong as right, and tells nothing by itself; what holds both ways, as next to, is not asked.
    """
    found: list[Turn] = []
    yes = rng.random() < 0.5
    right = _one_way(scene)
    for subject, predicate, object in rng.sample(right, min(most, len(right))):
        names = Names(scene)
        names.known((subject, object))
        first, second = (subject, object) if yes else (object, subject)
        said = clause(names, Fact((first,), predicate, (second,)))
        found.append(Turn(rng.choice(_HOLDS).format(said), "Yes." if yes else "No."))
        yes = not yes
    return found


def _one_way(scene: Scene) -> list[Triple]:
    """Spatial relations that hold, annotated or shown by boxes, and do not hold of the same two the other way round."""
    found = [triple for triple in one_way(scene) if kind(triple[1]) == "spatial"]
    at = {region.id: k for k, region in enumerate(scene.regions)}
    related = {frozenset((s, o)) for s, _, o in triples(scene)}
    for k, region in enumerate(scene.regions):
        for other, word in spatial.neighbours(scene, region):
            pair = frozenset((k, at[other.id]))
            if pair not in related:
                related.add(pair)
                found.append((k, word, at[other.id]))
    return found


def chain(scene: Scene, rng: random.Random, most: int) -> list[Turn]:
    """Questions over two relations, answered step by step: what the cup that the man holds is on."""
    relations = triples(scene)
    single: dict[tuple[int, str], list[int]] = {}
    for s, p, o in relations:
        single.setdefault((s, p), []).append(o)
    paths = [
        (s, p, objects[0], q, ends[0])
        for (s, p), objects in single.items()
        if len(objects) == 1
        for (middle, q), ends in single.items()
        if middle == objects[0] and len(ends) == 1 and ends[0] != s
    ]
    return [_step_by_step(scene, path) for path in rng.sample(paths, min(most, len(paths)))]


def _step_by_step(scene: Scene, path: tuple[int, str, int, str, int]) -> Turn:
    first, holding, middle, on, last = path
    names = Names(scene)
    start = names.known((first,))
    said, more = phrase(holding), phrase(on)
    person = words.is_person(names.nouns[middle])
    thing, that = ("somebody", "that person") if person else ("something", "that thing")
    does = f"{start.be} {said.lead}{said.text(start.plural)}" if said.copula else said.text(start.plural)
    asked = f"is {that} {more.lead}{more.one}" if more.copula else f"does {that} {more.many}"
    question = f"{words.sentence(f'{start.text} {does} {thing}')} {_who(scene, (last,))} {asked}?"
    names.known((first, middle, last))
    steps = [clause(names, Fact((first,), holding, (middle,))), clause(names, Fact((middle,), on, (last,)))]
    end = f"so the answer is {names.known((last,)).text}"
    return Turn(question, " ".join(words.sentence(text) for text in (*steps, end)))
