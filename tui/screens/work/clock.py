"""What happens while time passes and no key is pressed: a pause and its end, other labels, items that come back, a lease."""

from __future__ import annotations

import time

from core.edits import History
from core.errors import TaglineError
from core.ids import ProjectState
from tui.screens.work.saving import SavingScreen

POLL_S = 2.0
RENEW_S = 60.0


class ClockScreen(SavingScreen):
    """The project is looked at again and again, for as long as the screen is there."""

    def _start_clock(self) -> None:
        self.set_interval(POLL_S, self._poll)
        self.set_interval(RENEW_S, self._renew)

    async def _poll(self) -> None:
        """Notice other labels, a pause, its end, and items that came back while the queue was empty."""
        if self._left or self._busy or self._earlier_at is not None:
            return
        try:
            labels = self._desk.labels
            project = await self._desk.refreshed()
            if self._desk.labels != labels:
                self._show_other_labels()
            if project.state is not ProjectState.RUNNING:
                if self.page.items:
                    await self._pause()
                self._show_message(f"The project is {project.state}. Your work is kept; this page goes on by itself.\n")
            elif not self.page.items:
                await self._holding.fetch(self._page_size)
                if self._holding.waiting:
                    self._next_page()
                else:
                    await self._show_finished()
        except TaglineError as error:
            self._tell(str(error))

    def _show_other_labels(self) -> None:
        self._show_labels()
        if self.page.items:
            self._draw()
        self._tell("the labels of this project have changed")

    async def _pause(self) -> None:
        page = self.page
        await self._desk.save(page.drafts())
        self._holding.put_back(page)
        self._history = History()

    async def _renew(self) -> None:
        """Keep the page while its labeler is there; one who went away for a lease time loses it to the others."""
        idle_s = time.monotonic() - self._touched_at
        if self._left or not self.page.items or self._earlier_at is not None or idle_s > self._desk.project.lease_s:
            return
        try:
            lost = await self._holding.keep(self.page)
        except TaglineError:
            return
        if lost:
            self._lose(len(lost))
