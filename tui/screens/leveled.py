"""`w` on every screen that shows a DICOM image: while its levels are shown, letters and arrows are theirs, and Esc gives them back."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events

from core.annotation import HeldItem
from core.ids import ItemId
from storage.dicom import Window
from storage.images import is_dicom_path
from tui.keymap import Key
from tui.levels import Leveling
from tui.screens.base import TaglineScreen
from tui.widgets.line import Line

ACTION = "window"
ARROWS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


@dataclass(frozen=True)
class Aim:
    """The image that the keys are about: one frame of it, through the window that was chosen, if one was."""

    datastore: str
    item: HeldItem
    frame: int
    window: Window | None


class LeveledScreen(TaglineScreen):
    """The window stays with the image until that leaves the screen; another image has its own."""

    def __init__(self) -> None:
        super().__init__()
        self._leveling: Leveling | None = None
        self._aimed_at: ItemId | None = None
        self._is_dicom = False

    # What a subclass with these keys does.

    def _leveled_image(self) -> Aim | None:
        """What the keys are about, None while nothing is shown."""
        raise NotImplementedError

    def _see_through(self, window: Window) -> None:
        """Show the image anew; what a later key asks for comes in its place."""
        raise NotImplementedError

    def _show_levels(self) -> None:
        """Bring the line with the levels up to date, or give it back to what is there otherwise."""
        raise NotImplementedError

    def _tell(self, text: str) -> None:
        """Say something short; nothing takes back what was said."""
        if text:
            self.say(f"{text[:1].upper()}{text[1:]}.")

    # Beginning and ending.

    def _aim_at(self, item: HeldItem | None) -> None:
        """Another image is looked at: its levels are not shown yet, and the footer says whether it has any."""
        now = None if item is None else item.item
        if now == self._aimed_at:
            return
        self._aimed_at, self._is_dicom = now, item is not None and is_dicom_path(item.path)
        self._end_levels()
        self.show_footer(self.query_one("#keys", Line))

    def footer_keys(self) -> list[Key]:
        """Those of every screen; `w` comes first over a DICOM image and is not there over others."""
        return [*self.window_keys(), *(key for key in super().footer_keys() if key.action != ACTION)]

    def window_keys(self) -> list[Key]:
        """`w`, over a DICOM image."""
        return [key for key in super().footer_keys() if key.action == ACTION and self._is_dicom]

    async def action_window(self) -> None:
        """Begin, or end, to choose the window."""
        if self._leveling is not None:
            self._end_levels()
            return
        aim = self._leveled_image()
        if aim is None:
            return
        if not is_dicom_path(aim.item.path):
            self._tell("no DICOM image: < > and ( ) change brightness and contrast")
            return
        await self.in_time(lambda: self.ask(self._begin_levels(aim)))

    async def _begin_levels(self, aim: Aim) -> None:
        """Show the levels of an image, unless another one is looked at by then. Raises UnreadableImage, StorageError."""
        levels = await self.desk.pictures.levels(aim.datastore, aim.item, aim.frame)
        if self._leveled_image() != aim:
            return
        if levels is None:
            self._tell("this image has no window: it is in colour")
            return
        self._leveling = Leveling(levels, aim.window or levels.window)
        self._tell("arrows: level and width; Esc ends")
        self._show_levels()

    def _end_levels(self) -> None:
        if self._leveling is not None:
            self._leveling = None
            self._tell("")
            self._show_levels()

    # Keys.

    async def on_key(self, event: events.Key) -> None:
        """Here and not by bindings, which would come after the letters that are typed behind `w`."""
        if self._leveling is None:
            binding = self._bindings.key_to_bindings.get(event.key, ())
            if not any(one.action == ACTION for one in binding):
                return
            await self.action_window()
        elif event.key == "escape":
            self._end_levels()
        elif not (self._types_level(event.character or "") or self._moves_level(event.key)):
            return
        event.stop()
        event.prevent_default()

    def _types_level(self, letter: str) -> bool:
        if self._leveling is None or not self._leveling.takes(letter):
            return False
        self._take_leveling(self._leveling.typed(letter))
        return True

    def _moves_level(self, key: str) -> bool:
        direction = ARROWS.get(key.removeprefix("shift+"))
        return direction is not None and self._moves_level_by(direction, far=key.startswith("shift+"))

    def _moves_level_by(self, direction: tuple[int, int], *, far: bool) -> bool:
        if self._leveling is None:
            return False
        self._take_leveling(self._leveling.moved(direction, far=far))
        return True

    def _take_leveling(self, leveling: Leveling) -> None:
        before, self._leveling = self._leveling, leveling
        if leveling != before:
            self._show_levels()
            self._see_through(leveling.window)
