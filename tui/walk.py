"""A reviewer's way through the data: pages found by filter, one item in focus, a selection. Nothing here knows a widget."""

from __future__ import annotations

from collections.abc import Sequence

from core.annotation import Receipt
from core.ids import ItemId
from core.oversight.browse import MOST, Browsed, Filter, Page, Place
from tui.noticed import Noticed
from tui.reviewer import Reviewer


class Walk:
    """A reviewer's way through what a filter finds, a page at a time, with one item in focus.

    Items selected on one page stay selected on the next, as they were seen.
    """

    def __init__(self, reviewer: Reviewer, wanted: Filter, limit: int) -> None:
        self.reviewer, self.wanted, self.limit = reviewer, wanted, limit
        self.page = Page(())
        self.at = 0
        self.number: int | None = None
        self.selected: dict[ItemId, Browsed] = {}
        self.comments: list[str] = []
        self.noticed = Noticed(reviewer.desk.now_ms)

    @property
    def item(self) -> Browsed | None:
        """The one in focus."""
        return self.page.items[self.at] if self.at < len(self.page.items) else None

    @property
    def targets(self) -> tuple[Browsed, ...]:
        """What a verdict is about, as it was seen: all that is selected, else the one in focus."""
        return tuple(self.selected.values()) or (() if self.item is None else (self.noticed.as_seen(self.item),))

    async def first(self) -> None:
        """The first page."""
        self._take(await self.reviewer.page(self.wanted, self.limit), 0, 1)

    async def last(self) -> None:
        """The last page, its last item in focus."""
        page = await self.reviewer.page(self.wanted, self.limit, from_end=True)
        self._take(page, len(page.items) - 1, None)

    async def look_ahead(self) -> Page:
        """The page after this one, without going there."""
        if self.page.last is None:
            return Page(())
        return await self.reviewer.page(self.wanted, self.limit, after=self.page.last)

    async def forward(self) -> bool:
        """To the next page; False, staying, where there is none."""
        page = await self.look_ahead()
        if page.items:
            self._take(page, 0, None if self.number is None else self.number + 1)
        return bool(page.items)

    async def back(self) -> bool:
        """To the page before, its last item in focus; False, staying, where there is none."""
        if self.page.first is None:
            return False
        page = await self.reviewer.page(self.wanted, self.limit, before=self.page.first)
        if len(page.items) < self.limit:  # what was before is less than a page: begin at the beginning
            had = len(page.items)
            await self.first()
            self.at = max(0, had - 1)
            return bool(had)
        self._take(page, len(page.items) - 1, None if self.number is None else max(1, self.number - 1))
        return True

    async def step(self, by: int) -> bool:
        """To the next item or the one before, over the page's edge too; False where there is none."""
        if 0 <= self.at + by < len(self.page.items):
            self.at += by
            return True
        return await (self.forward() if by > 0 else self.back())

    async def reload(self) -> None:
        """The same page as it is now; the focus stays on its item where that is still there."""
        if self.page.first is None:
            await self.first()
            return
        before, (at_ms, item) = self.page, self.page.first
        place = Place(at_ms, ItemId(item + 1 if self.wanted.by_date else item - 1))
        page = await self.reviewer.page(self.wanted, self.limit, after=place)
        if self.page is not before:
            return  # turned over meanwhile
        if not page.items:
            await self.last()
            return
        focus = self.item
        at = next((n for n, new in enumerate(page.items) if focus and new.item == focus.item), self.at)
        self.noticed.refreshed(before.items, page.items)
        self._take(page, at, self.number)

    async def refresh(self) -> None:
        """Reload without a key of the reviewer's: what comes under the focus by that is not yet seen."""
        before = self.item
        await self.reload()
        if before is not None and self.item is not None and self.item.item != before.item:
            self.noticed.moved(self.item)

    async def resize(self, limit: int) -> None:
        """Another number of items a page; the one in focus stays on it."""
        self.limit = limit
        await self.reload()
        if self.number is not None and self.number > 1:
            self.number = None

    def _take(self, page: Page, at: int, number: int | None) -> None:
        self.page, self.number = page, number
        self.at = max(0, min(at, len(page.items) - 1))
        for new in page.items:
            if new.item in self.selected and new.stamp_ms == self.selected[new.item].stamp_ms:
                self.selected[new.item] = new

    def select(self, found: Sequence[Browsed]) -> None:
        """Select all of these, or, where all are already, none of them."""
        if all(item.item in self.selected for item in found):
            for item in found:
                del self.selected[item.item]
        else:
            self.selected |= {item.item: self.noticed.as_seen(item) for item in found}

    async def select_all(self, most: int) -> bool:
        """Select everything that the filter finds, up to so many; False where that is not all."""
        after, found = None, dict(self.selected)
        while len(found) < most:
            page = await self.reviewer.page(self.wanted, MOST, after=after)
            found |= {item.item: item for item in page.items[: most - len(found)]}
            if len(page.items) < MOST:
                break
            after = page.last
        self.selected = found
        return len(found) < most

    def settled(self, receipt: Receipt) -> None:
        """What was decided on, or refused, is selected no longer: who looks again selects what they see then."""
        self.noticed.settled(receipt)
        for item in (*receipt.accepted, *receipt.refused):
            self.selected.pop(item, None)
