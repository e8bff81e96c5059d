"""Boxes and labels on a picture."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from relata import Box, Region, Scene
from relata.view.draw import draw
from relata.view.palette import color

from .samples import picture_bytes


def rgb(hexadecimal: str) -> tuple[int, int, int]:
    return tuple(int(hexadecimal[i : i + 2], 16) for i in (1, 3, 5))  # type: ignore[return-value]


def test_small_pictures_are_enlarged_by_a_whole_factor(scene: Scene) -> None:
    image = Image.open(BytesIO(picture_bytes()))
    drawn = draw(image, scene)
    assert drawn.size == (512, 384)  # 128 x 96, four times: the first factor that reaches 480
    assert drawn.getpixel((2, 382)) == image.getpixel((0, 95))  # no smoothing in the untouched corner


def test_large_pictures_keep_their_size_and_the_original_is_untouched() -> None:
    image = Image.new("RGB", (800, 600), "white")
    scene = Scene("s", "s.png", 800, 600, (Region(0, "thing", Box(200, 200, 400, 400)),))
    drawn = draw(image, scene)
    assert drawn.size == (800, 600)
    assert image.getcolors() == [(800 * 600, (255, 255, 255))]


def test_each_box_has_the_colour_of_its_place() -> None:
    image = Image.new("RGB", (800, 600), "white")
    boxes = [Box(100 * i + 20, 300, 100 * i + 80, 500) for i in range(7)]
    scene = Scene("s", "s.png", 800, 600, tuple(Region(i + 10, "thing", box) for i, box in enumerate(boxes)))
    drawn = draw(image, scene)
    for i, box in enumerate(boxes):
        assert drawn.getpixel((int(box.x1), 400)) == rgb(color(i))  # the middle of its left side


def test_boxes_follow_the_picture_when_it_is_not_of_the_scene_s_size() -> None:
    scene = Scene("s", "s.png", 100, 100, (Region(0, "", Box(50, 50, 90, 90)),))
    drawn = draw(Image.new("RGB", (600, 600), "white"), scene)
    assert drawn.getpixel((300, 420)) == rgb(color(0))


@pytest.mark.parametrize("mode", ["RGBA", "L", "P", "1", "I;16", "CMYK"])
def test_every_kind_of_picture_can_be_drawn_on(mode: str, scene: Scene) -> None:
    assert draw(Image.new(mode, (128, 96)), scene).mode == "RGB"


def test_a_crowd_of_boxes_smaller_than_a_pixel_is_drawn() -> None:
    regions = tuple(Region(i, "ant\n" * 30, Box(5, 5, 5.01, 5.01)) for i in range(60))
    assert draw(Image.new("RGB", (40, 2000)), Scene("s", "s.png", 40, 2000, regions)).size == (40, 2000)
