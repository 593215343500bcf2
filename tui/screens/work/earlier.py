"""Back through one's own submissions: one is shown, corrected, and the page that was left comes back."""

from __future__ import annotations

from dataclasses import replace

from core.annotation import HeldItem, SubmittedItem
from core.edits import History, PageDraft, page_of
from core.errors import TaglineError
from tui.desk import LabelingDesk
from tui.screens.work.clock import ClockScreen
from tui.text import clean

EARLIER_PAGE = 50


class EarlierScreen(ClockScreen):
    """While an earlier submission is shown, the page waits as it was, with its undo."""

    def __init__(self, desk: LabelingDesk, page_size: int) -> None:
        super().__init__(desk, page_size)
        self._earlier: list[HeldItem] = []
        self._resume_page: History | None = None

    async def action_earlier(self) -> None:
        """One submission further back."""
        await self._holding.settle()
        if self._earlier_at is None:
            self._earlier = list(await self.ask(self._desk.earlier(2**62, EARLIER_PAGE)) or ())
            self._resume_page = self._history
        at = 0 if self._earlier_at is None else self._earlier_at + 1
        if at >= len(self._earlier):
            self._tell("there is no earlier submission of yours")
            return
        self._earlier_at = at
        self._history = History(page_of([self._earlier[at]]))
        self._draw()
        self._load_pictures()

    async def _correct(self, page: PageDraft) -> None:
        item = page.items[0]
        answer = page.answers[0]
        if answer != item.draft.answer:
            try:
                token = await self._desk.correct(SubmittedItem(item.item, item.token, answer))
            except TaglineError as error:
                self.say(str(error), severity="error")
                return
            assert self._earlier_at is not None
            self._earlier[self._earlier_at] = replace(item, token=token, draft=replace(item.draft, answer=answer))
            self._status = f"corrected {clean(item.path)}"
        self._return_to_page()

    def _return_to_page(self) -> None:
        self._earlier_at = None
        self._history, self._resume_page = self._resume_page or History(), None
        self._show_page()
