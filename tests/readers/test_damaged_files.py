"""Whatever is done to a file: no crash, no loss. Each record is a scene or a rejection that says where and why."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from relata.errors import RelataError
from relata.names import listing
from relata.readers import read

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "readers"

#: Where a format's fixture lies, if not in the folder of its name.
ELSEWHERE = {
    "lvis": "lvis_small.json",
    "psg": "psg.json",
    "gqa": "val_sceneGraphs.json",
    "vcoco": "instances_vcoco_small.json",
    "vsd": "vsd.json",
    "llava": "llava.json",
    "localized_narratives": "narratives",
}
#: Data sets of pictures; `test_damaged_images.py` and the tests of these readers damage them.
PICTURES = {"people", "mvtec", "magnetic_tile", "scene_parsing"}
FORMATS = [format for format in listing("readers") if format not in PICTURES]

#: What has to be told where there are no photos and no frames, and what has more of a file read.
OPTIONS: dict[str, dict[str, Any]] = {
    **{format: {"masks": True} for format in ("ade20k", "coco", "label_studio", "lvis", "psg", "refcoco", "svg")},
    **{
        format: {"size": "640x480"}
        for format in (
            "scene_difference", "spot_the_diff", "image_editing", "cad_inst", "grit", "open_images", "isic", "yolo",
            "ferret", "llava",
        )
    },
    **{format: {"size": "640x480", "n_frames": 40} for format in ("ssv2", "activitynet", "webvid")},
    "localized_narratives": {"size": "640x480", "traces": True},
}  # fmt: skip

junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**30),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.builds(list),
    st.builds(dict),
    st.builds(lambda: [1, 2, 3, 4]),
)


def copied(format: str, folder: Path) -> list[Path]:
    """The fixture in a folder of its own, with the pictures that it cannot be read without; gives its files."""
    source = FOLDER / ELSEWHERE.get(format, format)
    if source.is_dir():
        shutil.copytree(source, folder, dirs_exist_ok=True)
    else:
        shutil.copy(source, folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if format == "deep_pcb":
        for path in files:
            board = path.parent.with_name(path.parent.name.removesuffix("_not"))
            board.mkdir(exist_ok=True)
            for kind in ("temp", "test"):
                Image.new("L", (640, 640)).save(board / f"{path.stem}_{kind}.jpg")
    if format == "ade20k":
        for name in ("seg", "parts_1"):
            Image.new("RGB", (6, 4), (0, 0, 7)).save(folder / f"ADE_train_00000002_{name}.png")
    return files


def assert_consistent(format: str, files: list[Path], folder: Path) -> None:
    reading = read(format, files[0] if len(files) == 1 else folder, **OPTIONS.get(format, {}))
    try:
        scenes = list(reading)
    except RelataError as error:  # the whole file is of another layout
        scenes = None
        reason = str(error)
    if scenes is None:
        assert str(folder) in reason
        return
    assert reading.read == reading.kept + len(reading.rejected)
    assert reading.kept == len(scenes)
    for rejected in reading.rejected + reading.problems:
        assert any(path.stem in rejected.where for path in files)
        assert rejected.reason


def nodes(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    found = []
    items = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for key, inner in items:
        found.append((value, key))
        found += nodes(inner)
    return found


def changed(text: str, lines: bool, data: st.DataObject) -> str:
    value = [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(nodes(value) or [([0], 0)]))
        if data.draw(st.booleans()):
            container[key] = data.draw(junk)
        else:
            del container[key]
    return "\n".join(map(json.dumps, value)) if lines and isinstance(value, list) else json.dumps(value)


def has_json(format: str) -> bool:
    source = FOLDER / ELSEWHERE.get(format, format)
    return source.suffix == ".json" or any(source.rglob("*.json*"))


@pytest.mark.parametrize("format", [format for format in FORMATS if has_json(format)])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_values_that_do_not_belong(format: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        files = copied(format, Path(name))
        path = data.draw(st.sampled_from([path for path in files if path.suffix in (".json", ".jsonl")]))
        text = path.read_text()
        path.write_text(changed(text, path.suffix == ".jsonl" or format == "nlvr", data))
        assert_consistent(format, files, Path(name))


@pytest.mark.parametrize("format", FORMATS)
@settings(deadline=None, max_examples=25)
@given(data=st.data(), cut=st.floats(0, 1), byte=st.integers(0, 255))
def test_bytes_that_do_not_belong(format: str, data: st.DataObject, cut: float, byte: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        files = copied(format, Path(name))
        path = data.draw(st.sampled_from(files))
        content = bytearray(path.read_bytes())
        content[int(cut * (len(content) - 1))] = byte
        for damaged in (content, content[: int(cut * len(content))]):
            path.write_bytes(damaged)
            assert_consistent(format, files, Path(name))
