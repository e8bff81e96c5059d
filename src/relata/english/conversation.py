"""A conversation of several turns about a scene."""

from __future__ import annotations

import random

from relata.english import premises
from relata.english.questions import ASKS
from relata.english.talk import Talk, Turn
from relata.scene import Scene


def conversation(scene: Scene, turns: int, rng: random.Random) -> list[Turn]:
    """Up to `turns` questions with answers, of different kinds, one of them with a false premise.

    No question and no answer comes twice. A scene without relations is asked about its objects.
    """
    talk = Talk(scene, rng)
    plan = rng.sample(ASKS, len(ASKS))
    plan.insert(rng.randrange(turns), premises.ask)
    found: list[Turn] = []
    for ask in plan + rng.sample(ASKS, len(ASKS)):
        turn = ask(talk) if len(found) < turns else None
        if turn and not any(turn.question == t.question or turn.answer == t.answer for t in found):
            found.append(turn)
    return found
