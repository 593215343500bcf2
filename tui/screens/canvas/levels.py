"""Window and level of grey DICOM images: which values become black to white. Arrows change it, letters pick presets.

It changes what is seen, never the file; nothing here is meant for diagnosis.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from storage.dicom import Levels, Window
from storage.images import is_dicom_path
from tui.desk import LabelingDesk
from tui.screens.canvas.snapping import SnappingScreen
from tui.text import clean
from tui.widgets.line import Line, Part

STEP, FAR = 0.04, 5
INVERT, RESET = "i", "r"
LETTERS = "abcdefghjklmnopqstuvxyz"


class LevelsScreen(SnappingScreen):
    """While the levels are shown, letters and arrows are theirs; Esc gives them back and keeps the window for this image."""

    def __init__(self, desk: LabelingDesk) -> None:
        super().__init__(desk)
        self._levels: Levels | None = None

    def _begin_image(self) -> None:
        super()._begin_image()
        self._end_levels()

    async def action_window(self) -> None:
        """Begin, or end, to choose the window."""
        item = self._item
        if self._levels is not None:
            self._end_levels()
            return
        if item is None or self._image is None:
            return
        if not is_dicom_path(item.path):
            self._tell("window and level are of DICOM files; < > ( ) change brightness and contrast")
            return
        asked = self._desk.desk.pictures.levels(self._desk.project.datastore, item, self._frame)
        levels = await self.ask(asked)
        if levels is None or item is not self._item:
            self._tell("this image has no window: it is in colour")
            return
        self._levels, self._window = levels, self._window or levels.window
        self._tell("arrows: level and width; Esc ends")
        self._show_labels()

    async def action_back(self) -> None:
        """Esc: the levels first."""
        if self._levels is None:
            await super().action_back()
        else:
            self._end_levels()

    def _end_levels(self) -> None:
        if self._levels is not None:
            self._levels = None
            self._tell("")
            self._show_labels()

    def _takes_letter(self, letter: str) -> bool:
        if self._levels is None:
            return super()._takes_letter(letter)
        if self._window is None or letter not in (*LETTERS, INVERT, RESET):
            return False
        presets = dict(zip(LETTERS, self._levels.presets, strict=False))
        if letter == INVERT:
            self._see_through(replace(self._window, inverted=not self._window.inverted))
        elif letter == RESET:
            self._see_through(self._levels.window)
        elif letter in presets:
            self._see_through(presets[letter].window)
        return True

    def _arrow(self, direction: tuple[int, int], *, far: bool) -> None:
        if self._levels is None or self._window is None:
            super()._arrow(direction, far=far)
            return
        step = max(1.0, self._window.width * STEP) * (FAR if far else 1)
        wider, higher = direction[0] * step, -direction[1] * step
        width = max(1.0, self._window.width + wider)
        self._see_through(replace(self._window, center=self._window.center + higher, width=width))

    def _see_through(self, window: Window) -> None:
        """Show the frame anew; what a later key asks for comes in its place."""
        item = self._item
        if item is None or window == self._window:
            return
        self._window = window
        self._show_labels()
        self.run_worker(partial(self._open, item), group="pictures", exclusive=True)  # type: ignore[arg-type]

    def _show_labels(self) -> None:
        if self._levels is None or self._window is None:
            super()._show_labels()
            return
        turned = " inverted" if self._window.inverted else ""
        parts: list[Part] = [
            (f" level {self._window.center:.0f} width {self._window.width:.0f}{turned} ", "bold success")
        ]
        named = [(letter, one.name) for letter, one in zip(LETTERS, self._levels.presets, strict=False)]
        for letter, name in (*named, (INVERT, "invert"), (RESET, "reset")):
            parts += [(f" {letter} ", "bold primary"), (clean(name), "foreground")]
        self.query_one("#labels", Line).show(parts)
