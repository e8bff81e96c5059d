"""A scene's picture with the number of each region drawn on it, for a teacher that looks and cites regions as `[n]`.

After Set-of-Mark prompting (arXiv 2310.11441), which the published code of Synthetic Visual Genome brings along.
"""

from __future__ import annotations

import io
from pathlib import Path

from relata import images
from relata.scene import Scene


def marked(scene: Scene, root: Path) -> bytes:
    """The picture as JPEG, with a box and a number, from 1, for each region.

    Raises:
        RelataError: if the picture cannot be read; `relata.images.Unsafe` says why it is not opened.
    """
    from relata.view.draw import draw

    regions = tuple(region.replace(id=n, label="") for n, region in enumerate(scene.regions, 1))
    out = io.BytesIO()
    with images.opened(images.read(scene.image, root), scene.image) as picture:
        draw(picture, scene.replace(regions=regions, relations=())).convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()
