"""The data page: everything in a project by filter, for verdicts on one image or on many."""

from __future__ import annotations

import time

from textual import work
from textual.app import ComposeResult
from textual.widgets import Static

from core.annotation import Receipt
from core.errors import TaglineError
from core.oversight.browse import Filter
from core.oversight.review import MOST as AT_ONCE
from core.project.projects import Project
from tui.keymap import Scope
from tui.reviewer import Reviewer, open_reviewer
from tui.screens.base import TaglineScreen
from tui.screens.review.asking import FilterSearch
from tui.screens.review.base import ReviewScreen
from tui.screens.review.conflict import open_conflicts
from tui.screens.review.giving import ask_to_whom
from tui.screens.review.grid import ThumbGrid
from tui.screens.review.item import ItemScreen
from tui.screens.review.words import filter_chips
from tui.text import clean
from tui.walk import Walk
from tui.widgets.line import Line, Part

REFRESH_S, REST = 3.0, 30
LEAST_COLUMNS = (20, 28, 40, 14)
LINES = 3
STEPS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


class DataScreen(ReviewScreen):
    """Arrows walk through the grid and on to the next page; verdicts are for what is selected, or for the one in focus."""

    SCOPES = (Scope.EVERYWHERE, Scope.REVIEW, Scope.DATA)
    DEFAULT_CSS = """
    DataScreen { background: $background; }
    DataScreen #header, DataScreen #keys { background: $panel; }
    DataScreen #filter { background: $surface; }
    DataScreen #message { height: 1fr; content-align: center middle; text-align: center; display: none; }
    """

    def __init__(self, reviewer: Reviewer, wanted: Filter | None = None) -> None:
        super().__init__(Walk(reviewer, wanted or Filter(), 1))
        self._density = 0
        self._people = {account.id: account for account in reviewer.labelers}
        self._count = self._conflicts = ""
        self._rest_until = 0.0

    def compose(self) -> ComposeResult:
        """Header, filter, grid, keys."""
        yield Line(id="header")
        yield Line(id="filter")
        yield ThumbGrid(self.reviewer)
        yield Static("No image is like that.\n\n/: another filter   Esc: back", id="message", markup=False)
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Lay out, and go to the first page."""
        self.show_footer(self.query_one("#keys", Line))
        await self._fit()
        await self.ask(self._walk.first())
        self._draw()
        await self._count_up()
        self.set_interval(REFRESH_S, self._refresh)

    @property
    def grid(self) -> ThumbGrid:
        """The thumbnails."""
        return self.query_one(ThumbGrid)

    # The page.

    async def _fit(self) -> bool:
        size = self.app.size
        changed = await self.grid.fit((size.width, size.height - LINES), LEAST_COLUMNS[self._density])
        self._walk.limit = self.grid.rack.limit
        return changed

    async def on_resize(self) -> None:
        """Another size: another grid, the same image in focus."""
        if await self._fit() and self._walk.page.items:
            await self.ask(self._walk.resize(self.grid.rack.limit))
        self.call_after_refresh(self._draw)

    async def action_layout(self) -> None:
        """Larger or smaller thumbnails."""
        self._density = (self._density + 1) % len(LEAST_COLUMNS)
        await self.on_resize()

    def _draw(self) -> None:
        is_any = bool(self._walk.page.items)
        self.grid.display, self.query_one("#message").display = is_any, not is_any
        self.grid.show(self._walk)
        self._show_header()
        self._show_filter()

    def _show_header(self) -> None:
        walk = self._walk
        left: list[Part] = [(f" {clean(self.reviewer.project.name)} ", "bold primary"), (" Review ", "bold accent")]
        left.append((f" page {walk.number:,} " if walk.number else "", "foreground"))
        left.append((f" {len(walk.selected):,} selected " if walk.selected else "", "bold success"))
        name = f" {clean(self.desk.account.name)} "
        right = [(self._conflicts, "bold accent"), (f"{self._count} ", "secondary"), (name, "secondary")]
        self.query_one("#header", Line).show(left, right)

    def _show_filter(self) -> None:
        chips = filter_chips(self._walk.wanted, self.reviewer.shown, self._people)
        item = self._walk.item
        size = f"{item.size_wh[0]}\u00d7{item.size_wh[1]} " if item and item.size_wh[0] else ""
        right = [(f"{clean(item.reason)} ", "warning"), (size, "secondary")] if item else []
        left = [(" / ", "bold primary"), ("  ".join(chips) or "everything", "foreground")]
        self.query_one("#filter", Line).show(left, right)

    async def _count_up(self) -> None:
        """How many there are, and how many need review."""
        found = await self.ask(self.reviewer.counts())
        if found is not None:
            self._count = f" {found.total:,} images, {found.labeled:,} labeled"
            self._conflicts = (
                f" {found.needs_review:,} need{'s' if found.needs_review == 1 else ''} review: n "
                if found.needs_review
                else ""
            )
            self._show_header()

    async def _refresh(self) -> None:
        """Look again now and then; after a look that took long, later."""
        began = time.monotonic()
        if not self.is_current or began < self._rest_until:
            return
        try:
            await self._walk.refresh()
        except TaglineError:
            return  # the next look may succeed
        self._rest_until = time.monotonic() + REST * (time.monotonic() - began)
        self._draw()
        await self._count_up()

    def action_reload(self) -> None:
        """Look again."""
        self.run_worker(self._look_again(), group="reload", exclusive=True)

    async def _look_again(self) -> None:
        await self.ask(self._walk.reload())
        self._draw()
        await self._count_up()

    async def _changed(self, receipt: Receipt) -> None:
        await self._look_again()

    def on_screen_resume(self) -> None:
        """Back from one item: it is in focus, on its page."""
        if self._walk.page.items:
            self.action_reload()

    # Walking.

    async def action_move(self, name: str) -> None:
        """An arrow; over the edge lies the next page or the one before."""
        walk, columns = self._walk, self.grid.rack.columns
        across, down = STEPS[name]
        to = walk.at + across + down * columns
        if 0 <= to < len(walk.page.items):
            walk.at = to
        elif to < 0:
            await self.ask(walk.back())
        elif await self.ask(walk.forward()):
            walk.at = min(to % columns if down else 0, len(walk.page.items) - 1)
        else:
            walk.at = max(0, len(walk.page.items) - 1)
        self._draw()

    async def action_turn(self, name: str) -> None:
        """The next page, or the one before."""
        await self.ask(self._walk.forward() if name == "pagedown" else self._walk.back())
        self._draw()

    async def action_end(self, name: str) -> None:
        """The first page, or the last."""
        await self.ask(self._walk.first() if name == "home" else self._walk.last())
        self._draw()

    # Selecting.

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

    # Elsewhere.

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

    @work(exclusive=True, group="give")
    async def action_give(self) -> None:
        """Give what is selected to labelers."""
        if targets := self._some_targets():
            await ask_to_whom(self, self.reviewer.project, targets)

    async def action_conflicts(self) -> None:
        """Everything that needs review, one after the other."""
        if (screen := await self.ask(open_conflicts(self.reviewer))) is not None:
            self.app.push_screen(screen)


async def open_data(screen: TaglineScreen, project: Project) -> None:
    """Over this screen, the data page of a project, for who may review it; others are told."""
    reviewer = await screen.ask(open_reviewer(screen.desk, project))
    if reviewer is not None:
        screen.app.push_screen(DataScreen(reviewer))
