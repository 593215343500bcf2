"""What ends the work on an image: the page is handed in, or one image is skipped with a reason."""

from __future__ import annotations

import time

from core.annotation import HeldItem
from core.edits import History
from core.errors import TaglineError
from tui.screens.dialogs import SkipReason
from tui.screens.work.earlier import EarlierScreen
from tui.text import clean


class SubmittingScreen(EarlierScreen):
    """A page leaves at once and is confirmed behind the next one; what a pause stops comes back with its answers."""

    def action_submit(self) -> None:
        """Hand the page in, if every image has a label."""
        self._touched_at = time.monotonic()
        page = self.page
        if not page.items:
            self.run_worker(self._begin, group="begin", exclusive=True)  # type: ignore[arg-type]
            return
        if self._refuses_submit(page):
            return
        self._status = ""
        if self._earlier_at is not None:
            self.run_worker(self._correct(page), group="correct")
            return
        self._holding.hand_in(page, round((time.monotonic() - self._shown_at) * 1000))
        for task in self._holding.sending:
            task.add_done_callback(lambda _done: self._after_send())
        self._history = History()
        self._next_page()

    def _after_send(self) -> None:
        if not self.is_attached or self._left:
            return
        if self._holding.returned:
            self._holding.put_back(self.page)
            self._holding.waiting[:0], self._holding.returned = self._holding.returned, []
            self._history = History()
            self.run_worker(self._poll(), group="poll")
        self._show_header()

    def action_skip(self) -> None:
        """Set the focused image aside."""
        page = self.page
        if not page.items or self._earlier_at is not None:
            return
        item = page.items[page.focus]

        def answered(reason: str | None) -> None:
            if reason is not None:
                self.run_worker(self._skip(item, reason), group="skip")

        self.app.push_screen(SkipReason(clean(item.path)), answered)

    async def _skip(self, item: HeldItem, reason: str) -> None:
        try:
            await self._desk.skip(item, reason)
        except TaglineError as error:
            self.say(str(error), severity="error")
            return
        self._status = f"skipped {clean(item.path)}"
        self._take_off(item, self.page.focus)
