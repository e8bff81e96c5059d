"""Showing what the files between the stages hold: pages, graphs and pictures for people.

`view` writes a static page for scenes, groups, examples, answers or scores; `relata.view.graph` draws one scene as a
graph, `relata.view.draw` on its picture, `relata.view.report` makes pages of tables, curves and samples.
"""

from __future__ import annotations

from pathlib import Path

from relata.errors import RelataError


def view(path: Path | str, out: Path | str, images: Path | str | None = None, limit: int = 200) -> Path:
    """Write a static page that shows the first `limit` records at `path`; return the page to open.

    `path` is a file of JSON lines, a folder of shards, or a `.json` file of scores; `out` a `.html` file or a folder.
    Pictures are read from `images` only (without it: from the folder of the data) and copied, made small, into
    `assets/` beside the page. More than 50 records go on several pages.

    Raises:
        RelataError: if there is nothing at `path`, it holds no records, a record is damaged, or there is no such folder
            of images.
    """
    from relata.images import folder_of
    from relata.view.load import load
    from relata.view.report import Gallery, gallery, report

    path, out = Path(path), Path(out)
    if limit < 1:
        raise RelataError(f"limit is {limit}; a page needs at least one record")
    found = load(path, None if images is None else folder_of(images, path), limit)
    if len(found) == 1 and isinstance(found[0], Gallery):
        return gallery(out, found[0])
    return report(out, found, title=path.name)


__all__ = ["view"]
