"""The labeling page: a grid of pictures, number keys, submit. Keys act at once; the desk is asked behind them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial

from textual.app import ComposeResult
from textual.containers import Grid
from textual.widgets import Static
from textual.worker import Worker

from core.annotation import HeldItem, SubmittedItem
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
    page_of,
)
from core.errors import ProjectPaused, TaglineError
from core.ids import ItemKind, ProjectState, TaskType
from storage.base import StorageError, UnreadableImage
from tui.desk import LabelingDesk
from tui.keymap import Scope
from tui.screens.base import TaglineScreen
from tui.screens.dialogs import LabelSearch, SkipReason
from tui.screens.holding import Holding
from tui.screens.instructions import InstructionsScreen
from tui.text import clean
from tui.widgets.label_hints import label_hints
from tui.widgets.line import Line, Part
from tui.widgets.tile import Tile

SHAPES = {1: (1, 1), 4: (2, 2), 6: (3, 2), 9: (3, 3)}
NEXT_LAYOUT = {1: 4, 4: 6, 6: 9, 9: 1}
ARROWS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
SAVE_AFTER_S = 0.5
POLL_S = 2.0
RENEW_S = 60.0
EARLIER_PAGE = 50
KIND_WORDS = {ItemKind.MANUAL: "Manual", ItemKind.CLUSTERED: "Clustered", ItemKind.PRELABELED: "Prelabeled"}


class LabelingScreen(TaglineScreen):
    """One labeler in one classification project."""

    SCOPES = (Scope.EVERYWHERE, Scope.LABELING, Scope.PAGE)
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
        super().__init__()
        self._desk = desk
        self._holding = Holding(desk, self._notice)
        self._page_size = desk.member.page_size
        self._history = History()
        self._earlier: list[HeldItem] = []
        self._earlier_at: int | None = None
        self._resume_page: History | None = None
        self._fast = False
        self._shown_at = self._touched_at = time.monotonic()
        self._status = ""
        self._save_timer: asyncio.TimerHandle | None = None
        self._left = False
        self._busy = False

    def compose(self) -> ComposeResult:
        """Header, pictures, labels, keys."""
        yield Line(id="header")
        yield Grid(id="grid")
        yield Static(id="message", markup=False)
        yield Line(id="labels")
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Sit down: instructions at the first visit, then the page."""
        self.show_footer(self.query_one("#keys", Line))
        self._show_labels()
        await self._lay_out()
        if self._desk.member.instructions_seen_ms is None:
            self.action_instructions()
            await self.ask(self._desk.remember(instructions_seen=True))
        self.set_interval(POLL_S, self._poll)
        self.set_interval(RENEW_S, self._renew)
        await self._begin()

    async def _begin(self) -> None:
        try:
            await self._holding.begin(self._page_size)
        except ProjectPaused as error:
            self._show_message(str(error))
            return
        except TaglineError as error:
            self.say(str(error), severity="error")
        self._next_page()

    # The page.

    @property
    def page(self) -> PageDraft:
        """What is on the screen."""
        return self._history.now

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

    def _next_page(self) -> None:
        """Show what waits, or say that nothing does; a page that is still on the screen waits first."""
        self._holding.put_back(self.page)
        items = self._holding.take(self._page_size)
        self._history = History(page_of(items))
        self._shown_at = time.monotonic()
        self._draw()
        self._load_pictures()
        self.run_worker(self._fetch_ahead, group="fetch", exclusive=False)  # type: ignore[arg-type]

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
        await self._prepare_ahead()

    async def _prepare_ahead(self) -> None:
        sizes = [tile.view.size for tile in self.query(Tile)]
        for item, size in zip(self._holding.waiting, sizes, strict=False):
            if size.width and size.height:
                await asyncio.gather(self._picture(item, (size.width, size.height)), return_exceptions=True)

    async def _picture(self, item: HeldItem, size_cells: tuple[int, int]):  # type: ignore[no-untyped-def]
        background = self.app.theme_variables["background"]
        color = tuple(int(background[n : n + 2], 16) for n in (1, 3, 5))
        pictures = self._desk.desk.pictures
        return await pictures.get(self._desk.project.datastore, item, self.terminal, size_cells, color)  # type: ignore[arg-type]

    def _load_pictures(self) -> None:
        """Show each item's picture as soon as it is made."""
        # Workers that may be cancelled before they begin are given the function: a coroutine would never be awaited.
        self.workers.cancel_group(self, "pictures")
        for place, tile in enumerate(self.query(Tile)):
            if place < len(self.page.items):
                self.run_worker(partial(self._load_picture, tile, self.page.items[place]), group="pictures")  # type: ignore[arg-type]
            else:
                tile.view.show(None)

    async def _load_picture(self, tile: Tile, item: HeldItem) -> None:
        size = tile.view.size
        if not (size.width and size.height):
            return
        try:
            tile.view.show(await self._picture(item, (size.width, size.height)))
        except UnreadableImage as error:
            await self._drop_unreadable(item, str(error))
        except StorageError as error:
            tile.view.show(None)
            self.say(str(error), severity="error")

    async def _drop_unreadable(self, item: HeldItem, reason: str) -> None:
        """An item whose file cannot be shown leaves the page; the others stay as they are."""
        self.say(f"{clean(item.path)} cannot be shown: {reason}. It was set aside.", severity="warning")
        await self.ask(self._desk.mark_unreadable(item, reason))
        kept = [n for n, other in enumerate(self.page.items) if other.item != item.item]
        page = PageDraft(
            tuple(self.page.items[n] for n in kept), tuple(self.page.answers[n] for n in kept), frozenset(), 0
        )
        self._history = History(page)
        if page.items:
            self._draw()
            self._load_pictures()
        else:
            self._next_page()

    def on_resize(self) -> None:
        """Another size: other pictures, and room for other words."""
        self._show_labels()
        self.call_after_refresh(self._load_pictures)

    # Drawing.

    def _draw(self) -> None:
        page, labels = self.page, self._desk.labels
        self.query_one("#message", Static).display = False
        self.query_one(Grid).display = True
        for place, tile in enumerate(self.query(Tile)):
            if place >= len(page.items):
                tile.describe("", (), focused=False, selected=False)
                continue
            item = page.items[place]
            tags = tuple(
                (clean(labels.by_id(label).name), labels.by_id(label).color) for label in page.answers[place].labels
            )
            tile.describe(
                clean(item.path),
                tags,
                focused=place == page.focus,
                selected=place in page.selected,
                note=f"sent back: {clean(item.comment)}" if item.comment else "",
            )
        self._show_header()

    def _show_header(self) -> None:
        page = self.page
        kind = KIND_WORDS[page.items[0].kind] if page.items else ""
        if self._earlier_at is not None:
            kind = f"Earlier submission {self._earlier_at + 1}"
        left: list[Part] = [
            (f" {clean(self._desk.project.name)} ", "bold primary"),
            (f" {kind} ", "bold accent"),
            ("fast " if self._fast else "", "bold success"),
            (self._status, "foreground"),
        ]
        right = [
            (f"saved {self._holding.saved}", "success"),
            (f"  {clean(self._desk.desk.account.name)} ", "secondary"),
        ]
        self.query_one("#header", Line).show(left, right)

    def _show_labels(self) -> None:
        parts, more = label_hints(self._desk.labels, self.size.width or 80)
        right = [("/ ", "bold primary"), (f"{more} more ", "secondary")] if more else []
        self.query_one("#labels", Line).show(parts, right)

    def _show_message(self, text: str) -> None:
        """Words in place of the pictures."""
        self.query_one(Grid).display = False
        message = self.query_one("#message", Static)
        message.update(text)
        message.display = True
        self._show_header()

    async def _show_finished(self) -> None:
        progress = await self.ask(self._desk.progress())
        left = progress.todo if progress else 0
        text = "The queue is empty: nothing is left for you.\n"
        if left:
            text += f"{left:,} images are in other labelers' hands; what comes back appears here by itself.\n"
        self._show_message(text + "b: back to your submissions   Esc: projects")

    def _notice(self, text: str) -> None:
        if self.is_attached:
            self.say(clean(text), severity="warning")
            self._show_header()

    def _tell(self, text: str) -> None:
        self._status = text
        self._show_header()

    # Edits.

    def _edit(self, edit: Edit) -> None:
        self._touched_at = time.monotonic()
        before = self._history
        self._history = before.edited(edit, self._desk.project.task_type)
        if self._history is not before:
            self._status = ""
            self._draw()
            self._save_soon()

    def _save_soon(self) -> None:
        if self._earlier_at is None and self._save_timer is None:
            self._save_timer = asyncio.get_running_loop().call_later(SAVE_AFTER_S, self._save_now)

    def _save_now(self) -> None:
        self._save_timer = None
        if self.page.items and self._earlier_at is None and not self._left:
            self.run_worker(self._save(self.page), group="save")

    async def _save(self, page: PageDraft) -> None:
        try:
            lost = await self._desk.save(page.drafts())
        except TaglineError:
            return  # the work is still here; it is saved with the next key, and sent with Enter
        current = {item.item for item in self.page.items}
        if gone := [item for item in lost if item in current]:
            self._lose(len(gone))

    def _lose(self, count: int) -> None:
        """Items went to another session of this user, or back to the queue while they were away."""
        what = "This page is" if count == len(self.page.items) else f"{count} images of this page are"
        self.say(f"{what} open in another of your sessions, or went back to the queue.", severity="warning")
        self._history = History()
        self._holding.waiting.clear()
        self._show_message("Press Enter to fetch your page again.\n")

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

    def action_move(self, name: str) -> None:
        """An arrow."""
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

    def action_undo(self) -> None:
        """One edit back."""
        self._history = self._history.undone()
        self._draw()
        self._save_soon()

    def action_redo(self) -> None:
        """One edit forward."""
        self._history = self._history.redone()
        self._draw()
        self._save_soon()

    # Submitting and what surrounds it.

    def action_submit(self) -> None:
        """Hand the page in, if every image has a label."""
        self._touched_at = time.monotonic()
        page = self.page
        if not page.items:
            self.run_worker(self._begin, group="begin", exclusive=True)  # type: ignore[arg-type]
            return
        if page.missing:
            self._edit(MoveFocus(page.missing[0]))
            count = len(page.missing)
            self._tell(f"{count} image{'s' if count > 1 else ''} still without a label")
            return
        self._status = ""
        if self._earlier_at is not None:
            self.run_worker(self._correct(page), group="correct")
            return
        self._holding.hand_in(page, round((time.monotonic() - self._shown_at) * 1000))
        for task in self._holding.sending:
            task.add_done_callback(lambda _done: self._after_send())
        self._history = History()
        self._next_page()

    def _after_send(self) -> None:
        if not self.is_attached or self._left:
            return
        if self._holding.returned:
            self._holding.put_back(self.page)
            self._holding.waiting[:0], self._holding.returned = self._holding.returned, []
            self._history = History()
            self.run_worker(self._poll(), group="poll")
        self._show_header()

    def action_skip(self) -> None:
        """Set the focused image aside."""
        page = self.page
        if not page.items or self._earlier_at is not None:
            return
        item = page.items[page.focus]

        def answered(reason: str | None) -> None:
            if reason is not None:
                self.run_worker(self._skip(item, reason), group="skip")

        self.app.push_screen(SkipReason(clean(item.path)), answered)

    async def _skip(self, item: HeldItem, reason: str) -> None:
        try:
            await self._desk.skip(item, reason)
        except TaglineError as error:
            self.say(str(error), severity="error")
            return
        page = self.page
        kept = [n for n, other in enumerate(page.items) if other.item != item.item]
        focus = min(page.focus, max(0, len(kept) - 1))
        self._history = History(
            PageDraft(tuple(page.items[n] for n in kept), tuple(page.answers[n] for n in kept), frozenset(), focus)
        )
        self._tell(f"skipped {clean(item.path)}")
        if kept:
            self._draw()
            self._load_pictures()
        else:
            self._next_page()

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

    def action_instructions(self) -> None:
        """The instructions."""
        project = self._desk.project
        self.app.push_screen(InstructionsScreen(project.name, project.instructions))

    # Back through own submissions.

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
        if self.page.items:
            self._draw()
            self._load_pictures()
        else:
            self._next_page()

    # Time passes.

    async def _poll(self) -> None:
        """Notice a pause, its end, and items that came back while the queue was empty."""
        if self._left or self._busy or self._earlier_at is not None:
            return
        try:
            project = await self._desk.refreshed()
            if project.state is not ProjectState.RUNNING:
                if self.page.items:
                    await self._pause()
                self._show_message(f"The project is {project.state}. Your work is kept; this page goes on by itself.\n")
            elif not self.page.items:
                await self._holding.fetch(self._page_size)
                if self._holding.waiting:
                    self._next_page()
                else:
                    await self._show_finished()
        except TaglineError as error:
            self._tell(str(error))

    async def _pause(self) -> None:
        page = self.page
        await self._desk.save(page.drafts())
        self._holding.put_back(page)
        self._history = History()

    async def _renew(self) -> None:
        """Keep the page while its labeler is there; one who went away for a lease time loses it to the others."""
        idle_s = time.monotonic() - self._touched_at
        if self._left or not self.page.items or self._earlier_at is not None or idle_s > self._desk.project.lease_s:
            return
        try:
            lost = await self._holding.keep(self.page)
        except TaglineError:
            return
        if lost:
            self._lose(len(lost))

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
