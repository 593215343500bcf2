"""What a reviewer can have seen. A screen that refreshes itself may change what is in focus just before a key is pressed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from core.annotation import Receipt
from core.ids import ItemId
from core.oversight.browse import Browsed

MOMENT_MS = 1500


class Noticed:
    """Remembers what refreshes changed under a reviewer's eyes.

    An answer that a refresh put there counts as seen once it has stood there for a moment; before that, a verdict names the
    answer from before, so that core refuses it.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._before: dict[ItemId, tuple[Browsed, int]] = {}
        self._arrived: tuple[ItemId, int] | None = None
        self._told: set[ItemId] = set()

    def refreshed(self, old: Iterable[Browsed], new: Iterable[Browsed]) -> None:
        """These were shown, and those took their place without a key of the reviewer's."""
        shown, now_ms = {item.item: item for item in old}, self._now_ms()
        for item in new:
            was = shown.get(item.item)
            if was is not None and was.stamp_ms != item.stamp_ms and item.item not in self._told:
                self._before[item.item] = self.as_seen(was), now_ms
        self._told.clear()

    def moved(self, item: Browsed) -> None:
        """Another item came under the focus by itself."""
        self._arrived = item.item, self._now_ms()

    def as_seen(self, item: Browsed) -> Browsed:
        """The item with the answer that the reviewer has seen."""
        before = self._before.get(item.item)
        if before is not None and self._now_ms() - before[1] < MOMENT_MS:
            return before[0]
        self._before.pop(item.item, None)
        return item

    def is_unseen(self, items: Sequence[Browsed]) -> bool:
        """True where what is in focus has only just come there."""
        if self._arrived is None or self._now_ms() - self._arrived[1] >= MOMENT_MS:
            return False
        return [item.item for item in items] == [self._arrived[0]]

    def settled(self, receipt: Receipt) -> None:
        """What a reviewer changed themselves, they know; what was refused by name, they look at again."""
        self._told = {*receipt.accepted, *receipt.refused}
        for item in self._told:
            self._before.pop(item, None)
