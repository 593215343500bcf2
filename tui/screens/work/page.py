"""The page: what waits comes onto the screen, the next is fetched meanwhile, and what cannot be shown or done leaves it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from core.annotation import HeldItem
from core.edits import History, PageDraft, page_of
from core.errors import ProjectPaused, TaglineError
from storage.base import StorageError
from tui.desk import LabelingDesk
from tui.screens.coming import AWAY_NOTE, once_there
from tui.screens.work.words import WordsScreen
from tui.text import clean

T = TypeVar("T")

TELL_EVERY_S = 10.0
AWAY = "The datastore does not answer just now. The pictures come by themselves when it is back; your work is kept."


class PageScreen(WordsScreen):
    """A page that is never empty while something waits."""

    def __init__(self, desk: LabelingDesk, page_size: int) -> None:
        super().__init__(desk, page_size)
        self._told_away_at = -TELL_EVERY_S

    # From the queue to the screen.

    async def _begin(self) -> None:
        try:
            await self._holding.begin(self._page_size)
        except ProjectPaused as error:
            self._show_message(str(error))
            return
        except TaglineError as error:
            self.say(str(error), severity="error")
        self._next_page()

    def _next_page(self) -> None:
        """Show what waits, or say that nothing does; a page that is still on the screen waits first."""
        self._holding.put_back(self.page)
        items = self._holding.take(self._page_size)
        self._history = History(page_of(items))
        self._shown_at = time.monotonic()
        self._draw()
        self._load_pictures()
        self.call_after_refresh(self.run_worker, self._fetch_ahead, group="fetch", exclusive=False)

    async def _fetch_ahead(self) -> None:
        """Claim the next page and make its pictures while this one is labeled."""
        try:
            await self._holding.fetch(self._page_size)
        except (TaglineError, StorageError) as error:
            if not isinstance(error, ProjectPaused):
                self.say(str(error), severity="warning")
            return
        if not self.page.items and self._earlier_at is None:
            if self._holding.waiting:
                self._next_page()
            else:
                await self._show_finished()
            return
        self.run_worker(self._pictures_ahead, group="ahead", exclusive=True)  # type: ignore[arg-type]

    async def _pictures_ahead(self) -> None:
        """Make what waits; a page that did not wait for its pictures has others made instead."""
        with suppress(StorageError):  # it is said when that page is on the screen
            await self._prepare_ahead()

    # A datastore or a file that fails.

    async def _once_there(self, get: Callable[[], Awaitable[T]], meanwhile: Callable[[str], None]) -> T:
        """What the datastore gives; while it does not answer, the labeler is told, and it is asked again and again."""

        def tell(note: str) -> None:
            meanwhile(note)
            if note == AWAY_NOTE and time.monotonic() - self._told_away_at > TELL_EVERY_S:
                self._told_away_at = time.monotonic()
                self.say(AWAY, severity="warning")

        return await once_there(get, tell)

    async def _drop_unreadable(self, item: HeldItem, reason: str) -> None:
        """An item whose file cannot be shown leaves the page; the others stay as they are."""
        self.say(f"{clean(item.path)} cannot be shown: {reason}. It was set aside.", severity="warning")
        await self.ask(self._desk.mark_unreadable(item, reason))
        self._take_off(item, 0)

    def _take_off(self, item: HeldItem, focus: int) -> None:
        """One item leaves the page; the others stay as they are."""
        page = self.page
        kept = [n for n, other in enumerate(page.items) if other.item != item.item]
        items, answers = tuple(page.items[n] for n in kept), tuple(page.answers[n] for n in kept)
        self._history = History(PageDraft(items, answers, frozenset(), min(focus, max(0, len(kept) - 1))))
        self._show_page()

    def _show_page(self) -> None:
        """Show what is left of the page, or the next one."""
        if self.page.items:
            self._draw()
            self._load_pictures()
        else:
            self._next_page()
