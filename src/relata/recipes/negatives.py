"""`negatives`: true statements beside false ones that differ in one thing, and are false for a known reason.

After the benchmarks whose wrong captions swap or replace one thing (SugarCrepe, VL-CheckList); what is new is that a
negative needs evidence, see `relata.recipes._false`.

| way | of `the man is on the horse` |
|---|---|
| `swapped` | the horse is on the man: only for predicates that cannot hold both ways |
| `inverse` | for left of, right of ...: the opposite |
| `predicate` | another predicate, which the image excludes |
| `object` | another thing, of which the image excludes it, or that is not there |

| kind | question | answer |
|---|---|---|
| `yes_no` | whether the statement holds; asked of both | yes; no |
| `choice` | which of two holds | A or B |
| preference | how two things relate | chosen: the true statement; rejected: the false one |

Which negative of a relation is taken is left to chance, or with `ask` to a teacher, who looks for the hardest one.
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
from relata.quoting import quote
from relata.recipes._false import Known, Negative
from relata.recipes._here import Here
from relata.recipes._prompts import template
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
    "How does {} relate to another thing in the image?",
    "Say in one sentence what {} has to do with something around.",
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
    made: list[Item | Example | Preference | Rejection] = []
    taken: set[tuple[int, str, int, str]] = set()
    for number in sorted(here.rng.sample(range(len(known.true)), min(most, len(known.true)))):
        true = known.true[number]
        id = f"{scene.id}/negatives/{number}"
        doubt = known.doubtful(*true)
        found = [n for n in known.negatives(true, here.rng) if n.way in ways and _key(n) not in taken]
        if doubt or not found:
            made.append(Rejection("contradicted" if doubt else "no-true-negative", doubt or f"{true[1]!r}", id))
            continue
        item = Item(id, scene, true, tuple(found), kinds, here.rng.getrandbits(32))
        if ask:
            made.append(item)
        else:
            chosen = _drawn(found, here.rng)
            taken.add(_key(found[chosen]))
            made += _records(item, found[chosen])
    return made


def _key(negative: Negative) -> tuple[int, str, int, str]:
    return negative.subject, negative.predicate, negative.object, negative.noun


def _drawn(found: Sequence[Negative], rng: random.Random) -> int:
    """One at random, each way as likely as the others."""
    way = rng.choice(list(dict.fromkeys(negative.way for negative in found)))
    return rng.choice([k for k, negative in enumerate(found) if negative.way == way])


def prompt(item: Item) -> Prompt:
    """What a teacher is asked: which negative is the hardest."""
    false = [f"{n}. {_quoted(item.source, negative)}" for n, negative in enumerate(item.found, 1)]
    true = _quoted(item.source, _as_negative(item.true))
    return template("negatives", "hardest").fill("\n".join((f"True: {true}", "", "False:", *false)))


def offline(item: Item, rng: random.Random) -> str:
    """The reply by rules: any of them."""
    return str(_drawn(item.found, rng) + 1)


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
    subject, object = (names.known((k,)).text for k in (true[0], true[2]))
    if negative.way == "object":
        return rng.choice(_ABOUT).format(subject)
    return rng.choice(_BETWEEN).format(*rng.sample((subject, object), 2))


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
