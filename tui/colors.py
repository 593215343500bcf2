"""Colours written as `#rrggbb`, as numbers and beside one another. Pure."""

from __future__ import annotations

Color = tuple[int, int, int]
"""Red, green, blue, each 0 to 255."""


def rgb_of(color: str) -> Color:
    """A colour such as `#56b4e9` as numbers."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def ink_on(color: str) -> str:
    """Black or white, whichever is easier to read on a colour."""
    red, green, blue = rgb_of(color)
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 110 else "#ffffff"
