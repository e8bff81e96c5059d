"""The pages: links lead somewhere, commands exist, and the README's tree names every folder of the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relata.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
VERBS = {command.name for command in app.registered_commands}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_commands(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http)([^)#]+\.\w+)", text):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
    for verb in re.findall(r"^    relata ([a-z][a-z-]*)|`relata ([a-z][a-z-]*)", text, re.MULTILINE):
        assert {*verb} & VERBS, f"{page.name} tells of relata {' '.join(verb)}"


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert [
        page.name for page in ROOT.glob("docs/*.md") if page.name != "index.md" and f"({page.name})" not in index
    ] == []


def test_the_tree_names_every_folder() -> None:
    tree = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = {path.parent.name for path in (ROOT / "src" / "relata").glob("*/[a-z]*.py")}
    assert {folder for folder in folders if f"{folder}/" not in tree} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_imports_in_examples(page: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in re.findall(r"^(?:from relata[\w.]* import [\w, ]+|import relata[\w.]*)$", block, re.MULTILINE):
            found: dict[str, object] = {}
            exec(line, found)
            told = line.partition(" import ")[2] or line.split()[1].partition(".")[0]
            assert {name.strip().split()[-1] for name in told.split(",")} <= found.keys(), line
