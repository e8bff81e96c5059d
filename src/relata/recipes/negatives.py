"""`negatives`: true statements beside false ones that differ in one thing, and are false for a known reason.

After the benchmarks whose wrong captions swap or replace one thing (SugarCrepe, VL-CheckList); what is new is that a
negative needs evidence, see `relata.recipes._false`.

| way | of `the man is on the horse` |
|---|---|
| `swapped` | the horse is on the man: only for predicates that cannot hold both ways |
| `inverse` | the opposite, which another relation of the image has, and takes this predicate in exchange |
| `predicate` | any other predicate, in exchange as well |
| `object` | another thing, of which the image excludes it, or that is not there |

| kind | question | answer |
|---|---|---|
| `yes_no` | whether the statement holds; asked of both | yes; no |
| `choice` | which of two holds | A or B |
| preference | how two things relate | chosen: the true statement; rejected: the false one |

Every predicate is as often false as true, in each image by itself, so that predicates alone do not tell which of two
statements holds. Which negative of a relation is taken is left to chance, or with `ask` to a teacher, who looks for the
hardest one; then the balance is the teacher's.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from msgspec import Meta

from relata import notation
from relata.chat import Example, ImageRef, Message, Preference
from relata.english import words
from relata.english.facts import Fact, Triple
from relata.english.names import Names
from relata.english.predicates import phrase
from relata.english.sentences import clause
from relata.filters import Rejection
from relata.grounded import ImageSlot, Span, Text, plain
from relata.prompts import template
from relata.quoting import quote
from relata.recipes._false import Known, Negative
from relata.recipes._here import Here
from relata.scene import Box, Scene
from relata.teachers import Prompt

Way = Literal["swapped", "inverse", "predicate", "object"]
Kind = Literal["yes_no", "choice", "preference"]
WAYS: tuple[Way, ...] = get_args(Way)
KINDS: tuple[Kind, ...] = get_args(Kind)
Count = Annotated[int, Meta(ge=1)]

_HOLDS = (
    "Does the image bear this out: {}?",
    "Going by the image, {}: yes or no?",
    "Is it right to say that {}?",
    "Somebody says that {}. Is that so?",
    "Check this against the image: {}. Does it hold?",
)
_WHICH = (
    "Only one of these is true of the image. Which one?\nA: {}\nB: {}",
    "Choose the statement that fits the image.\nA: {}\nB: {}",
    "Which describes the image correctly, A or B?\nA: {}\nB: {}",
    "Look at the image and name the letter of the true statement.\nA: {}\nB: {}",
)
_BETWEEN = (
    "What is the relation between {} and {}?",
    "How do {} and {} relate to each other?",
    "Say in one sentence what {} and {} have to do with each other.",
    "Describe how {} and {} go together in the image.",
)
_ABOUT = (
    "How {do} {} relate to another thing in the image?",
    "Say in one sentence what {} {have} to do with something around.",
    "Name a relation of {} to something else in the image.",
)
_NUMBER = re.compile(r"\W*(\d+)\W*")


@dataclass(frozen=True, slots=True)
class Item:
    """A true relation and what can be made of it."""

    id: str
    source: Scene
    true: Triple
    found: tuple[Negative, ...]
    kinds: tuple[Kind, ...]
    seed: int
    """For templates and orders."""


def items(
    scene: Scene,
    here: Here,
    *,
    kinds: tuple[Kind, ...] = KINDS,
    ways: tuple[Way, ...] = WAYS,
    most: Count = 8,
    ask: bool = False,
) -> list[Item | Example | Preference | Rejection]:
    """The records of a scene, or a request for each true relation.

    Args:
        kinds: what is made of each negative.
        ways: how negatives may be made.
        most: relations per scene, drawn at random.
        ask: let the teacher choose among the negatives of a relation.
    """
    known = Known(scene)
    if not known.true:
        return [Rejection("no-relations" if scene.regions else "no-regions", id=scene.id)]
    drawn = sorted(here.rng.sample(range(len(known.true)), min(most, len(known.true))))
    doubts = {number: doubt for number in drawn if (doubt := known.doubtful(*known.true[number]))}
    sure = [number for number in drawn if number not in doubts]
    chosen = {} if ask else _chosen(known, sure, ways, here.rng)
    made: list[Item | Example | Preference | Rejection] = []
    for number in drawn:
        true, id = known.true[number], f"{scene.id}/negatives/{number}"
        found = _all(known, number, sure, ways, here.rng) if ask else [chosen[number]] if number in chosen else []
        if number in doubts:
            made.append(Rejection("contradicted", doubts[number], id))
        elif not found:
            made.append(Rejection("no-true-negative", f"{true[1]!r}", id))
        else:
            item = Item(id, scene, true, tuple(found), kinds, here.rng.getrandbits(32))
            made += [item] if ask else _records(item, found[0])
    return made


def _chosen(known: Known, numbers: Sequence[int], ways: Sequence[Way], rng: random.Random) -> dict[int, Negative]:
    """A negative for each relation that has one, each way as likely as the others, and no statement twice.

    A predicate is only replaced by that of another relation which takes it in exchange. So every predicate, and every
    two of them, is as often false as it is true, in each image by itself, and knowing predicates tells nothing.
    """
    found: dict[int, Negative] = {}
    said: set[tuple[int, str, int, str]] = set()
    for number in rng.sample(numbers, len(numbers)):
        if number in found:
            continue
        changes = [{number: negative} for negative in known.kept(known.true[number], rng)]
        for other in numbers:
            if other not in found:
                changes += _exchanged(known, number, other)
        possible: dict[str, list[dict[int, Negative]]] = {}
        for change in changes:
            keys = {_key(negative) for negative in change.values()}
            if change[number].way in ways and len(keys) == len(change) and said.isdisjoint(keys):
                possible.setdefault(change[number].way, []).append(change)
        if possible:
            change = rng.choice(possible[rng.choice(list(possible))])
            found |= change
            said |= {_key(negative) for negative in change.values()}
    return found


def _exchanged(known: Known, one: int, other: int) -> list[dict[int, Negative]]:
    """Two relations with each other's predicate, if both are false then."""
    first, second = known.true[one], known.true[other]
    there, back = known.replaced(first, second[1]), known.replaced(second, first[1])
    return [{one: there, other: back}] if there and back else []


