"""One self-contained page: a fixed template, style and script from this folder, and data that can never become code.

The data stand as JSON in a block of type `application/json`, with every character escaped that could end the block.
The script reads it and sets text as text; it is the only script that the page's policy allows, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from relata.view.palette import COLORS, DASHES, ink
from relata.view.words import line

#: In this order they make the page's one script.
SCRIPTS = ("dom", "edges", "item", "gallery", "sections", "chart", "main")
_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<noscript>This page draws its data with a script of its own. It needs JavaScript, nothing from the network.</noscript>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def page(title: str, sections: list[Any], pages: list[str] | None = None, current: int = 0) -> str:
    """The HTML of a page with these sections; `pages` are its sister pages in order, of which this is the `current`."""
    data = {
        "title": line(title),
        "sections": sections,
        "pages": pages or [],
        "current": current,
        "palette": [{"color": color, "ink": ink(color)} for color in COLORS],
        "dashes": DASHES,
    }
    script, style = _script(), _text("page.css")
    policy = (
        f"default-src 'none'; img-src 'self' data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return _TEMPLATE.format(
        policy=policy, title=html.escape(line(title)), style=style, data=embedded(data), script=script
    )


def embedded(data: Any) -> str:
    """JSON that may stand inside a script element: ASCII, without `<`, `>` and `&`."""
    plain = json.dumps(msgspec.to_builtins(data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


@cache
def _script() -> str:
    parts = "\n".join(_text(f"{name}.js") for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'
