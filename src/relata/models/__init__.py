"""Models: the region-token model, its processor, and what a user holds. Needs the `models` extra.

The modules inside import torch; this one does not.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from relata.errors import MissingExtra, RelataError, near

if TYPE_CHECKING:
    from relata.models.model import Model

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
        raise RelataError(f"no adapter in {adapter}: it has no adapter_config.json; `relata train` writes `adapter-STAGE`")
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise MissingExtra("torch or transformers", "models")
    import torch

    from relata.models.model import Model
    from relata.models.processing import RelataProcessor
    from relata.models.relata import RelataForConditionalGeneration

    folder = Path(model) if (Path(model) / "config.json").is_file() else shipped(str(model))
    network = RelataForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    if adapter is not None:
        from peft import PeftModel

        network.decoder = PeftModel.from_pretrained(network.decoder, adapter).merge_and_unload()
    return Model(network.to(device or "cpu"), RelataProcessor.from_pretrained(folder), str(model))
