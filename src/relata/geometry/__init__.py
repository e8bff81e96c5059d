"""Pure functions on boxes and masks; the frames and codecs in which model families write boxes."""

from __future__ import annotations

from relata.geometry.boxes import array, containment, intersection, iou, iou_matrix, union
from relata.geometry.codecs import Codec, Decoded, PatchCodec
from relata.geometry.frames import ORIGINAL, SQUARE, Frame, Placement, Resize
from relata.geometry.masks import rle_area, rle_box, rle_decode, rle_encode, rle_from_counts, rle_from_polygons

__all__ = [
    "ORIGINAL",
    "SQUARE",
    "Codec",
    "Decoded",
    "Frame",
    "PatchCodec",
    "Placement",
    "Resize",
    "array",
    "containment",
    "intersection",
    "iou",
    "iou_matrix",
    "rle_area",
    "rle_box",
    "rle_decode",
    "rle_encode",
    "rle_from_counts",
    "rle_from_polygons",
    "union",
]
