"""Programs side by side: their lines become progress, and the failure of one ends the others."""

from __future__ import annotations

import sys

import pytest

from relata import RelataError
from relata.train.launch import together


def program(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_lines_of_progress_are_told_apart() -> None:
    told = []
    first = program("print('stage 1/2 see: 9 steps'); print('see 1/9  loss 0.5'); print('see 9/9')")
    second = program("import os; print('threads', os.environ['OMP_NUM_THREADS']); print('exam 3/4')")
    together([first, second], lambda *line: told.append(line))
    assert sorted(told) == [(0, "see", 1, 9, "loss 0.5"), (0, "see", 9, 9, ""), (1, "exam", 3, 4, "")]


def test_a_refusal_is_told_as_ours_and_ends_the_others() -> None:
    waiting = program("import time; time.sleep(600)")
    refusing = program("from relata import RelataError; raise RelataError('no such module')")
    with pytest.raises(RelataError, match=r"^no such module$"):
        together([waiting, refusing], print)


def test_any_other_failure_keeps_its_traceback() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        together([program("1 / 0")], print)
