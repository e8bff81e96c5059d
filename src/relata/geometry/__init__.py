"""Pure functions on boxes and masks."""

from __future__ import annotations

from relata.geometry.masks import rle_area, rle_box, rle_decode, rle_encode, rle_from_counts, rle_from_polygons

__all__ = ["rle_area", "rle_box", "rle_decode", "rle_encode", "rle_from_counts", "rle_from_polygons"]
