"""The grid of the data page: a page of a walk as shelves of thumbnails; pictures come by themselves, the next page's too."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.containers import Vertical

from core.errors import TaglineError
from core.ids import ItemState
from core.oversight.browse import Browsed
from tui.colors import rgb_of
from tui.reviewer import Reviewer
from tui.screens.review.words import STATE_WORDS, answer_tags
from tui.text import clean
from tui.thumbs import Rack, Thumbs, rack_for
from tui.walk import Walk
from tui.widgets.shelf import Card, Shelf

if TYPE_CHECKING:
    from tui.app import TaglineApp

ROOM_LEAST = (20, 6)


class ThumbGrid(Vertical):
    """As many thumbnails as fit."""

    DEFAULT_CSS = """
    ThumbGrid { height: 1fr; background: $background; }
    ThumbGrid Shelf, ThumbGrid PictureView { background: $background; }
    """

    def __init__(self, reviewer: Reviewer) -> None:
        super().__init__()
        project, pictures = reviewer.project, reviewer.desk.pictures
        self._labels = reviewer.shown
        self._thumbs = Thumbs(pictures, project.datastore, self._labels, regions=project.task_type.has_regions)
        self.rack = Rack(1, 1, (20, 8), 20)
        self._shown: tuple[Browsed, ...] = ()

    async def fit(self, size_cells: tuple[int, int], least_columns: int) -> bool:
        """Lay out for a room, slots at least so wide; False where all stays as it is."""
        wide, high = (max(least, size) for least, size in zip(ROOM_LEAST, size_cells, strict=True))
        rack, self._shown = rack_for((wide, high), least_columns), ()
        if rack == self.rack:
            return False
        self.rack = rack
        with self.app.batch_update():
            await self.remove_children()
            stage = cast("TaglineApp", self.app).stage
            await self.mount_all([Shelf(stage, rack.slot_cells) for _ in range(rack.rows)])
        return True

    def show(self, walk: Walk) -> None:
        """The walk's page: words at once, pictures as soon as they are made."""
        items, columns = walk.page.items, self.rack.columns
        for n, shelf in enumerate(self.query(Shelf)):
            here = range(n * columns, min(len(items), (n + 1) * columns))
            shelf.show([self._card(walk, place) for place in here])
        if _pictured(items) != _pictured(self._shown):
            self._shown = items
            self.workers.cancel_group(self, "pictures")
            self.run_worker(partial(self._load, walk), group="pictures")  # type: ignore[arg-type]

    def _card(self, walk: Walk, place: int) -> Card:
        item = walk.page.items[place]
        tags = answer_tags(item.answer, self._labels) if item.state is ItemState.LABELED else ()
        marks = [] if item.score is None else [(f"{item.score:.2f}", "secondary")]
        marks += [("\u2605", "accent")] if item.is_gold else []
        marks += [("\u2713", "success")] if item.reviewed else []
        return Card(
            clean(item.path), tags, STATE_WORDS[item.state], tuple(marks), clean(", ".join(item.labelers)),
            place == walk.at, item.item in walk.selected,
        )  # fmt: skip

    async def _load(self, walk: Walk) -> None:
        """The page's rows from top to bottom, then those of the next page."""
        if not self.size.width:
            return
        rows = self._in_rows(walk.page.items)
        shelves = list(self.query(Shelf))
        for shelf in shelves[len(rows) :]:
            shelf.view.show(None)
        for shelf, row in zip(shelves, rows, strict=False):
            shelf.view.show(await self._row(row))
        try:
            ahead = await walk.look_ahead()
        except TaglineError:
            return  # said when that page is asked for
        for row in self._in_rows(ahead.items):
            await self._row(row)

    def _in_rows(self, items: Sequence[Browsed]) -> list[Sequence[Browsed]]:
        columns = self.rack.columns
        return [items[start : start + columns] for start in range(0, len(items), columns)]

    async def _row(self, items: Sequence[Browsed]):  # type: ignore[no-untyped-def]
        color = rgb_of(self.app.theme_variables["background"])
        return await self._thumbs.row(items, self.rack, cast("TaglineApp", self.app).terminal, color)


def _pictured(items: Sequence[Browsed]) -> tuple[object, ...]:
    """What pictures depend on."""
    return tuple((item.item, item.etag, item.answer.regions) for item in items)
