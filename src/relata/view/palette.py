"""One colour per region, the same in pictures, graphs and pages.

The seven colours are those of Okabe and Ito (Color Universal Design, 2008), which readers with any common kind of
colour blindness can tell apart; black is left out because photos are full of it. After seven regions the colours come
round again with another dash, and the number that each box carries decides.
"""

from __future__ import annotations

COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
DASHES = ("", "9 4", "3 3")


def color(index: int) -> str:
    """The colour of the region at this place in its scene."""
    return COLORS[index % len(COLORS)]


def dash(index: int) -> str:
    """The SVG dash pattern that goes with `color(index)`; empty for a solid line."""
    return DASHES[index // len(COLORS) % len(DASHES)]


def ink(background: str) -> str:
    """Black or white, whichever reads better on a colour `#rrggbb` (relative luminance of WCAG 2)."""
    channels = (int(background[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "#ffffff"
