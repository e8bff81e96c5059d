"""Parquet as TRL and `datasets` read it, tar files as `webdataset` reads them."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from relata.chat import Example, ImageRef, Message, Preference
from relata.errors import RelataError
from relata.formats import export
from relata.grounded import ImageSlot, Text

from .talks import COLORS, FIRST, SECOND, draw, example, pair, preference


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return draw(tmp_path / "images")


def loaded(folder: Path, cache: Path) -> Any:
    datasets = pytest.importorskip("datasets", reason="needs the extra `export`")
    files = str(folder) if folder.suffix == ".parquet" else str(folder / "*.parquet")
    return datasets.load_dataset("parquet", data_files=files, cache_dir=str(cache), split="train")


def close(image: Image.Image, path: str) -> bool:
    """Whether a picture is filled with the colour of the one at `path`, as far as JPEG keeps it."""
    middle = image.convert("RGB").getpixel((5, 5))
    assert isinstance(middle, tuple)
    return all(abs(a - b) < 8 for a, b in zip(middle, COLORS[path]))


@pytest.mark.parametrize("layout", ["messages", "prompt"])
def test_conversations_for_trl(tmp_path: Path, root: Path, layout: str) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra `export`")
    told = export([example(), pair()], "parquet", tmp_path / "x", dialect="asmv2", images=root, layout=layout)
    assert (told.read, told.written) == (2, 2)
    one, two = loaded(tmp_path / "x", tmp_path / "cache")
    assert [image.size for image in two["images"]] == [(640, 480), (310, 300)]
    assert close(two["images"][0], "a.png")
    assert close(two["images"][1], "sub/b.jpg")
    turns = one["messages"] if layout == "messages" else one["prompt"] + one["completion"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant"]
    assert turns[0]["content"] == [{"type": "image", "text": None}, {"type": "text", "text": "\nDescribe."}]
    assert turns[1]["content"][0]["text"].startswith("A <ref>dog</ref><box>[[16, ")
    if layout == "prompt":
        assert one["completion"] == turns[3:]
    first = (two.get("messages") or two["prompt"])[0]["content"]
    assert [part["type"] for part in first] == ["text", "image", "text", "image", "text"]


def test_every_row_shows_as_many_images_as_it_has(tmp_path: Path, root: Path) -> None:
    """What TRL counts before it trains; text alone has none."""
    turns = (Message("user", (Text("2 + 2?"),)), Message("assistant", (Text("4"),)))
    records = [example(), pair(), Example("text", (), turns)]
    export(records, "parquet", tmp_path / "x.parquet", dialect="qwen_vl", images=root)
    for row in loaded(tmp_path / "x.parquet", tmp_path / "cache"):
        parts = [part["type"] for turn in row["messages"] for part in turn["content"]]
        assert parts.count("image") == len(row["images"])


def test_preferences_for_dpo(tmp_path: Path, root: Path) -> None:
    export([preference(), preference("d2")], "parquet", tmp_path / "x.parquet", dialect="plain", images=root)
    rows = loaded(tmp_path / "x.parquet", tmp_path / "cache")
    assert set(rows.column_names) == {"id", "recipe", "images", "prompt", "chosen", "rejected"}
    for row in rows:
        assert [turn["role"] for turn in row["prompt"]] == ["user"]
        (good,), (bad,) = row["chosen"], row["rejected"]
        assert (good["role"], bad["role"]) == ("assistant", "assistant")
        assert "<pred>on</pred>" in good["content"][0]["text"]
        assert "<pred>under</pred>" in bad["content"][0]["text"]


def test_shards_and_the_same_bytes(tmp_path: Path, root: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra `export`")
    records = [example(str(number)) for number in range(7)]
    for name in ("one", "two"):
        export(records, "parquet", tmp_path / name, dialect="asmv2", images=root, shard=3)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["data-00000.parquet", "data-00001.parquet", "data-00002.parquet"]
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files)
    assert [row["id"] for row in loaded(tmp_path / "one", tmp_path / "cache")] == list("0123456")
    with pytest.raises(RelataError, match=r"holds data-0000\d.parquet already"):
        export(records, "parquet", tmp_path / "one", dialect="asmv2", images=root)


def test_paths_alone(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra `export`")
    import pyarrow.parquet as pq

    export([pair()], "parquet", tmp_path / "x.parquet", dialect="asmv2", embed=False)
    (row,) = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert row["images"] == [{"bytes": None, "path": "a.png"}, {"bytes": None, "path": "sub/b.jpg"}]


def test_a_row_that_cannot_be_written_costs_only_itself(tmp_path: Path, root: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra `export`")
    (root / "broken.png").write_bytes((root / "a.png").read_bytes()[:300])
    broken = example("broken").replace(images=(ImageRef("broken.png", 640, 480),))
    secret = example("secret").replace(images=(ImageRef("/etc/hostname", 640, 480),))
    for format, out in (("parquet", tmp_path / "x.parquet"), ("webdataset", tmp_path / "x")):
        told = export([example("1"), broken, secret, example("2")], format, out, dialect="asmv2", images=root)
        assert (told.read, told.written) == (4, 2)
        assert [one.where for one in told.rejected] == ["example broken", "example secret"]
        assert "outside" in told.rejected[1].reason


def test_nothing_at_all(tmp_path: Path, root: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra `export`")
    import pyarrow.parquet as pq

    assert export([], "parquet", tmp_path / "x.parquet", dialect="asmv2", images=root).written == 0
    assert pq.read_table(tmp_path / "x.parquet").num_rows == 0
    assert export([], "llava", tmp_path / "x.json", dialect="asmv2").written == 0
    assert json.loads((tmp_path / "x.json").read_text()) == []


def test_tars(tmp_path: Path, root: Path) -> None:
    records = [example("a"), pair("../../b"), example("c.d/e")]
    told = export(records, "webdataset", tmp_path / "x", dialect="qwen_vl", images=root, shard=2)
    assert (told.read, told.written) == (3, 3)
    with tarfile.open(tmp_path / "x" / "data-00000.tar") as file:
        members = file.getmembers()
        assert [one.name for one in members] == [
            "000000000.0.png", "000000000.json", "000000001.0.png", "000000001.1.jpg", "000000001.json",
        ]  # fmt: skip
        assert {(one.mtime, one.uid, one.gid, one.uname, one.mode) for one in members} == {(0, 0, 0, "", 0o644)}
    webdataset = pytest.importorskip("webdataset", reason="needs the extra `export`")
    shards = [str(tmp_path / "x" / f"data-0000{k}.tar") for k in range(2)]
    _, two, three = webdataset.WebDataset(shards, shardshuffle=False).decode("pil")
    assert (two["json"]["id"], two["json"]["images"]) == ("../../b", ["0.png", "1.jpg"])
    assert [close(two[name], path) for name, path in zip(two["json"]["images"], ("a.png", "sub/b.jpg"))] == [True, True]
    assert two["json"]["messages"][0]["content"].count("<image>") == 2
    assert (three["__key__"], three["json"]["paths"]) == ("000000002", ["a.png"])


def test_tars_are_the_same_bytes_whenever_made(tmp_path: Path, root: Path) -> None:
    export([example(), pair()], "webdataset", tmp_path / "one", dialect="asmv2", images=root)
    for path in root.rglob("*.*"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    export([example(), pair()], "webdataset", tmp_path / "two", dialect="asmv2", images=root)
    name = "data-00000.tar"
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert [path.name for path in (tmp_path / "two").iterdir()] == [name]


def test_preferences_in_tars(tmp_path: Path, root: Path) -> None:
    export([preference()], "webdataset", tmp_path / "x", dialect="plain", images=root)
    with tarfile.open(tmp_path / "x" / "data-00000.tar") as file:
        said = file.extractfile("000000000.json")
        assert said is not None
        row = json.load(said)
    assert "under" in row["rejected_response"]
    assert "on" in row["messages"][-1]["content"]


def test_images_shown_in_another_order(tmp_path: Path, root: Path) -> None:
    """The second image first: the files change places with it."""
    turns = (
        Message("user", (Text("After: "), ImageSlot(1), Text(" before: "), ImageSlot(0))),
        Message("assistant", (Text("It is gone."),)),
    )
    record = Example("x", (FIRST, SECOND), turns)
    export([record], "webdataset", tmp_path / "x", dialect="plain", images=root)
    with tarfile.open(tmp_path / "x" / "data-00000.tar") as file:
        first = file.extractfile("000000000.0.jpg")
        assert first is not None
        with Image.open(io.BytesIO(first.read())) as image:
            assert image.size == (310, 300)


def test_a_preference_is_no_example(tmp_path: Path, root: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra `export`")
    records: list[Example | Preference] = [example(), preference()]
    with pytest.raises(RelataError, match="given a Preference"):
        export(records, "parquet", tmp_path / "x.parquet", dialect="asmv2", images=root)
    assert list(tmp_path.glob(".*")) == [], "nothing half written stays"
