"""Whatever is done to a file: no crash, no loss. Each record is a scene or a rejection that names it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relata.errors import RelataError
from relata.readers import read

JSONS = {
    "coco": "coco/instances_small2017.json",
    "lvis": "lvis_small.json",
    "psg": "psg.json",
    "visual_genome": "visual_genome/relationships.json",
    "gqa": "val_sceneGraphs.json",
    "vcoco": "instances_vcoco_small.json",
    "vsd": "vsd.json",
    "llava": "llava.json",
    "ferret": "ferret/context.jsonl",
    "scene_difference": "scene_difference/SD_instructions.json",
    "spot_the_diff": "spot_the_diff/train.json",
    "image_editing": "image_editing/valid.json",
    "cad_inst": "cad_inst/phase1.json",
    "ssv2": "ssv2/something-something-v2-train.json",
    "activitynet": "activitynet/val_1.json",
    "vidvrd": "vidvrd/ILSVRC2015_train_00000001.json",
    "nlvr": "nlvr/dev.json",
}
#: What has to be told where there are no photos and no frames.
OPTIONS: dict[str, dict[str, Any]] = {
    **{format: {"size": "640x480"} for format in ("scene_difference", "spot_the_diff", "image_editing", "cad_inst")},
    **{format: {"size": "640x480", "n_frames": 40} for format in ("ssv2", "activitynet")},
}
FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "readers"

junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.builds(list),
    st.builds(dict),
    st.builds(lambda: [1, 2, 3, 4]),
)


def nodes(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    found = []
    items = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for key, inner in items:
        found.append((value, key))
        found += nodes(inner)
    return found


def assert_consistent(format: str, path: Path) -> None:
    reading = read(format, path, **OPTIONS.get(format, {}))
    try:
        scenes = list(reading)
    except RelataError as error:  # the whole file is of another layout
        scenes = None
        reason = str(error)
    if scenes is None:
        assert path.name in reason
        return
    assert reading.read == reading.kept + len(reading.rejected)
    assert reading.kept == len(scenes)
    for rejected in reading.rejected + reading.problems:
        assert path.name in rejected.where
        assert rejected.reason


@pytest.mark.parametrize("format", JSONS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_values_that_do_not_belong(format: str, data: st.DataObject) -> None:
    text = (FOLDER / JSONS[format]).read_text()
    value = [json.loads(line) for line in text.splitlines()] if format in ("ferret", "nlvr") else json.loads(text)
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(nodes(value) or [([0], 0)]))
        if data.draw(st.booleans()):
            container[key] = data.draw(junk)
        else:
            del container[key]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.json"
        path.write_text(json.dumps(value))
        assert_consistent(format, path)


@pytest.mark.parametrize("format", JSONS)
@settings(deadline=None, max_examples=25)
@given(cut=st.floats(0, 1), byte=st.integers(0, 255))
def test_bytes_that_do_not_belong(format: str, cut: float, byte: int) -> None:
    content = bytearray((FOLDER / JSONS[format]).read_bytes())
    content[int(cut * (len(content) - 1))] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.json"
        for damaged in (content, content[: int(cut * len(content))]):
            path.write_bytes(damaged)
            assert_consistent(format, path)
