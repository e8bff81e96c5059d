"""Models: the region-token model, its processor, and what a user holds. Needs the `models` extra.

The modules inside import torch; this one does not.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from relata.errors import MissingExtra, RelataError, near

if TYPE_CHECKING:
    from relata.models.model import Model
    from relata.models.processing import RelataProcessor
    from relata.models.relata import RelataForConditionalGeneration

_SHIPPED = Path(__file__).parent / "checkpoints"


def shipped(name: str) -> Path:
    """The folder of a checkpoint that comes with the package: `tiny`, or `base`, which knows no relations.

    Raises:
        RelataError: if there is none of that name.
    """
    folder = _SHIPPED / name
    if not (folder / "config.json").is_file():
        known = [p.parent.name for p in _SHIPPED.glob("*/config.json")]
        raise RelataError(f"no shipped model {name!r}; {near(name, known)}; or give the folder of a checkpoint")
    return folder


def load(model: str | Path = "tiny", adapter: str | Path | None = None, device: str | None = None) -> Model:
    """A model to ask: a shipped one by name, or the folder of a checkpoint.

    Args:
        adapter: folder of a LoRA adapter to put on the decoder.
        device: `cpu`, `cuda` ...; the CPU if not given.

    Raises:
        MissingExtra: without torch and transformers.
        RelataError: if there is no such model, or the adapter's folder holds none.
    """
    if adapter is not None and not (Path(adapter) / "adapter_config.json").is_file():
        raise RelataError(
            f"no adapter in {adapter}: it has no adapter_config.json; `relata train` writes `adapter-STAGE`"
        )
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise MissingExtra("torch or transformers", "models")
    from relata.models.model import Model

    folder = Path(model) if (Path(model) / "config.json").is_file() else shipped(str(model))
    network, processor = checkpoint(folder)
    if adapter is not None:
        from peft import PeftModel

        network.decoder = PeftModel.from_pretrained(network.decoder, adapter).merge_and_unload()
    return Model(network.to(device or "cpu"), processor, str(model))


def checkpoint(folder: Path) -> tuple[RelataForConditionalGeneration, RelataProcessor]:
    """Network and processor of a folder. Weights are safetensors, whole and of the right shapes; no code is run.

    Raises:
        RelataError: if the folder holds another kind of model, or its weights are damaged or not all there.
    """
    import torch
    from safetensors import SafetensorError

    from relata.models.processing import RelataProcessor
    from relata.models.relata import RelataForConditionalGeneration

    try:
        kind = json.loads((folder / "config.json").read_text()).get("model_type")
        if kind != "relata":
            raise RelataError(f"{folder} holds a model of type {kind!r}, not a region-token model (`relata`)")
        network, found = RelataForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True
        )
    except (OSError, json.JSONDecodeError, SafetensorError, RuntimeError) as error:
        raise RelataError(f"cannot read the model in {folder}: {error}") from error
    if absent := sorted(found["missing_keys"]):
        raise RelataError(f"the weights in {folder} lack {', '.join(absent[:3])}; {len(absent)} tensors in all")
    return network, RelataProcessor.from_pretrained(folder)
