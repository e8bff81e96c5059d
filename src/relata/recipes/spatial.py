"""`spatial`: where one thing is to another, in a word, a sentence, or three different ones (LLaVA-VSD, section 2.2).

| kind | question | answer |
|---|---|---|
| `classify` | a sentence with a blank, nine labels to choose from | the label |
| `describe` | the two things | one description |
| `diverse` | the two things | subject, label and object in a row; a description; another one, put into other words |

Of Visual Spatial Description, one `classify` is made per image, one `describe` per description of the first version,
one `diverse` per image that the second version describes: the paper's 20,490 + 83,608 + 17,241. Other scenes have
captions of the whole image, so their pairs are described by rules, in the paper's shares.

Pictures are shown without boxes and things are named by their labels alone; where another thing has the same label, the
question is ambiguous.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, get_args

from msgspec import Meta

from relata import notation
from relata.chat import Example, ImageRef, Message
from relata.english import words
from relata.english.spatial import LABELS, SHORT, Pair, fault, naive, names, rephrased
from relata.filters import Rejection
from relata.grounded import ImageSlot, Mention, Span, Text
from relata.grounded import plain as plain_text
from relata.prompts import template
from relata.quoting import quote
from relata.recipes._described import Told, described
from relata.recipes._here import Here
from relata.scene import Scene
from relata.teachers import Prompt

Kind = Literal["classify", "describe", "diverse"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Share = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1)]

#: The paper's examples of each kind per image: 20,490, 83,608 and 17,241 for 20,490 images.
SHARES = (1.0, 83_608 / 20_490, 17_241 / 20_490)
#: Times that a teacher is asked for other words before the sentence that was there stays.
TRIES = 3

_CLASSIFY = (
    "Fill in the blank by what the image shows: 'The {s} {be} ____ the {o}.' Choose from: {labels}.",
    "Which words belong in the gap of 'The {s} {be} ____ the {o}'? Options: {labels}.",
    "Look at the image and complete the sentence 'The {s} {be} ____ the {o}.' with one of these: {labels}.",
    "'The {s} {be} ____ the {o}.' Pick what fits the image best: {labels}.",
    "How {be} the {s} placed with regard to the {o}? Answer with one of: {labels}.",
    "Name the spatial relation of the {s} to the {o}. The choices are {labels}.",
)
_DESCRIBE = (
    "Describe in one sentence where the {s} and the {o} are to each other.",
    "Say in a few words how the {s} {be} placed with regard to the {o}.",
    "Where {be} the {s} in relation to the {o}? Give a short description.",
    "Write one sentence about the position of the {s} and the {o} in the image.",
    "Put the spatial relation between the {s} and the {o} into words.",
    "What does the image show about the places of the {s} and the {o}? One sentence is enough.",
)
_DIVERSE = (
    "Describe where the {s} and the {o} are to each other in three different ways, each on a line of its own.",
    "Write three sentences, one per line and as unlike as you can, about how the {s} {be} placed to the {o}.",
    "Give three varied descriptions of the spatial relation between the {s} and the {o}, a line for each.",
    "In three lines, say three times and in other words each time where the {s} {be} in relation to the {o}.",
    "Find three ways to tell the position of the {s} and the {o} in the image. Begin a new line for each.",
)
_ASKS: dict[Kind, tuple[str, ...]] = {"classify": _CLASSIFY, "describe": _DESCRIBE, "diverse": _DIVERSE}


@dataclass(frozen=True, slots=True)
class Item:
    """A sentence to be put into other words, as the third of three."""

    id: str
    source: Scene
    example: Example
    """With the sentences that there are so far, three or two."""
    pair: Pair
    tries: int = 1
    last: str = ""
    """The last reply, if it could not be used."""
    fault: str = ""
    """What was wrong with it."""

    @property
    def sentences(self) -> list[str]:
        return _answer(self.example).split("\n")

    def pictures(self, root: Path) -> tuple[bytes, ...]:
        """None: sentences are put into other words by what they say."""
        return ()


def items(
    scene: Scene,
    here: Here,
    *,
    kinds: tuple[Kind, ...] = KINDS,
    second: str = "",
    ambiguous: Literal["reject", "hint", "keep"] = "reject",
    strays: Literal["reject", "keep"] = "reject",
    spelling: Literal["long", "short", "both"] = "long",
    diversify: bool = True,
    pairs: Count = 1,
    shares: tuple[Share, Share, Share] = SHARES,
) -> list[Item | Example | Rejection]:
    """The examples and requests of a scene.

    Args:
        kinds: which of the three.
        second: the file of VSD's second version, whose images are found by their ids. Without one, the third sentence
            comes from the teacher alone.
        ambiguous: what becomes of questions about things whose label another thing has: `hint` names them with their
            boxes, `keep` leaves them as in the paper.
        strays: what becomes of descriptions that name neither of the two things; `keep` leaves them as in the paper.
        spelling: of the labels next to, to the left of, to the right of: `short` as in the paper's text (next, left,
            right), or `both` by turns.
        diversify: ask the teacher for other words in place of the third sentence (section 2.4).
        pairs: how many, drawn at random, of scenes that are not of VSD; of these it is the first that is described.
        shares: examples of each kind per pair, on average, where descriptions are made by rules.

    Raises:
        RelataError: if `second` cannot be read.
    """
    told = described(scene, here.rng, second, pairs, shares)
    keep = strays == "keep"
    if not told:
        return [Rejection("no-spatial-relation", "none that one of the nine labels says", id=scene.id)]
    found: list[Item | Example | Rejection] = []
    for number, one in enumerate(told):
        for kind, count in zip(KINDS, one.counts):
            for at in range(count) if kind in kinds else ():
                id = "/".join(
                    filter(None, (scene.id, "spatial", str(number or ""), kind, str(at) if count > 1 else ""))
                )
                if one.shared and ambiguous == "reject":
                    found.append(Rejection("ambiguous", f"{one.pair.subject!r} or {one.pair.object!r}", id=id))
                else:
                    spelled = spelling if spelling != "both" else here.rng.choice(("long", "short"))
                    hint = one.shared and ambiguous == "hint"
                    made = _made(scene, one, kind, at, here.rng, spelled, id, hint=hint, keep=keep)
                    found.append(_asked(made, scene, one, diversify))
    return found


def _made(
    scene: Scene, told: Told, kind: Kind, at: int, rng: random.Random, spelling: str, id: str, hint: bool, keep: bool
) -> Example | Rejection:
    """One example; of `diverse` with the sentences that there are, three or two."""
    about = {"label": told.pair.label, "described": told.by}
    spelled = {label: SHORT.get(label, label) if spelling == "short" else label for label in LABELS}
    if kind == "classify":
        answer = spelled[told.pair.label]
    elif kind == "describe":
        answer = told.short[at]
        if not answer:
            return Rejection("empty-description", f"caption {at}", id)
        if not keep and not names(answer, told.pair):
            return Rejection("stray-description", answer, id)
    else:
        versions = [
            [text for text in some if text and (keep or names(text, told.pair))]
            for some in (told.short, told.long)
            if some is not None
        ]
        if not all(versions):
            version = "second" if versions[0] else "first"
            return Rejection("no-description", f"the {version} version does not describe it", id)
        answer = "\n".join(_sentences(told.pair, versions, rng))
        about["third"] = told.by
        about |= {"second": told.second} if told.second else {}
    question = rng.choice(_ASKS[kind])
    image = ImageRef(scene.image, scene.width, scene.height)
    asked = (ImageSlot(), Text("\n"), *_filled(question, scene, told, ", ".join(spelled.values()), hint))
    messages = (Message("user", asked), Message("assistant", (Text(answer),)))
    return Example(id, (image,), messages, recipe=f"spatial/{kind}", provenance=about)


def _filled(question: str, scene: Scene, told: Told, labels: str, hint: bool) -> tuple[Span, ...]:
    """A question about a pair, whose names carry their boxes where that is to be a hint."""
    ends = {"{s}": told.relation.subject, "{o}": told.relation.object}
    nouns = {"{s}": told.pair.subject, "{o}": told.pair.object}
    question = question.replace("{labels}", labels).replace("{be}", "are" if words.is_plural(nouns["{s}"]) else "is")
    spans: list[Span] = []
    for part in re.split(r"({s}|{o})", question):
        if part in ends and hint:
            spans.append(Mention(nouns[part], (scene.region(ends[part]).box,)))
        elif part:
            spans.append(Text(nouns.get(part, part)))
    return tuple(spans) if hint else (Text("".join(span.text for span in spans if isinstance(span, Text))),)


def _sentences(pair: Pair, versions: Sequence[Sequence[str]], rng: random.Random) -> list[str]:
    """Subject, label and object in a row, a description of either version; each once where there is a choice."""
    chosen = [naive(pair)]
    for said in versions:
        other = [text for text in said if _bare(text) not in map(_bare, chosen)]
        chosen.append(rng.choice(other or said))
    return chosen


def _bare(text: str) -> str:
    return text.lower().rstrip(" .")


def _asked(made: Example | Rejection, scene: Scene, told: Told, diversify: bool) -> Item | Example | Rejection:
    """What becomes of an example: three sentences go to the teacher, or have to be three."""
    if isinstance(made, Rejection) or made.recipe != "spatial/diverse":
        return made
    if diversify:
        return Item(made.id, scene, made, told.pair)
    if told.long is None:
        return Rejection("no-third-sentence", "name the file of the second version, or diversify", made.id)
    return made


def prompt(item: Item) -> Prompt:
    """What a teacher is asked: the second sentence in other words."""
    lines = [
        f"First thing: {quote(item.pair.subject)}",
        f"Second thing: {quote(item.pair.object)}",
        f"Relation: {item.pair.label}",
        f"Sentence: {quote(item.sentences[1])}",
    ]
    if item.fault:
        lines.append(f"\nAn earlier answer, {quote(item.last)}, could not be used: {item.fault}. Find another one.")
    return template("spatial", "diverse").fill("\n".join(lines))


def offline(item: Item, rng: random.Random) -> str:
    """The reply by rules: the relation in another form; empty where that keeps too much of the sentence."""
    return rephrased(item.sentences[1], item.pair, rng)


def read(reply: str, item: Item) -> Example | Item | Rejection:
    """The example with the reply as its third sentence.

    A reply that loses the relation or keeps the wording is asked for again, with what was wrong; after `TRIES`, the
    third sentence stays what it was, and the provenance tells. Where there was none, the example is rejected.
    """
    sentence = notation.words(reply.strip().strip("\"'"))
    wrong = "it is empty" if not sentence else fault(sentence, item.sentences[1], item.pair)
    if "\n" in reply.strip():
        wrong = "it has more than one line"
    if wrong and item.tries < TRIES:
        id = f"{item.example.id}/again-{item.tries}"
        return replace(item, id=id, tries=item.tries + 1, last=sentence, fault=wrong)
    about = dict(item.example.provenance)
    if not wrong:
        return _answered(item.example, [*item.sentences[:2], sentence], {**about, "third": "teacher"})
    if len(item.sentences) < 3:
        return Rejection("not-diverse", wrong, item.example.id)
    return item.example.replace(provenance={**about, "kept": wrong})


def _answer(example: Example) -> str:
    return plain_text(example.messages[-1].spans)


def _answered(example: Example, sentences: list[str], about: dict[str, str]) -> Example:
    """The example with another answer."""
    answer = Message("assistant", (Text("\n".join(sentences)),))
    return example.replace(messages=(*example.messages[:-1], answer), provenance=about)
