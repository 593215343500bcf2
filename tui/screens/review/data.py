"""The data page: a grid of thumbnails over everything in a project, by filter, for verdicts on one or on many."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from core.annotation import Receipt
from core.browse import Browsed, Filter
from core.errors import TaglineError
from core.ids import ItemState
from core.projects import Project
from core.review import MOST as AT_ONCE
from storage.base import StorageError
from tui.keymap import Scope
from tui.reviewer import Reviewer, Walk, open_reviewer
from tui.screens.base import TaglineScreen
from tui.screens.review.asking import FilterSearch
from tui.screens.review.base import ReviewScreen
from tui.screens.review.conflict import open_conflicts
from tui.screens.review.item import ItemScreen
from tui.screens.review.words import STATE_WORDS, answer_tags, filter_chips
from tui.text import clean
from tui.thumbs import Rack, Thumbs, rack_for
from tui.widgets.line import Line, Part
from tui.widgets.shelf import Card, Shelf

REFRESH_S, REST = 3.0, 30
LEAST_COLUMNS = (20, 28, 40, 14)
STEPS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


class DataScreen(ReviewScreen):
    """Arrows walk through the grid and on to the next page; verdicts are for what is selected, or for the one in focus."""

    SCOPES = (Scope.EVERYWHERE, Scope.REVIEW, Scope.DATA)
    DEFAULT_CSS = """
    DataScreen { background: $background; }
    DataScreen #header, DataScreen #keys { background: $panel; }
    DataScreen #filter { background: $surface; }
    DataScreen #shelves { height: 1fr; background: $background; }
    DataScreen Shelf, DataScreen PictureView { background: $background; }
    DataScreen #message { height: 1fr; content-align: center middle; text-align: center; display: none; }
    """

    def __init__(self, reviewer: Reviewer, wanted: Filter | None = None) -> None:
        super().__init__(Walk(reviewer, wanted or Filter(), 1))
        self._density = 0
        self._rack = Rack(1, 1, (20, 8), 20)
        self._shown: tuple[Browsed, ...] = ()
        self._people = {account.id: account for account in reviewer.labelers}
        self._count = self._conflicts = ""
        self._rest_until = 0.0

    def compose(self) -> ComposeResult:
        """Header, filter, grid, keys."""
        yield Line(id="header")
        yield Line(id="filter")
        yield Vertical(id="shelves")
        yield Static(id="message", markup=False)
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Lay out, and go to the first page."""
        project = self.reviewer.project
        pictures, regions = self.desk.pictures, project.task_type.has_regions
        self._thumbs = Thumbs(pictures, project.datastore, self.reviewer.shown, regions=regions)
        self.show_footer(self.query_one("#keys", Line))
        await self._lay_out()
        await self.ask(self._walk.first())
        self._draw()
        self.set_interval(REFRESH_S, self._refresh)

    # The grid.

    async def _lay_out(self) -> None:
        room = (max(20, self.app.size.width), max(6, self.app.size.height - 3))
        rack = rack_for(room, LEAST_COLUMNS[self._density])
        if rack == self._rack:
            return
        self._rack, self._shown = rack, ()
        with self.app.batch_update():
            shelves = self.query_one("#shelves")
            await shelves.remove_children()
            await shelves.mount_all([Shelf(self.tagline.stage, rack.slot_cells) for _ in range(rack.rows)])
        self._walk.limit = rack.limit

    async def on_resize(self) -> None:
        """Another size: another grid, the same image in focus."""
        before = self._rack
        await self._lay_out()
        if self._rack != before and self._walk.page.items:
            await self.ask(self._walk.resize(self._rack.limit))
        self._shown = ()
        self.call_after_refresh(self._draw)

    async def action_layout(self) -> None:
        """Larger or smaller thumbnails."""
        self._density = (self._density + 1) % len(LEAST_COLUMNS)
        await self.on_resize()

    def _draw(self) -> None:
        items = self._walk.page.items
        self.query_one("#shelves").display = bool(items)
        message = self.query_one("#message", Static)
        message.display = not items
        message.update("No image is like that.\n\n/: another filter   Esc: back")
        columns = self._rack.columns
        for n, shelf in enumerate(self.query(Shelf)):
            here = items[n * columns : (n + 1) * columns]
            shelf.show([self._card(item, n * columns + m) for m, item in enumerate(here)])
        self._show_lines()
        if self._pictured(items) != self._pictured(self._shown):
            self._shown = items
            self.workers.cancel_group(self, "pictures")
            self.run_worker(partial(self._load, items), group="pictures")  # type: ignore[arg-type]

    @staticmethod
    def _pictured(items: Sequence[Browsed]) -> tuple[object, ...]:
        return tuple((item.item, item.etag, item.answer.regions) for item in items)

    def _card(self, item: Browsed, place: int) -> Card:
        word = STATE_WORDS[item.state]
        tags = answer_tags(item.answer, self.reviewer.shown) if item.state is ItemState.LABELED else ()
        marks = [] if item.score is None else [(f"{item.score:.2f}", "secondary")]
        marks += [("\u2605", "accent")] if item.is_gold else []
        marks += [("\u2713", "success")] if item.reviewed else []
        return Card(
            clean(item.path), tags, word, tuple(marks), clean(", ".join(item.labelers)),
            place == self._walk.at, item.item in self._walk.selected,
        )  # fmt: skip

    def _show_lines(self) -> None:
        walk, project = self._walk, self.reviewer.project
        where = f"page {walk.number:,}" if walk.number else ""
        left: list[Part] = [
            (f" {clean(project.name)} ", "bold primary"), (" Review ", "bold accent"), (f" {where} ", "foreground"),
        ]  # fmt: skip
        if walk.selected:
            left.append((f" {len(walk.selected):,} selected ", "bold success"))
        right = [
            (self._conflicts, "bold accent"),
            (f" {self._count}", "secondary"),
            (clean(self.desk.account.name), "secondary"),
        ]
        self.query_one("#header", Line).show(left, [*right, (" ", "")])
        chips = filter_chips(walk.wanted, self.reviewer.shown, self._people)
        parts: list[Part] = [(" / ", "bold primary"), ("  ".join(chips) or "everything", "foreground")]
        item = walk.item
        size = f"{item.size_wh[0]}\u00d7{item.size_wh[1]} " if item and item.size_wh[0] else ""
        reason = [(f"{clean(item.reason)} ", "warning"), (size, "secondary")] if item else []
        self.query_one("#filter", Line).show(parts, reason)

    async def _load(self, items: Sequence[Browsed]) -> None:
        """The page's rows from top to bottom, then those of the next page."""
        if not self.size.width:
            return
        for shelf, row in zip(self.query(Shelf), self._in_rows(items), strict=False):
            shelf.view.show(await self._row(row))
        for shelf in list(self.query(Shelf))[-(-len(items) // self._rack.columns) :]:
            shelf.view.show(None)
        await self._count_up()
        try:
            ahead = await self._walk.look_ahead()
            for row in self._in_rows(ahead.items):
                await self._row(row)
        except (TaglineError, StorageError):
            return  # said when that page is asked for

    def _in_rows(self, items: Sequence[Browsed]) -> list[Sequence[Browsed]]:
        columns = self._rack.columns
        return [items[start : start + columns] for start in range(0, len(items), columns)]

    async def _row(self, items: Sequence[Browsed]):  # type: ignore[no-untyped-def]
        color = self.app.theme_variables["background"]
        rgb = (int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16))
        return await self._thumbs.row(items, self._rack, self.terminal, rgb)

    async def _count_up(self) -> None:
        """How many there are, and how many need review."""
        found = await self.ask(self.reviewer.counts())
        if found is None:
            return
        self._count = f"{found.total:,} images, {found.labeled:,} labeled "
        self._conflicts = f" {found.needs_review:,} need review: n " if found.needs_review else ""
        self._show_lines()

    async def _refresh(self) -> None:
        """Look again now and then; after a look that took long, later."""
        began = time.monotonic()
        if not self.is_current or began < self._rest_until:
            return
        try:
            await self._walk.reload()
        except TaglineError:
            return  # the next look may succeed
        self._rest_until = time.monotonic() + REST * (time.monotonic() - began)
        self._draw()

    def action_reload(self) -> None:
        """Look again."""
        self.run_worker(self._look_again(), group="reload", exclusive=True)

    async def _look_again(self) -> None:
        await self.ask(self._walk.reload())
        self._draw()

    async def _changed(self, receipt: Receipt) -> None:
        await self._look_again()

    def on_screen_resume(self) -> None:
        """Back from one item: it is in focus, on its page."""
        if self._walk.page.items:
            self.action_reload()

    # Walking.

    async def action_move(self, name: str) -> None:
        """An arrow; over the edge lies the next page or the one before."""
        across, down = STEPS[name]
        to = self._walk.at + across + down * self._rack.columns
        if 0 <= to < len(self._walk.page.items):
            self._walk.at = to
        elif to > 0 and await self.ask(self._walk.forward()):
            self._walk.at = min((to % self._rack.columns) if down else 0, len(self._walk.page.items) - 1)
        elif to < 0:
            await self.ask(self._walk.back())
        else:
            self._walk.at = max(0, len(self._walk.page.items) - 1)
        self._draw()

    async def action_turn(self, name: str) -> None:
        """The next page, or the one before."""
        await self.ask(self._walk.forward() if name == "pagedown" else self._walk.back())
        self._draw()

    async def action_end(self, name: str) -> None:
        """The first page, or the last."""
        await self.ask(self._walk.first() if name == "home" else self._walk.last())
        self._draw()

    def action_toggle_selected(self) -> None:
        """Select the image in focus, or leave it."""
        if (item := self._walk.item) is not None:
            self._walk.select([item])
            self._draw()

    def action_all(self) -> None:
        """Select the whole page, or nothing of it."""
        self._walk.select(self._walk.page.items)
        self._draw()

    async def action_everything(self) -> None:
        """Select all that the filter finds, on every page."""
        if await self.ask(self._walk.select_all(AT_ONCE)) is False:
            self.say(f"The first {AT_ONCE:,} are selected; that many can be decided on at once.")
        self._draw()

    async def action_back(self) -> None:
        """From a selection to none, then to the screen before."""
        if self._walk.selected:
            self._walk.selected.clear()
            self._draw()
        else:
            self.app.pop_screen()

    # Filters.

    def action_filter(self) -> None:
        """Ask for other items."""
        now_ms = self.desk.now_ms()
        people, labels = self.reviewer.labelers, self.reviewer.shown
        self.app.push_screen(FilterSearch(self._walk.wanted, labels, people, now_ms), self._filtered)

    def _filtered(self, wanted: object) -> None:
        if isinstance(wanted, Filter):
            self.run_worker(self._look_for(wanted), group="filter", exclusive=True)

    async def _look_for(self, wanted: Filter) -> None:
        self._walk.wanted = wanted
        self._walk.selected.clear()
        self.query_one("#filter", Line).show([(" looking for it ...", "accent")])
        await self.ask(self._walk.first())
        self._draw()

    def action_open(self) -> None:
        """The image in focus, large; answers that differ side by side."""
        if self._walk.item is not None:
            self.app.push_screen(ItemScreen(self._walk))

    async def action_conflicts(self) -> None:
        """Everything that needs review, one after the other."""
        if (screen := await self.ask(open_conflicts(self.reviewer))) is not None:
            self.app.push_screen(screen)


async def open_data(screen: TaglineScreen, project: Project) -> None:
    """Over this screen, the data page of a project, for who may review it; others are told."""
    reviewer = await screen.ask(open_reviewer(screen.desk, project))
    if reviewer is not None:
        screen.app.push_screen(DataScreen(reviewer))
