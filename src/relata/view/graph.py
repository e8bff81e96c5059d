"""The graph of a scene as text, as a Graphviz file, as one picture, and as a page: what `relata graph` prints.

All four hold every region and every relation of the scene.
"""

from __future__ import annotations

from relata.scene import Scene
from relata.view.palette import color, ink
from relata.view.words import line, name, triplet


def text(scene: Scene) -> str:
    """One line per relation, `red circle [0] left of blue star [1]`, then one per region that is in none."""
    related = {end for relation in scene.relations for end in (relation.subject, relation.object)}
    lines = [triplet(scene, relation) for relation in scene.relations]
    lines += [name(region) for region in scene.regions if region.id not in related]
    return "".join(f"{line}\n" for line in lines)


def dot(scene: Scene) -> str:
    """A Graphviz file; `dot -Tpdf` lays it out."""
    lines = [
        f"digraph {_quoted(scene.id)} {{",
        '  node [shape=box, style="rounded,filled", fontname="Helvetica"];',
        '  edge [fontname="Helvetica", fontsize=11];',
    ]
    places = {region.id: i for i, region in enumerate(scene.regions)}
    for i, region in enumerate(scene.regions):
        fill = color(i)
        label = _quoted(name(region))
        lines.append(f'  n{i} [label={label}, fillcolor="{fill}", fontcolor="{ink(fill)}"];')
    for relation in scene.relations:
        ends = f"n{places[relation.subject]} -> n{places[relation.object]}"
        lines.append(f"  {ends} [label={_quoted(relation.predicate)}];")
    return "\n".join([*lines, "}"]) + "\n"


def svg(scene: Scene, image: bytes | None = None) -> str:
    """A self-contained picture: the image with its boxes, and beside it the graph. `image` is an encoded picture.

    Raises:
        RelataError: if `image` cannot be read as a picture.
    """
    from relata.view.drawing import drawing

    return drawing(scene, image)


def html(scene: Scene, image: bytes | None = None) -> str:
    """A self-contained page with the picture, the graph on it and the list of relations. `image` as in `svg`.

    Raises:
        RelataError: if `image` cannot be read as a picture.
    """
    from relata.view.items import item, summary
    from relata.view.page import page
    from relata.view.pictures import Shown, mismatch, picture

    shown = Shown("")
    if image is not None:
        small = picture(image)
        shown = Shown(small.uri, mismatch(small, scene.width, scene.height))
    drawn = item(scene, lambda *_: shown)
    section = {"type": "gallery", "title": line(scene.id), "items": [drawn], "notes": summary([drawn])}
    return page(scene.id, [section])


def _quoted(text: str) -> str:
    """A string of the DOT language; a backslash would start one of its escapes, so it is doubled."""
    return '"' + line(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
