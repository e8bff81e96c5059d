"""Qwen-VL: tokens around a phrase and around each box, `<|box_start|>(10,20),(30,40)<|box_end|>`.

`pixels` are those of the image as the processor resized it (Qwen2.5-VL), so the bounds given here must be those of the
processor. `1000` are thousandths of the original image (Qwen2-VL, Qwen3-VL). Both are rounded to the nearest, as in
Qwen's own fine-tuning tool. The objects that these models answer with when asked for JSON,
`{"bbox_2d": [10, 20, 30, 40], "label": "dog"}`, are read too. Decode replies with their special tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from relata.dialects._scan import Numbers, lists
from relata.dialects._tagged import MARK, Markup, Tagged, marked
from relata.errors import RelataError
from relata.geometry import Codec, Frame, Resize

VARIANTS = {"pixels": Codec(frame=Frame(resize=Resize())), "1000": Codec(full=1000)}

_LABEL = re.compile(r'"label"\s*:\s*("(?:[^"\\]|\\.)*+")')
_BOXES = re.compile(r'"bbox_2d"\s*:\s*(\[[^"{}]*+)')


def _object(text: str) -> tuple[str, list[Numbers | None]]:
    label, boxes = _LABEL.search(text), _BOXES.search(text)
    return _unquoted(label[1]) if label else "", lists(boxes[1]) if boxes else []


def _unquoted(string: str) -> str:
    try:
        return str(json.loads(string, strict=False))
    except ValueError:  # an escape that JSON does not know
        return string[1:-1]


def _spell(boxes: Sequence[Numbers]) -> str:
    return ",".join("({},{}),({},{})".format(*box) for box in boxes)


#: ROBIN's markup too. A family's special tokens may not stand in words at all: no caption may end a turn.
TOKENS = Markup(
    # the name of an image stands before the tokens, where whoever trains through ms-swift's placeholders has it
    group=rf"{MARK}<\|box_start\|>(?P<body>[^<]*+)(?P<end>(?:<\|box_end\|>)?)",
    wrap=lambda body, image: f"{marked(image)}<|box_start|>{body}<|box_end|>",
    reserved=r"<\|\w*\|>|</?pred>|<image>|\{(?=[^{}<]*\"bbox_2d\")",
    phrase=("<|object_ref_start|>", "<|object_ref_end|>"),
    closers=r"<\|box_end\|>",
    spell=_spell,
    each=True,
    object=r'\{[^{}<]*?"bbox_2d"[^{}<]*+\}?',
    parse_object=_object,
)


def make(name: str, variant: str, min_pixels: int | None = None, max_pixels: int | None = None) -> Tagged:
    """`min_pixels` and `max_pixels` of the processor; by default those of the published checkpoints.

    Raises:
        RelataError: if they are given for a variant that does not depend on the resize.
    """
    codec = VARIANTS[variant]
    given = {"min_pixels": min_pixels, "max_pixels": max_pixels}
    changes = {key: value for key, value in given.items() if value is not None}
    if codec.frame.resize is None:
        if changes:
            raise RelataError(f"dialect {name} does not depend on the resize; leave {' and '.join(changes)} out")
        return Tagged(name, codec, TOKENS)
    frame = Frame(resize=codec.frame.resize.replace(**changes))
    return Tagged(name, codec.replace(frame=frame), TOKENS)
