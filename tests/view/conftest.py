"""Hand-made records and pictures for the views, and a browser where the machine has one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from relata import Example, Group, Message, Region, Relation, Scene
from relata.chat import ImageRef
from relata.grounded import ImageSlot, Mention, Predicate, Text
from relata.scene import Link

from .browser import Browser, program
from .samples import CIRCLE, SQUARE, picture_bytes


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with `a.png` (a red circle) and `b.png` (a blue one)."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture_bytes("red"))
    (folder / "b.png").write_bytes(picture_bytes("blue"))
    return folder


@pytest.fixture
def scene() -> Scene:
    regions = (Region(0, "red circle", CIRCLE), Region(1, "green square", SQUARE, attributes=("large",), score=0.9))
    relations = (Relation(0, "left of", 1, kind="spatial"), Relation(1, "right of", 0), Relation(0, "above", 1))
    return Scene("one", "a.png", 128, 96, regions, relations, captions=("A circle and a square.",))


@pytest.fixture
def group(scene: Scene) -> Group:
    after = Scene("two", "b.png", 128, 96, (Region(5, "square", SQUARE), Region(6, "blue circle", CIRCLE)))
    links = (Link((0, 0), (1, 6), "recoloured"), Link((0, 1), (1, 5)))
    return Group("pair", (scene, after), links)


@pytest.fixture
def example() -> Example:
    question = (ImageSlot(0), ImageSlot(1), Text("What changed about "), Mention("the circle", (CIRCLE,), 0), Text("?"))
    answer = (
        *(
            Mention("Both shapes", (CIRCLE, SQUARE), 0),
            Text(" stay: one is "),
            Predicate("left of", (CIRCLE,), (SQUARE,)),
        ),
        *(Text(" the other. In image 2 "), Mention("the circle", (CIRCLE,), 1), Text(" is blue.")),
    )
    images = (ImageRef("a.png", 128, 96), ImageRef("b.png", 128, 96))
    return Example("e1", images, (Message("user", question), Message("assistant", answer)), recipe="cadvi/summary")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium; tests that need it skip without one."""
    if program() is None:
        pytest.skip("needs Chromium on the PATH (Debian: apt-get install chromium)")
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()