def _all(known: Known, number: int, numbers: Sequence[int], ways: Sequence[Way], rng: random.Random) -> list[Negative]:
    """All negatives of a relation, for a teacher to choose from; predicates are those of the image's others."""
    true = known.true[number]
    predicates = dict.fromkeys(known.true[other][1] for other in numbers)
    replaced = filter(None, (known.replaced(true, predicate) for predicate in predicates))
    return [negative for negative in (*known.kept(true, rng), *replaced) if negative.way in ways]


def _key(negative: Negative) -> tuple[int, str, int, str]:
    return negative.subject, negative.predicate, negative.object, negative.noun


def prompt(item: Item) -> Prompt:
    """What a teacher is asked: which negative is the hardest."""
    false = [f"{n}. {_quoted(item.source, negative)}" for n, negative in enumerate(item.found, 1)]
    true = _quoted(item.source, _as_negative(item.true))
    return template("negatives", "hardest").fill("\n".join((f"True: {true}", "", "False:", *false)))


def offline(item: Item, rng: random.Random) -> str:
    """The reply by rules: any of them, each way as likely as the others."""
    way = rng.choice(list(dict.fromkeys(negative.way for negative in item.found)))
    return str(rng.choice([n for n, negative in enumerate(item.found, 1) if negative.way == way]))


