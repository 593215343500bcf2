"""Pictures and an app for the tests of this folder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from textual.app import App, ComposeResult
from textual.containers import Grid
from textual.screen import ModalScreen
from textual.screen import Screen as TextualScreen
from textual.widgets import Static

from tui.picture.prepare import Prepared, prepare
from tui.picture.stage import Stage
from tui.picture.view import PictureView

BACKGROUND = (18, 18, 18)


def photo(seed: int, size_wh: tuple[int, int] = (320, 240)) -> NDArray[np.uint8]:
    """A colourful picture of which no two places look alike; uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 8, 3)).astype(np.float64)
    rows = np.linspace(0, 5, size_wh[1])[:, None]
    columns = np.linspace(0, 7, size_wh[0])[None, :]
    wave = np.cos(rows * 2 + columns * 3 + seed)[..., None] * 40
    base = small[rows.astype(int).clip(0, 5), columns.astype(int).clip(0, 7)]
    return (base * 0.7 + wave + 40).clip(0, 255).astype(np.uint8)


class Dialog(ModalScreen[None]):
    """A dialog over a translucent screen."""

    CSS = "Dialog { align: center middle; } Dialog Static { width: 24; height: 7; background: darkblue; }"

    def compose(self) -> ComposeResult:
        """A box with text."""
        yield Static("dialog over pictures", id="box")


class Wall(TextualScreen[None]):
    """A screen that hides everything."""

    def compose(self) -> ComposeResult:
        """Text."""
        yield Static("another screen")


class Gallery(App[None]):
    """A grid of pictures between a line above and two below."""

    CSS = """
    #above, #below { height: 1; } #last { height: 1; }
    Grid { grid-size: 3; height: 1fr; }
    PictureView { width: 1fr; height: 1fr; }
    """
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, stage: Stage, count: int = 1) -> None:
        super().__init__()
        self.stage = stage
        self.views = [PictureView(stage, id=f"view-{number}") for number in range(count)]

    def compose(self) -> ComposeResult:
        """The grid."""
        yield Static("above", id="above")
        grid = Grid(*self.views)
        grid.styles.grid_size_columns = {1: 1, 4: 2}.get(len(self.views), 3)
        yield grid
        yield Static("below", id="below")
        yield Static("last line", id="last")

    def ready(self, number: int, seed: int) -> Prepared:
        """A picture for one of the views at its present size."""
        view = self.views[number]
        return prepare(photo(seed), self.stage.terminal, (view.size.width, view.size.height), BACKGROUND)

    def show_all(self, first_seed: int = 1) -> list[Prepared]:
        """A picture in each view."""
        pictures = [self.ready(number, first_seed + number) for number in range(len(self.views))]
        for view, picture in zip(self.views, pictures, strict=True):
            view.show(picture)
        return pictures
