"""Work in progress: saved behind the keys, undone and redone, and what happens when another session took it."""

from __future__ import annotations

import asyncio

from core.edits import History, PageDraft
from core.errors import TaglineError
from tui.desk import LabelingDesk
from tui.screens.work.page import PageScreen

SAVE_AFTER_S = 0.5


class SavingScreen(PageScreen):
    """Drafts reach the database half a second after a key, and never hold a key up."""

    def __init__(self, desk: LabelingDesk, page_size: int) -> None:
        super().__init__(desk, page_size)
        self._save_timer: asyncio.TimerHandle | None = None

    def _save_soon(self) -> None:
        if self._earlier_at is None and self._save_timer is None:
            self._save_timer = asyncio.get_running_loop().call_later(SAVE_AFTER_S, self._save_now)

    def _save_now(self) -> None:
        self._save_timer = None
        if self.page.items and self._earlier_at is None and not self._left:
            self.run_worker(self._save(self.page), group="save")

    async def _save(self, page: PageDraft) -> None:
        try:
            lost = await self._desk.save(page.drafts())
        except TaglineError:
            return  # the work is still here; it is saved with the next key, and sent with Enter
        current = {item.item for item in self.page.items}
        if gone := [item for item in lost if item in current]:
            self._lose(len(gone))

    def _lose(self, count: int) -> None:
        """Items went to another session of this user, or back to the queue while they were away."""
        what = "This page is" if count == len(self.page.items) else f"{count} images of this page are"
        self.say(f"{what} open in another of your sessions, or went back to the queue.", severity="warning")
        self._history = History()
        self._holding.waiting.clear()
        self._show_message("Press Enter to fetch your page again.\n")

    def action_undo(self) -> None:
        """One edit back."""
        self._history = self._history.undone()
        self._draw()
        self._save_soon()

    def action_redo(self) -> None:
        """One edit forward."""
        self._history = self._history.redone()
        self._draw()
        self._save_soon()
