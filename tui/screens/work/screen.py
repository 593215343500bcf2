"""The screen that labeling and the canvas build on: how a labeler sits down at it, and how it is left."""

from __future__ import annotations

from textual.worker import Worker

from tui.screens.instructions import InstructionsScreen
from tui.screens.work.submitting import SubmittingScreen
from tui.widgets.line import Line


class WorkScreen(SubmittingScreen):
    """One labeler in one project, whatever is labeled. A subclass shows the page and edits it."""

    # Sitting down.

    async def _sit_down(self) -> None:
        """Instructions, where there are some, at the first visit; then the page."""
        self.show_footer(self.query_one("#keys", Line))
        self._show_labels()
        if self._desk.project.instructions.strip() and self._desk.member.instructions_seen_ms is None:
            self.action_instructions()
            await self.ask(self._desk.remember(instructions_seen=True))
        self._start_clock()
        await self._begin()

    def action_instructions(self) -> None:
        """The instructions."""
        project = self._desk.project
        self.app.push_screen(InstructionsScreen(project.name, project.instructions))

    # Leaving.

    async def action_back(self) -> None:
        """From an earlier submission to the page, from the page to the projects."""
        if self._earlier_at is not None:
            self._return_to_page()
            return
        await self.save_work()
        self.app.pop_screen()

    async def save_work(self) -> None:
        """Save what is in progress; called once, however the screen is left."""
        if self._left:
            return
        self._left = True
        page = self._resume_page.now if self._resume_page is not None else self.page
        await self.ask(self._holding.leave(page))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Nothing: workers report by themselves."""
        event.stop()
