"""What was done to an object, in words: the steps of `relata.transforms`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from relata.english import words
from relata.transforms import Brightness, Flip, Move, Rotation, Scale, Step

_TURN = re.compile(r"\b(counter[- ]?|anti[- ]?)?clockwise", re.I)
#: By kind of step, one of the words that any account of it uses.
_TOLD = {
    Flip: r"flip|mirror|revers|upside|turned (?:over|round|around)|swap",
    Brightness: r"bright|dark|dim|light|lit\b",
    Rotation: r"rotat|turn|clockwise|tilt|spun|spin",
    Scale: r"scal|larg|small|shr[aiu]nk|shrink|gr[eo]w|siz|big|enlarg|reduc|times",
    Move: r"mov|shift|displac|slid|place|now (?:at|in|on)|travel|relocat",
}


def told(steps: Sequence[Step]) -> list[str]:
    """The steps in order, each as what has been done: `rotated counter-clockwise by 20.74 degrees`."""
    return [_one(step) for step in steps]


def _one(step: Step) -> str:
    if isinstance(step, Flip):
        return f"flipped {step.direction}ly"
    if isinstance(step, Rotation):
        return f"rotated {'counter-' if step.degrees < 0 else ''}clockwise by {abs(step.degrees):g} degrees"
    if isinstance(step, Scale):
        return f"scaled {'up' if step.factor > 1 else 'down'} to {round(100 * step.factor)}% of its size"
    if isinstance(step, Brightness):
        return f"made {'brighter' if step.factor > 1 else 'darker'} by {round(abs(100 * (step.factor - 1)))}%"
    ways = [("right" if step.x > 0 else "left")] if step.x else []
    ways += [("down" if step.y > 0 else "up")] if step.y else []
    return f"moved {words.join(ways)}"


def wrong(text: str, steps: Sequence[Step]) -> str:
    """What an account of the steps leaves out or turns the wrong way round; empty if nothing is found.

    Words alone are looked at: a kind of step of which no word is said, and the sense of a rotation.
    """
    for step in steps:
        if not re.search(_TOLD[type(step)], text, re.I):
            return f"not told: {_one(step)}"
        if isinstance(step, Rotation):
            senses = {bool(match[1]) for match in _TURN.finditer(text)}
            if senses and senses != {step.degrees < 0}:
                return f"told the other way round: {_one(step)}"
    return ""
