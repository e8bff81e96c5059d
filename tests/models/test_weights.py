"""Folders that are not what they should be: nothing in them is run, and they are refused in one line."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.small import small
from relata.errors import RelataError
from relata.models import checkpoint, load

WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model, processor = small()
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    return tmp_path


class Canary:
    """Unpickled, it would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_good_folder_is_read(folder: Path) -> None:
    network, processor = checkpoint(folder)
    assert network.dtype is torch.float32
    assert load(folder).processor.n_regions == processor.n_regions == 12


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", WEIGHTS])
def test_a_pickle_is_never_opened(folder: Path, name: str) -> None:
    canary = folder / "canary"
    (folder / WEIGHTS).unlink()
    (folder / name).write_bytes(pickle.dumps({"number.weight": Canary(canary)}))
    with pytest.raises(RelataError, match="cannot read the model"):
        checkpoint(folder)
    assert not canary.exists()


def test_code_in_a_folder_is_not_run(folder: Path) -> None:
    canary = folder / "canary"
    (folder / "modeling_evil.py").write_text(f"import os\nos.mkdir({str(canary)!r})\nclass Evil: pass\n")
    for name in ("config.json", "processor_config.json", "tokenizer_config.json"):
        settings = json.loads((folder / name).read_text())
        settings["auto_map"] = dict.fromkeys(("AutoConfig", "AutoModel", "AutoProcessor"), "modeling_evil.Evil")
        (folder / name).write_text(json.dumps(settings))
    checkpoint(folder)
    assert not canary.exists()


def test_damaged_weights(folder: Path) -> None:
    good = (folder / WEIGHTS).read_bytes()
    size = int.from_bytes(good[:8], "little")
    header = json.loads(good[8 : 8 + size])
    first, second = sorted(name for name in header if name != "__metadata__")[:2]
    header[first]["data_offsets"] = header[second]["data_offsets"]
    overlap = json.dumps(header).encode()
    damaged = {
        "header cut": good[:100],
        "data cut": good[:-10],
        "header longer than the file": b"\xff" * 8 + good[8:],
        "two tensors in one place": len(overlap).to_bytes(8, "little") + overlap + good[8 + size :],
        "empty": b"",
    }
    for content in damaged.values():
        (folder / WEIGHTS).write_bytes(content)
        with pytest.raises(RelataError, match="cannot read the model"):
            checkpoint(folder)


def test_weights_that_are_not_all_there(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    held = tensors.pop("number.weight")
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(RelataError, match=r"lack number\.weight; 1 tensors"):
        checkpoint(folder)
    save_file({**tensors, "number.weight": held[:3].clone()}, folder / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(RelataError, match="cannot read the model"):
        checkpoint(folder)


def test_another_model_or_none(folder: Path) -> None:
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, "model_type": "llama"}))
    with pytest.raises(RelataError, match="'llama', not a region-token model"):
        checkpoint(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(RelataError, match="cannot read the model"):
        checkpoint(folder)
    with pytest.raises(RelataError, match=r"did you mean|known:"):
        load("tinny")
