"""Programs that train, run side by side in processes of their own and followed by the lines that they print.

A line of progress is `NAME DONE/TOTAL`, and perhaps two spaces and more; `relata.train.run` prints one every few steps.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from relata.errors import RelataError

#: Called with the place of the program, what it does, how much of it is done, of how much, and the rest of the line.
Tick = Callable[[int, str, int, int, str], None]

_LINE = re.compile(r"(\S+) (\d+)/(\d+)(?:  (.*))?$")
_REFUSAL = re.compile(r"relata\.errors\.\w+: (.*)")
_TAIL = 4000


def torchrun(run: Path, out: Path, processes: int, changes: Sequence[str] = ()) -> list[str]:
    """The command that trains a run file, with some values changed, in several processes on this machine."""
    spread = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return [sys.executable, "-m", *spread, "-m", "relata.train.run", str(run), str(out), *changes]


class _Program(NamedTuple):
    process: Popen[str]
    errors: IO[str]


def together(commands: Sequence[Sequence[str]], tick: Tick) -> None:
    """Run programs side by side, one thread each, until all have ended; if one fails, the others are ended too.

    Raises:
        RelataError: what a program refused.
        RuntimeError: with the end of its error output, if one failed in another way.
    """
    with ExitStack() as held, ThreadPoolExecutor(len(commands)) as pool:
        programs = [_start(command, held.enter_context(TemporaryFile("w+"))) for command in commands]
        try:
            for done in as_completed([pool.submit(_follow, *pair, tick) for pair in enumerate(programs)]):
                done.result()
        finally:
            for program in programs:
                program.process.terminate()


def _start(command: Sequence[str], errors: IO[str]) -> _Program:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    process = Popen(command, stdin=DEVNULL, stdout=PIPE, stderr=errors, text=True, env=environment)
    return _Program(process, errors)


def _follow(place: int, program: _Program, tick: Tick) -> None:
    process, errors = program
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            if found := _LINE.match(line):
                tick(place, found[1], int(found[2]), int(found[3]), found[4] or "")
        if process.wait() == 0:
            return
    errors.seek(0)
    told = errors.read()
    if refusals := _REFUSAL.findall(told):
        raise RelataError(refusals[0])
    raise RuntimeError(f"a training program ended with code {process.returncode}:\n{told[-_TAIL:]}")
