"""The order of shuffled frames, said and read: which frame comes first, and which ones to swap."""

from __future__ import annotations

import re
from collections.abc import Sequence

from relata.english import words

_LIST = re.compile(r"(?<!\d)\d++(?:\s*+,\s*+(?:and\s++)?\d++)++")


def sequence(order: Sequence[int]) -> list[int]:
    """The frames as they are shown, numbered from 1, in the order of time.

    Args:
        order: the true position of each frame that is shown, from 0, as `Group.order`.
    """
    return [order.index(position) + 1 for position in range(len(order))]


def swaps(order: Sequence[int]) -> list[tuple[int, int]]:
    """Places, from 0, whose frames change places one swap after the other, until all are in order; as few as can be."""
    places = list(order)
    found = []
    for place in range(len(places)):
        other = places.index(place)
        if other != place:
            places[place], places[other] = places[other], places[place]
            found.append((place, other))
    return found


def say(order: Sequence[int]) -> str:
    """`Swap the first frame with the second. The right order of the frames is 2, 1, 3, 4.`"""
    listed = ", ".join(map(str, sequence(order)))
    found = swaps(order)
    if not found:
        return f"The frames are in the right order already: {listed}."
    one = [f"the {words.ordinal(a + 1)} frame with the {words.ordinal(b + 1)}" for a, b in found]
    then = ", then ".join(one)
    return f"Swap {then}. The right order of the frames is {listed}."


def read(text: str) -> tuple[int, ...] | None:
    """The last list of numbers in an answer: frames in the order of time, from 1; None if there is none."""
    found = _LIST.findall(text)
    # no frame has a number of seven digits, and Python makes no number of thousands of them
    return tuple(int(number[:7]) for number in re.findall(r"\d+", found[-1])) if found else None
