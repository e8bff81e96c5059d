"""Whatever is done to the files of the readers of single images: no crash, no loss; see `test_damaged_files.py`."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_damaged_files import FOLDER, junk, nodes

from relata.errors import RelataError
from relata.readers import read

#: The file that is damaged; what lies beside it stays whole. Options let a reader go on where no photo tells the size.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "refcoco": ("refcoco/refs.json", {"masks": True}),
    "refcoco boxes": ("refcoco/instances.json", {"masks": True}),
    "grit": ("grit/grit.jsonl", {"size": "100x80"}),
    "localized_narratives": ("narratives/coco_localized_narratives.jsonl", {"size": "100x80", "traces": True}),
    "ade20k": ("ade20k/ADE_train_00000001.json", {"masks": True}),
    "vrd": ("vrd/annotations_train.json", {}),
    "svg": ("svg/graphs.json", {"masks": True}),
    "svg lines": ("svg/detection.jsonl", {"masks": True}),
    "svg rows": ("svg/rows.jsonl", {"masks": True}),
    "label_studio": ("label_studio/export.json", {"masks": True}),
    "own": ("own/annotations.jsonl", {"boxes": "xyxy"}),
}
TEXTS: dict[str, tuple[str, dict[str, Any]]] = {
    "open_images": ("open_images/oidv6-train-annotations-vrd.csv", {"size": "100x80"}),
    "open_images names": ("open_images/class-descriptions-boxable.csv", {"size": "100x80"}),
    "flickr_entities": ("flickr_entities/Annotations/1000.xml", {}),
    "flickr_entities text": ("flickr_entities/Sentences/1000.txt", {}),
    "cub": ("cub/images.txt", {}),
    "cub boxes": ("cub/bounding_boxes.txt", {}),
    "cub attributes": ("cub/attributes/image_attribute_labels.txt", {}),
    "isic": ("isic/metadata.csv", {"size": "9x9"}),
    "isic truth": ("isic/truth.csv", {"size": "9x9"}),
}


def assert_consistent(format: str, damaged: Path, folder: Path, options: dict[str, Any]) -> None:
    whole = FOLDER_OF.get(format, damaged.name)
    reading = read(format, folder / whole if whole else folder, **options)
    try:
        kept = len(list(reading))
    except RelataError as error:  # the whole file is of another layout
        kept, reason = -1, str(error)
    if kept < 0:
        assert any(path.name in reason for path in folder.rglob("*"))
        return
    assert reading.read == reading.kept + len(reading.rejected)
    assert reading.kept == kept
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    for rejected in reading.rejected + reading.problems:
        assert any(name in rejected.where for name in names)
        assert rejected.reason


#: What the reader is given where it is not the damaged file itself; empty: the folder.
FOLDER_OF = {"refcoco": "", "open_images": "", "flickr_entities": "", "cub": ""}


def damaged_copy(name: str, folder: str) -> tuple[str, Path, Path]:
    """Format, the file to damage and the folder, among copies of what lies beside it."""
    format, _, _ = name.partition(" ")
    source = FOLDER / (CASES.get(name) or TEXTS[name])[0]
    root = FOLDER / source.relative_to(FOLDER).parts[0]
    copy = Path(folder) / root.name
    shutil.copytree(root, copy)
    return format, copy / source.relative_to(root), copy


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_values_that_do_not_belong(name: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        format, path, copy = damaged_copy(name, folder)
        text = path.read_text()
        lines = path.suffix == ".jsonl"
        value = [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)
        for _ in range(data.draw(st.integers(1, 3))):
            container, key = data.draw(st.sampled_from(nodes(value) or [([0], 0)]))
            if data.draw(st.booleans()):
                container[key] = data.draw(junk)
            else:
                del container[key]
        path.write_text("\n".join(map(json.dumps, value)) if lines else json.dumps(value))
        assert_consistent(format, path, copy, (CASES[name])[1])


@pytest.mark.parametrize("name", [*CASES, *TEXTS])
@settings(deadline=None, max_examples=15)
@given(cut=st.floats(0, 1), byte=st.integers(0, 255))
def test_bytes_that_do_not_belong(name: str, cut: float, byte: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        format, path, copy = damaged_copy(name, folder)
        content = bytearray(path.read_bytes())
        content[int(cut * (len(content) - 1))] = byte
        for damaged in (content, content[: int(cut * len(content))]):
            path.write_bytes(damaged)
            assert_consistent(format, path, copy, (CASES.get(name) or TEXTS[name])[1])
