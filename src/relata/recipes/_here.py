"""What a recipe may use of the run that it works in."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from relata import store


@dataclass(frozen=True)
class Here:
    """Given to `items` with every scene or group."""

    rng: random.Random
    """Seeded by the run's seed and the id of the scene or group."""
    images: Path
    """The folder that image references are relative to."""
    out: Path
    """The run's folder."""

    def save(self, name: str, picture: Image.Image) -> str:
        """Write a picture that the recipe made, as PNG, and return the reference to put into records.

        Args:
            name: unique in the run, e.g. made of the scene's id; it becomes a file name below `images/` of the run.
        """
        data = io.BytesIO()
        picture.save(data, format="PNG")
        safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).lstrip(".")
        path = self.out / "images" / f"{safe}.png"
        store.write(path, [data.getvalue()])
        return str(path.resolve())
