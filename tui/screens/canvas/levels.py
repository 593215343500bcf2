"""Window and level on the region screen, which looks at all keys itself, since letters point at places there too."""

from __future__ import annotations

from functools import partial

from storage.dicom import Window
from tui.screens.canvas.snapping import SnappingScreen
from tui.screens.leveled import Aim


class LevelsScreen(SnappingScreen):
    """The levels come before the tools: their letters, their arrows, their Esc."""

    def _begin_image(self) -> None:
        super()._begin_image()
        self._aim_at(self._item)

    def _leveled_image(self) -> Aim | None:
        item = self._item
        if item is None or self._image is None:
            return None
        return Aim(self._desk.project.datastore, item, self._frame, self._window)

    async def action_back(self) -> None:
        """Esc: the levels first."""
        if self._leveling is None:
            await super().action_back()
        else:
            self._end_levels()

    def _takes_letter(self, letter: str) -> bool:
        return self._types_level(letter) if self._leveling is not None else super()._takes_letter(letter)

    def _arrow(self, direction: tuple[int, int], *, far: bool) -> None:
        if not self._moves_level_by(direction, far=far):
            super()._arrow(direction, far=far)

    def _see_through(self, window: Window) -> None:
        item = self._item
        if item is not None:
            self._window = window
            self.run_worker(partial(self._open, item), group="pictures", exclusive=True)  # type: ignore[arg-type]
