"""Text made fit to print."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relata import Box, Region
from relata.view.palette import COLORS, color, dash, ink
from relata.view.words import clean, line, name, width


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("a\x00b", "a\ufffdb"),
        ("bell\x07 and escape\x1b[31m", "bell\ufffd and escape\ufffd[31m"),
        ("two\r\nlines", "two lines"),
        ("  much \t space ", "much space"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("abc\u202egnp.exe", "abcgnp.exe"),  # a right-to-left override would show "exe.png"
    ],
)
def test_a_line_holds_nothing_that_a_terminal_obeys(given_text: str, shown: str) -> None:
    assert line(given_text) == shown


def test_paragraphs_survive_cleaning() -> None:
    assert clean("one\r\n\r\ntwo\tthree\x00") == "one\n\ntwo\tthree\ufffd"


@given(st.text(alphabet=st.characters(), max_size=60), st.integers(1, 20))
@settings(deadline=None)
def test_a_line_is_one_printable_line(text: str, most: int) -> None:
    found = line(text, most)
    assert len(found) <= most
    assert found.splitlines() == ([found] if found else [])
    found.encode()  # raises on a lone surrogate


def test_a_region_without_a_label_still_has_a_name() -> None:
    assert name(Region(3, "", Box(0, 0, 1, 1))) == "region [3]"


def test_full_width_letters_count_double() -> None:
    # 4 Latin letters at 0.56 each, 2 full-width ones at 1 each
    assert width("abcd") == pytest.approx(2.24)
    assert width("猫犬") == 2.0


def test_every_region_of_a_large_scene_is_told_apart_by_colour_and_dash() -> None:
    looks = {(color(i), dash(i)) for i in range(21)}
    assert len(looks) == 21
    assert color(0) == color(len(COLORS)) == color(2 * len(COLORS))


def test_labels_can_be_read_on_every_colour() -> None:
    def luminance(hexadecimal: str) -> float:
        parts = [int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for background in COLORS:
        bright, dark = sorted((luminance(background), luminance(ink(background))), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2, level AA
