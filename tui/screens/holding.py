"""What a labeler holds while labeling: the page, what comes next, and what is on its way in. No widget, no screen.

A submission leaves the page at once and is confirmed behind it. What cannot be confirmed is tried again; what is refused
is reported with the reason; what a pause stops comes back onto the page with its answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from core.annotation import Answer, Draft, HeldItem, SubmittedItem
from core.edits import PageDraft
from core.errors import DatabaseTrouble, ProjectPaused, TaglineError
from core.ids import ItemId
from tui.desk import LabelingDesk

RETRY_S = 1.0
MAX_ACTIVE_MS = 5 * 60_000


class Holding:
    """Items in hand beyond the page, and submissions on their way."""

    def __init__(self, desk: LabelingDesk, on_notice: Callable[[str], None]) -> None:
        self._desk = desk
        self._notice = on_notice
        self.waiting: list[HeldItem] = []
        self.saved = 0
        self.sending: set[asyncio.Task[None]] = set()
        self._claiming = asyncio.Lock()
        self.returned: list[HeldItem] = []

    async def begin(self, size: int) -> None:
        """Take up what is held already, and fill up to a page."""
        self.waiting = list(await self._desk.resume())
        if not self.waiting:
            await self.fetch(size)

    async def fetch(self, size: int) -> None:
        """Claim more until a page waits, or nothing is left."""
        async with self._claiming:
            while len(self.waiting) < size:
                claimed = await self._desk.claim(size - len(self.waiting))
                if not claimed:
                    return
                self.waiting += claimed

    def take(self, size: int) -> tuple[HeldItem, ...]:
        """The next page: the waiting items of one kind at the front, up to `size`."""
        page: list[HeldItem] = []
        while self.waiting and len(page) < size and (not page or self._alike(page[0], self.waiting[0])):
            page.append(self.waiting.pop(0))
        return tuple(page)

    @staticmethod
    def _alike(a: HeldItem, b: HeldItem) -> bool:
        return (a.kind, a.cluster) == (b.kind, b.cluster)

    def put_back(self, page: PageDraft) -> None:
        """Return a page to the front of what waits, work included."""
        self.waiting[:0] = [
            replace(item, draft=page.drafts()[item.item][1]) for item in page.items if not item.submitted
        ]

    def hand_in(self, page: PageDraft, active_ms: int) -> None:
        """Send a page's answers; returns at once."""
        each_ms = min(active_ms, MAX_ACTIVE_MS) // max(1, len(page.items))
        items = [
            SubmittedItem(item.item, item.token, answer, each_ms)
            for item, answer in zip(page.items, page.answers, strict=True)
        ]
        task = asyncio.get_running_loop().create_task(self._send(page.items, items))
        self.sending.add(task)
        task.add_done_callback(self.sending.discard)

    async def _send(self, held: Sequence[HeldItem], items: Sequence[SubmittedItem]) -> None:
        while True:
            try:
                receipt = await self._desk.submit(items)
            except ProjectPaused as error:
                self._come_back(held, items)
                self._notice(str(error))
                return
            except DatabaseTrouble as error:
                self._notice(f"{error} Your answers are kept here and sent again.")
                await asyncio.sleep(RETRY_S)
                continue
            except TaglineError as error:
                self._come_back(held, items)
                self._notice(str(error))
                return
            self.saved += len(receipt.accepted)
            names = {item.item: item.path for item in held}
            for item, reason in receipt.refused.items():
                self._notice(f"{names[item]} was not taken: {reason}.")
            return

    def _come_back(self, held: Sequence[HeldItem], items: Sequence[SubmittedItem]) -> None:
        answers: dict[ItemId, Answer] = {item.item: item.answer for item in items}
        self.returned += [replace(item, draft=Draft(answers[item.item])) for item in held]

    async def settle(self) -> None:
        """Wait until nothing is on its way."""
        while self.sending:
            await asyncio.wait(set(self.sending))

    async def keep(self, page: PageDraft) -> tuple[ItemId, ...]:
        """Renew the lease of everything in hand; returns what is lost, which no longer waits."""
        lost = set(await self._desk.renew([*page.items, *self.waiting]))
        self.waiting = [item for item in self.waiting if item.item not in lost]
        return tuple(lost)

    async def leave(self, page: PageDraft) -> None:
        """Save the page's work, give back what was not begun, and wait for what is on its way."""
        await self.settle()
        begun = replace_submitted(page)
        if begun.items:
            await self._desk.save(begun.drafts())
        if self.waiting:
            await self._desk.release([item for item in self.waiting if not is_begun(item)])


def is_begun(item: HeldItem) -> bool:
    """True when a labeler has put work into an item: more than what it came with."""
    return item.draft.answer not in (Answer(), item.suggestion)


def replace_submitted(page: PageDraft) -> PageDraft:
    """The page without items that were submitted before: those have no draft on the server."""
    if not any(item.submitted for item in page.items):
        return page
    return PageDraft()