def read(reply: str, item: Item) -> list[Example | Preference] | Rejection:
    """The records of the negative that a teacher chose."""
    number = _NUMBER.fullmatch(reply.strip())
    if number is None:
        return Rejection("no-number", "expected the number of a statement alone")
    if not 1 <= int(number[1][:6]) <= len(item.found):
        return Rejection("unknown-number", f"{number[1][:6]}, but there are {len(item.found)}")
    return _records(item, item.found[int(number[1]) - 1])


def _records(item: Item, negative: Negative) -> list[Example | Preference]:
    """What is made of a true relation and one negative."""
    rng = random.Random(item.seed)
    scene = item.source
    boxes = tuple(region.box for region in scene.regions)
    true, false = _said(scene, _as_negative(item.true)), _said(scene, negative)
    about = {"way": negative.way, "evidence": negative.evidence}
    found: list[Example | Preference] = []
    if "yes_no" in item.kinds:
        holds = rng.choice(_HOLDS)
        both = [(true, "Yes."), (false, "No.")]
        for said, answer in rng.sample(both, 2):
            id = f"{item.id}/{'true' if said is true else 'false'}"
            found.append(_example(scene, boxes, id, "yes_no", holds.format(said), answer, about))
    if "choice" in item.kinds:
        order = rng.sample((true, false), 2)
        question = rng.choice(_WHICH).format(*(words.sentence(said) for said in order))
        letter = "AB"[order.index(true)]
        found.append(_example(scene, boxes, f"{item.id}/choice", "choice", question, letter, about))
    if "preference" in item.kinds:
        question = _open(scene, item.true, negative, rng)
        found.append(
            Preference(
                f"{item.id}/preference",
                (_image(scene),),
                (Message("user", _shown(question, boxes)),),
                _spans(words.sentence(true), boxes),
                _spans(words.sentence(false), boxes),
                (boxes,),
                f"negatives/{negative.way}",
                about,
            )
        )
    return found


def _open(scene: Scene, true: Triple, negative: Negative, rng: random.Random) -> str:
    """A question that the true statement answers, and that does not tell which of both it is."""
    names = Names(scene)
    subject, object = (names.known((k,)) for k in (true[0], true[2]))
    if negative.way == "object":
        do, have = ("do", "have") if subject.plural else ("does", "has")
        return rng.choice(_ABOUT).format(subject.text, do=do, have=have)
    return rng.choice(_BETWEEN).format(*rng.sample((subject.text, object.text), 2))


def _as_negative(true: Triple) -> Negative:
    return Negative("", *true, "")


def _said(scene: Scene, statement: Negative) -> str:
    """A statement as a clause in the notation: `the [dog](1) is <on>(1->2) the [rug](2)`."""
    names = Names(scene)
    names.known([k for k in (statement.subject, statement.object) if k >= 0])
    if statement.object >= 0:
        return clause(names, Fact((statement.subject,), statement.predicate, (statement.object,)))
    subject, said = names.known((statement.subject,)), phrase(statement.predicate)
    return f"{subject.text} {said.be(subject.plural)}{said.text(subject.plural)} the {statement.noun}"


def _quoted(scene: Scene, statement: Negative) -> str:
    boxes = [region.box for region in scene.regions]
    return quote(words.sentence(plain(_spans(_said(scene, statement), boxes))))


def _spans(text: str, boxes: Sequence[Box]) -> tuple[Span, ...]:
    spans, problems = notation.read(text, boxes)
    assert not problems, problems  # labels and predicates have been made harmless
    return spans


def _shown(question: str, boxes: Sequence[Box]) -> tuple[Span, ...]:
    return (ImageSlot(), Text("\n"), *_spans(question, boxes))


def _example(
    scene: Scene, boxes: tuple[Box, ...], id: str, kind: Kind, question: str, answer: str, about: dict[str, str]
) -> Example:
    messages = (Message("user", _shown(question, boxes)), Message("assistant", (Text(answer),)))
    return Example(id, (_image(scene),), messages, (boxes,), f"negatives/{kind}", about)


def _image(scene: Scene) -> ImageRef:
    return ImageRef(scene.image, scene.width, scene.height)
