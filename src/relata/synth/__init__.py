"""A rendered world with exact ground truth, endless and the same for the same seed: the embedded default data.

`scenes`, `groups` and `write` give records and files; the worlds behind them are in `relata.synth.world` and `.edit`.
"""

from __future__ import annotations

from relata.synth.records import groups, scenes, to_scene, write

__all__ = ["groups", "scenes", "to_scene", "write"]
