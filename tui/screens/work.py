"""What every labeling screen does alike, whatever is labeled: hold items, submit, go back, notice a pause, keep work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from textual.widgets import Static
from textual.worker import Worker

from core.annotation import HeldItem, SubmittedItem
from core.edits import History, PageDraft, page_of
from core.errors import ProjectPaused, TaglineError
from core.ids import ItemKind, ProjectState
from storage.base import StorageError, Unreachable
from tui.desk import LabelingDesk
from tui.screens.base import TaglineScreen
from tui.screens.dialogs import SkipReason
from tui.screens.holding import Holding
from tui.screens.instructions import InstructionsScreen
from tui.text import clean
from tui.widgets.label_hints import label_hints
from tui.widgets.line import Line, Part

T = TypeVar("T")

SAVE_AFTER_S = 0.5
POLL_S = 2.0
RENEW_S = 60.0
EARLIER_PAGE = 50
HEADER_CELLS = 32
ASK_AGAIN_S, TELL_EVERY_S = 2.0, 10.0
AWAY = "The datastore does not answer just now. The pictures come by themselves when it is back; your work is kept."
KIND_WORDS = {ItemKind.MANUAL: "Manual", ItemKind.CLUSTERED: "Clustered", ItemKind.PRELABELED: "Prelabeled"}


class WorkScreen(TaglineScreen):
    """One labeler in one project. A subclass shows the page, edits it, and has widgets named header, message, labels, keys."""

    DEFAULT_CSS = """
    WorkScreen #sent-back {
        height: auto; max-height: 3; padding: 0 1; background: $warning; color: $background; display: none;
    }
    """

    def __init__(self, desk: LabelingDesk, page_size: int) -> None:
        super().__init__()
        self._desk = desk
        self._holding = Holding(desk, self._notice)
        self._page_size = page_size
        self._history = History()
        self._earlier: list[HeldItem] = []
        self._earlier_at: int | None = None
        self._resume_page: History | None = None
        self._shown_at = self._touched_at = time.monotonic()
        self._status = ""
        self._save_timer: asyncio.TimerHandle | None = None
        self._left = False
        self._busy = False
        self._told_away_at = -TELL_EVERY_S

    # What a subclass does.

    def _draw(self) -> None:
        """Bring the screen up to date with the page."""
        raise NotImplementedError

    def _load_pictures(self) -> None:
        """Show the page's pictures as soon as they are made."""
        raise NotImplementedError

    async def _prepare_ahead(self) -> None:
        """Make the next page's pictures."""
        raise NotImplementedError

    def _hide_work(self) -> None:
        """Make room for words in place of the pictures."""
        raise NotImplementedError

    def _parts(self) -> list[Part]:
        """What the header says beside the project's name and the kind of the page."""
        return []

    def _refit(self) -> None:
        """Bring the pictures up to another size of their room, once that is known."""
        raise NotImplementedError

    def _refuses_submit(self, page: PageDraft) -> bool:
        """True when the page cannot be handed in yet; the labeler has been told why."""
        raise NotImplementedError

    # Sitting down.

    async def _sit_down(self) -> None:
        """Instructions at the first visit, then the page."""
        self.show_footer(self.query_one("#keys", Line))
        self._show_labels()
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
        with suppress(StorageError):  # it is said when that page is on the screen
            await self._prepare_ahead()

    async def _once_there(self, get: Callable[[], Awaitable[T]], meanwhile: Callable[[], None]) -> T:
        """What the datastore gives; while it does not answer, the labeler is told, and it is asked again and again."""
        while True:
            try:
                return await get()
            except Unreachable:
                meanwhile()
                if time.monotonic() - self._told_away_at > TELL_EVERY_S:
                    self._told_away_at = time.monotonic()
                    self.say(AWAY, severity="warning")
                await asyncio.sleep(ASK_AGAIN_S)

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

    # Words.

    def _show_sent_back(self) -> None:
        """Why a reviewer sent the focused image back, for as long as the page has one that was."""
        page, line = self.page, self.query_one("#sent-back", Static)
        comments = [item.comment for item in page.items]
        said = comments[page.focus] if page.focus < len(comments) else ""
        line.update(
            f"\u21a9 sent back: {clean(said)}" if said else "\u21a9 some images here were sent back by a reviewer"
        )
        if line.display != any(comments):
            line.display = any(comments)
            self._refit()

    def _show_header(self) -> None:
        self._show_sent_back()
        page = self.page
        kind = KIND_WORDS[page.items[0].kind] if page.items else ""
        if self._earlier_at is not None:
            kind = f"Earlier submission {self._earlier_at + 1}"
        left: list[Part] = [
            (f" {clean(self._desk.project.name)} ", "bold primary"),
            (f" {kind} ", "bold accent"),
            *self._parts_beside(self._status),
            (self._status, "foreground"),
        ]
        right = [
            (f"saved {self._holding.saved}", "success"),
            (f"  {clean(self._desk.desk.account.name)} ", "secondary"),
        ]
        self.query_one("#header", Line).show(left, right)

    def _parts_beside(self, status: str) -> list[Part]:
        """What the header says of the work; on a narrow screen it gives way to words that have to be read."""
        parts = self._parts()
        room = self.size.width - HEADER_CELLS - len(clean(self._desk.project.name))
        return parts if len(status) + sum(len(text) for text, _ in parts) <= room or not status else []

    def _show_labels(self) -> None:
        parts, more = label_hints(self._desk.labels, self.size.width or 80)
        right = [("/ ", "bold primary"), (f"{more} more ", "secondary")] if more else []
        self.query_one("#labels", Line).show(parts, right)

    def _show_message(self, text: str) -> None:
        """Words in place of the pictures."""
        self._hide_work()
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

    # Work in progress.

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
        if self._refuses_submit(page):
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
