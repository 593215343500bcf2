"""What one user's terminal can do. The SSH session fills it in by asking the terminal; screens and pictures read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Graphics(StrEnum):
    """Ways to put a picture on a terminal, best first."""

    KITTY = "kitty"
    ITERM2 = "iterm2"
    SIXEL = "sixel"
    CELLS = "cells"


@dataclass
class Terminal:
    """Capabilities of one terminal, as it answered.

    Attributes:
        size_cells: columns and rows.
        cell_wh_px: width and height of one cell in px.
        graphics: the way pictures are sent; a user may override it.
        sixel_max_wh_px: largest sixel picture that the terminal takes, or None when it did not say.
        is_dark: True for a dark background, None when the terminal did not say.
    """

    term: str = "xterm"
    name: str = ""
    size_cells: tuple[int, int] = (80, 24)
    cell_wh_px: tuple[int, int] = (10, 20)
    graphics: Graphics = Graphics.CELLS
    truecolor: bool = True
    sixel_colors: int = 256
    sixel_max_wh_px: tuple[int, int] | None = None
    sync_updates: bool = False
    kitty_keyboard: bool = False
    pixel_mouse: bool = False
    acks: bool = False
    is_dark: bool | None = None
    env: dict[str, str] = field(default_factory=dict)

    @property
    def is_xterm(self) -> bool:
        """True for xterm proper, which keeps only the last sixteen sixel pictures."""
        return self.name.lower().startswith("xterm(")
