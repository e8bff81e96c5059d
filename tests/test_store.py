"""Folders of records: what is written is read, and what was damaged is named and never read."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relata import store
from relata.errors import RelataError
from relata.scene import Box, Record, Region, Scene, encode
from relata.store import Damage, Writer, records


class Note(Record, frozen=True):
    text: str
    number: int = 0


def notes(count: int) -> list[Note]:
    return [Note("é" * (i % 7) + f" note {i}", i) for i in range(count)]


def written(folder: Path, kept: list[Note], shard: int = 10) -> Path:
    with Writer(folder, Note, {"made by": "a test"}, shard=shard) as writer:
        for note in kept:
            writer.add(note)
    return folder


@settings(deadline=None, max_examples=12)
@given(texts=st.lists(st.text(max_size=30), max_size=25), shard=st.integers(1, 9))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, texts: list[str], shard: int) -> None:
    kept = [Note(text, i) for i, text in enumerate(texts)]
    folder = written(tmp_path_factory.mktemp("notes") / "folder", kept, shard)
    assert list(records(folder, Note)) == kept
    manifest = store.manifest(folder)
    assert sum(file.records for file in manifest.files) == len(kept)
    assert max((file.records for file in manifest.files), default=0) <= shard


def test_manifest_names_types_and_maker(tmp_path: Path) -> None:
    folder = written(tmp_path / "notes", notes(25))
    manifest = store.manifest(folder)
    assert manifest.about == {"made by": "a test"}
    assert [(file.name, file.type, file.records) for file in manifest.files] == [
        ("00000.jsonl", "Note", 10),
        ("00001.jsonl", "Note", 10),
        ("00002.jsonl", "Note", 5),
    ]
    with pytest.raises(RelataError, match="holds records of type Note, not Scene"):
        records(folder, Scene)


def test_one_file_and_a_folder_below_the_manifest_are_read_too(tmp_path: Path) -> None:
    files = [store.write_records(tmp_path, "notes/0.jsonl", Note, notes(3))]
    files.append(store.write_records(tmp_path, "other.jsonl", Damage, [Damage("a", 1, "b")]))
    store.write_manifest(tmp_path, {}, files)
    assert list(records(tmp_path / "notes", Note)) == notes(3)
    assert list(records(tmp_path, Note)) == notes(3)
    assert list(records(tmp_path, Damage)) == [Damage("a", 1, "b")]
    assert list(records(tmp_path / "notes" / "0.jsonl", Note)) == notes(3)


def flipped(path: Path, at: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


@pytest.mark.parametrize("flips", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_flipping_any_bit_is_detected_and_costs_at_most_one_record(tmp_path: Path, flips: int) -> None:
    kept = notes(30)
    folder = written(tmp_path / "notes", kept)
    rng = random.Random(1)
    for _ in range(flips):
        path = rng.choice(sorted(folder.glob("*.jsonl")))
        good = path.read_bytes()
        at, bit = rng.randrange(len(good)), rng.randrange(8)
        flipped(path, at, bit)
        line = good[:at].count(b"\n") + 1
        damage: list[Damage] = []
        found = list(records(folder, Note, damage.append))
        assert [(one.file, one.line) for one in damage] == [(str(path), line)]
        lost = 10 * int(path.stem) + line - 1
        assert found == kept[:lost] + kept[lost + 1 :]
        flipped(path, at, bit)
    assert list(records(folder, Note)) == kept


def test_damaged_checksums_cost_nothing_and_a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    kept = notes(30)
    folder = written(tmp_path / "notes", kept)
    sums, manifest = folder / "00001.sums", folder / store.MANIFEST
    for at in range(0, sums.stat().st_size, 3):
        flipped(sums, at, at % 8)
        assert list(records(folder, Note)) == kept
        flipped(sums, at, at % 8)
    for at in range(0, manifest.stat().st_size, 5):
        flipped(manifest, at, at % 8)
        with pytest.raises(RelataError, match="is damaged"):
            records(folder, Note)
        flipped(manifest, at, at % 8)


def test_torn_files_lose_what_was_torn_and_no_more(tmp_path: Path) -> None:
    kept = notes(10)
    folder = written(tmp_path / "notes", kept)
    path = folder / "00000.jsonl"
    whole = path.read_bytes()
    last = len(whole) - len(whole.splitlines(keepends=True)[-1])
    for size in range(last, len(whole)):
        path.write_bytes(whole[:size])
        damage: list[Damage] = []
        assert list(records(folder, Note, damage.append)) == kept[:-1]
        assert [found.line for found in damage] == [10]
        with pytest.raises(RelataError, match=r"00000\.jsonl:10: record is (damaged|missing)"):
            list(records(folder, Note))
    path.unlink()
    damage = []
    assert list(records(folder, Note, damage.append)) == []
    assert len(damage) == 10


def test_a_plain_file_names_the_line_that_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    lines = [encode(note) for note in notes(4)]
    path.write_bytes(b"\n".join([lines[0], b'{"text": "\xff"}', lines[2][:-3], lines[3]]))
    with pytest.raises(RelataError, match=r"notes\.jsonl:2: "):
        list(records(path, Note))
    damage: list[Damage] = []
    assert list(records(path, Note, damage.append)) == [notes(4)[0], notes(4)[3]]
    assert [found.line for found in damage] == [2, 3]


def test_a_broken_rule_is_damage_too(tmp_path: Path) -> None:
    path = tmp_path / "scenes.jsonl"
    scene = Scene("a", "a.jpg", 10, 10, (Region(0, "dog", Box(0, 0, 5, 5)),))
    path.write_bytes(encode(scene).replace(b"5.0", b"99.0"))
    with pytest.raises(RelataError, match=r"scenes\.jsonl:1: .*leaves the 10 x 10 image"):
        list(records(path, Scene))


def test_missing_and_unfinished_folders_say_so(tmp_path: Path) -> None:
    with pytest.raises(RelataError, match="does not exist"):
        records(tmp_path / "nowhere", Note)
    with pytest.raises(RelataError, match="nothing was finished there"):
        records(tmp_path, Note)


def test_an_error_in_the_block_leaves_the_folder_unfinished(tmp_path: Path) -> None:
    def stopped() -> None:
        with Writer(tmp_path, Note, shard=2) as writer:
            for note in notes(5):
                writer.add(note)
            raise KeyError

    with pytest.raises(KeyError):
        stopped()
    with pytest.raises(RelataError, match="nothing was finished"):
        records(tmp_path, Note)
    assert list(records(written(tmp_path, notes(3)), Note)) == notes(3)
    with pytest.raises(RelataError, match="finished already"):
        written(tmp_path, notes(3))


HOLD = """
import sys, time
from pathlib import Path
from relata.store import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_writer_per_folder_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(RelataError, match="being written by another process"), store.lock(tmp_path):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with store.lock(tmp_path):
        pass


def test_a_place_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RelataError, match=r"cannot write to .*file/notes"):
        written(tmp_path / "file" / "notes", notes(1))


@pytest.mark.parametrize("call", range(9))
def test_a_full_disk_is_said_and_harms_nothing(tmp_path: Path, call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # three files (checksums, records, manifest, each flushed with its folder), so some call of six fails or none
    calls = iter(range(100))
    flush = os.fsync

    def full(handle: int) -> None:
        if next(calls) == call:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(handle)

    monkeypatch.setattr(os, "fsync", full)
    if call < 6:
        with pytest.raises(RelataError, match="No space left on device"):
            written(tmp_path / "notes", notes(3))
        monkeypatch.undo()
        if not (tmp_path / "notes" / store.MANIFEST).exists():
            written(tmp_path / "notes", notes(3))
    else:
        written(tmp_path / "notes", notes(3))
    assert list(records(tmp_path / "notes", Note)) == notes(3)
    assert not list((tmp_path / "notes").glob(".*.tmp"))
