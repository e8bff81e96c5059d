"""What a recipe may use of the run that it works in.

A recipe that makes pictures keeps all its pictures in the run's folder, those that it took over too; so references in
its records are relative to that folder, and it can be moved as a whole.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from relata import images, store


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
        """Write a picture that the recipe made, as PNG, and return its reference, relative to the run's folder.

        Args:
            name: unique in the run, e.g. made of the scene's id; it becomes a file name below `images/`.
        """
        data = io.BytesIO()
        picture.save(data, format="PNG")
        return self._write(f"{name}.png", data.getvalue())

    def keep(self, image: str) -> str:
        """Copy a scene's picture into the run's folder and return its new reference.

        Raises:
            Unsafe: if the picture is not where it may be, or is none.
        """
        return self._write(image, images.read(image, self.images))

    def _write(self, name: str, data: bytes) -> str:
        safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).lstrip(".-")
        store.write(self.out / "images" / safe, [data])
        return f"images/{safe}"
