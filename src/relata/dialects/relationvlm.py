"""RelationVLM: image tags with numbers, boxes as two cells of a 32 x 32 grid, each a token of its own.

    <caption>a kite</caption><img0><patch_index_0195><patch_index_0492></img0>

Paper: arXiv 2403.12801; the cells follow Kosmos-2 (arXiv 2306.14824). The paper's figures write the tokens `<loc_n>`,
its supplement `<patch_index_nnnn>`; both are read, and `loc` writes the former. The paper has no predicate with boxes,
so ReC's tag is used, and repeats a phrase for each box, where we repeat the image tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from relata.dialects._scan import Numbers
from relata.dialects._tagged import Markup, Tagged
from relata.geometry import PatchCodec

_CELL = re.compile(r"<(?:patch_index|loc)_(\d{1,6})>")


def _parse(body: str) -> list[Numbers | None]:
    cells = list(map(float, _CELL.findall(body)))
    rest = _CELL.sub("", body)
    pairs: list[Numbers | None] = [(first, second) for first, second in zip(cells[::2], cells[1::2])]
    return [*pairs, None] if len(cells) % 2 or rest.strip() else pairs


def _spell(token: str) -> Callable[[Sequence[Numbers]], str]:
    return lambda boxes: "".join(token.format(int(cell)) for box in boxes for cell in box)


_PATCHES = Markup(
    group=r"<img(?P<image>\d{1,4})>(?P<body>(?:[^<]|<(?!/?(?:img|caption|pred)))*+)(?P<end>(?:</img\d{1,4}>)?)",
    wrap=lambda body, image: f"<img{image}>{body}</img{image}>",
    reserved=r"</?(?:caption|pred|img\d*)>|<(?:patch_index|loc)_\d*>|<image>",
    closers=r"</img\d{1,4}>",
    phrase=("<caption>", "</caption>"),
    first_image=0,
    parse=_parse,
    spell=_spell("<patch_index_{:04d}>"),
    empty_is_slot=True,
)

VARIANTS = {"patch_index": _PATCHES, "loc": replace(_PATCHES, spell=_spell("<loc_{}>"))}


def make(name: str, variant: str) -> Tagged:
    return Tagged(name, PatchCodec(), VARIANTS[variant])
