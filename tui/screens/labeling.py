"""The labeling page: a grid of pictures, number keys, submit. Keys act at once; the desk is asked behind them."""

from __future__ import annotations

import time

from textual.app import ComposeResult
from textual.containers import Grid
from textual.widgets import Static

from core.edits import (
    ApplyLabel,
    ClearLabels,
    Edit,
    History,
    MoveFocus,
    PageDraft,
    ToggleAll,
    ToggleSelected,
    neighbour,
)
from core.ids import TaskType
from tui.desk import LabelingDesk
from tui.keymap import Scope
from tui.screens.dialogs import LabelSearch
from tui.screens.leveled import ARROWS
from tui.screens.tiles import TilesScreen
from tui.text import clean
from tui.widgets.line import Line, Part
from tui.widgets.tile import Tile

SHAPES = {1: (1, 1), 4: (2, 2), 6: (3, 2), 9: (3, 3)}
NEXT_LAYOUT = {1: 4, 4: 6, 6: 9, 9: 1}


class LabelingScreen(TilesScreen):
    """One labeler in one classification project."""

    SCOPES = (Scope.EVERYWHERE, Scope.LABELING, Scope.PAGE, Scope.PICTURE)
    DEFAULT_CSS = """
    LabelingScreen { background: $background; }
    LabelingScreen #header { background: $panel; }
    LabelingScreen Grid { height: 1fr; background: $background; }
    LabelingScreen Tile, LabelingScreen PictureView { background: $background; }
    LabelingScreen #message { height: 1fr; content-align: center middle; text-align: center; display: none; }
    LabelingScreen #labels { background: $surface; }
    LabelingScreen #status { background: $surface; }
    LabelingScreen #keys { background: $panel; }
    """

    def __init__(self, desk: LabelingDesk) -> None:
        super().__init__(desk, desk.member.page_size)
        self._fast = False

    def compose(self) -> ComposeResult:
        """Header, pictures, labels, keys."""
        yield Line(id="header")
        yield Static(id="sent-back", markup=False)
        yield Grid(id="grid")
        yield Static(id="message", markup=False)
        yield Line(id="labels")
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Lay out, then sit down."""
        await self._lay_out()
        await self._sit_down()

    # The page.

    @property
    def _columns(self) -> int:
        return SHAPES[self._page_size][0]

    async def _lay_out(self) -> None:
        """As many tiles as the layout has."""
        grid = self.query_one(Grid)
        columns, rows = SHAPES[self._page_size]
        grid.styles.grid_size_columns, grid.styles.grid_size_rows = columns, rows
        with self.app.batch_update():
            await grid.remove_children()
            await grid.mount_all([Tile(self.tagline.stage, place) for place in range(self._page_size)])

    def on_resize(self) -> None:
        """Another size: other pictures, and room for other words."""
        self._show_labels()
        self._refit()

    def _refit(self) -> None:
        self.call_after_refresh(self._load_pictures)

    # Drawing.

    def _draw(self) -> None:
        page, labels = self.page, self._desk.labels
        self._show_work()
        self.query_one(Grid).display = True
        self._aim_at(self._focused)
        for place, tile in enumerate(self.query(Tile)):
            if place >= len(page.items):
                tile.describe("", (), focused=False, selected=False)
                continue
            item = page.items[place]
            sure = (
                f" {min(99, int(100 * item.score))}%"
                if item.score is not None and page.answers[place] == item.suggestion
                else ""
            )
            tags = tuple(
                (clean(labels.by_id(label).name) + sure, labels.by_id(label).color)
                for label in page.answers[place].labels
            )
            tile.describe(
                f"\u21a9 {clean(item.path)}" if item.comment else clean(item.path),
                tags,
                focused=place == page.focus,
                selected=place in page.selected,
            )
        self._show_header()

    def _hide_work(self) -> None:
        self.query_one(Grid).display = False

    def _parts(self) -> list[Part]:
        viewport = self._viewing.viewport
        scale = "" if viewport is None or viewport.is_fitting else f"{viewport.scale:.0%} "
        return [("fast " if self._fast else "", "bold success"), (scale, "secondary")]

    def _refuses_submit(self, page: PageDraft) -> bool:
        if not page.missing:
            return False
        self._edit(MoveFocus(page.missing[0]))
        count = len(page.missing)
        self._tell(f"{count} image{'s' if count > 1 else ''} still without a label")
        return True

    # Edits.

    def _edit(self, edit: Edit) -> None:
        self._touched_at = time.monotonic()
        before = self._history
        self._history = before.edited(edit, self._desk.project.task_type)
        if self._history is not before:
            self._status = ""
            self._draw()
            self._save_soon()

    def action_digit(self, name: str) -> None:
        """A number key."""
        label = self._desk.labels.by_number(int(name))
        if label is None:
            self._tell(f"no label has the key {name}")
            return
        self._edit(ApplyLabel(label.id))
        if self._fast and self._page_size == 1 and self._desk.project.task_type is TaskType.MULTI_CLASS:
            self.action_submit()

    def action_search(self) -> None:
        """Label by name."""

        def chosen(label: object) -> None:
            if label is not None:
                self._edit(ApplyLabel(label))  # type: ignore[arg-type]

        self.app.push_screen(LabelSearch(self._desk.labels), chosen)

    def action_clear(self) -> None:
        """No labels on the targets."""
        self._edit(ClearLabels())

    async def action_move(self, name: str) -> None:
        """An arrow: over an enlarged picture, else to the next one."""
        if not await self._pan(name):
            self._edit(MoveFocus(self._neighbour(name)))

    def action_extend(self, name: str) -> None:
        """Shift and an arrow."""
        self._edit(MoveFocus(self._neighbour(name.removeprefix("shift+")), extend=True))

    def _neighbour(self, arrow: str) -> int:
        return neighbour(self.page.focus, len(self.page.items), self._columns, ARROWS[arrow])

    def action_next(self) -> None:
        """Next image."""
        self._edit(MoveFocus((self.page.focus + 1) % max(1, len(self.page.items))))

    def action_previous(self) -> None:
        """Previous image."""
        self._edit(MoveFocus((self.page.focus - 1) % max(1, len(self.page.items))))

    def action_toggle_selected(self) -> None:
        """Select or leave the focused image."""
        self._edit(ToggleSelected(self.page.focus))

    def action_all(self) -> None:
        """Select all or none."""
        self._edit(ToggleAll())

    # Layout.

    async def action_layout(self) -> None:
        """The next layout; the work in progress comes along."""
        if self._earlier_at is not None or self._busy:
            return
        self._busy = True
        self._page_size = NEXT_LAYOUT[self._page_size]
        self._holding.put_back(self.page)
        self._history = History()
        await self._lay_out()
        await self.ask(self._holding.fetch(self._page_size))
        self._busy = False
        self._next_page()
        self.call_after_refresh(self._load_pictures)
        await self.ask(self._desk.remember(page_size=self._page_size))

    async def action_fast(self) -> None:
        """Fast mode on or off."""
        if self._desk.project.task_type is not TaskType.MULTI_CLASS:
            self._tell("fast mode is for projects with one label an image")
            return
        self._fast = not self._fast
        while self._fast and self._page_size != 1:
            await self.action_layout()
        self._show_header()
