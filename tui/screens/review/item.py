"""One image large: its answers, its history, and verdicts on it; the next one comes by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from core.annotation import Answer, Receipt
from core.errors import TaglineError
from core.ids import ItemState
from core.oversight.browse import Browsed
from core.oversight.review import OneAnswer
from storage.base import StorageError
from tui.canvas.overlay import Outline
from tui.canvas.view import CanvasView
from tui.keymap import Key, Scope
from tui.reviewer import Known, held
from tui.screens.review.facts import current, facts, outlines
from tui.screens.review.looking import LookingScreen
from tui.text import clean
from tui.walk import Walk
from tui.widgets.line import Line, Part

REFRESH_S = 3.0


class ItemScreen(LookingScreen):
    """A picture with everything that is known of it beside it."""

    SCOPES = (Scope.EVERYWHERE, Scope.REVIEW, Scope.CONFLICT, Scope.ITEM, Scope.PICTURE)
    DEFAULT_CSS = """
    ItemScreen { background: $background; }
    ItemScreen #header, ItemScreen #keys { background: $panel; }
    ItemScreen Horizontal { height: 1fr; background: $background; }
    ItemScreen CanvasView { width: 1fr; height: 1fr; background: $background; }
    ItemScreen VerticalScroll {
        width: 34%; min-width: 28; max-width: 48; height: 1fr; padding: 0 1; background: $surface;
        scrollbar-size-vertical: 1;
    }
    ItemScreen #facts { width: 1fr; height: auto; background: $surface; }
    ItemScreen #message { width: 1fr; height: 1fr; content-align: center middle; text-align: center; display: none; }
    """
    TITLE_WORD = "Review"
    NOTHING = "No image is left here."

    def __init__(self, walk: Walk) -> None:
        super().__init__(walk)
        self._known: Known | None = None
        self._whose: int | None = None
        self._drawn: tuple[object, tuple[Outline, ...]] = (None, ())

    def compose(self) -> ComposeResult:
        """Header, picture, facts, keys."""
        yield Line(id="header")
        with Horizontal():
            yield CanvasView(self.tagline.stage)
            yield Static(id="message", markup=False)
            with VerticalScroll(can_focus=False):
                yield Static(id="facts")
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Show the item in focus, and keep what is said of it fresh."""
        self.canvas.on_trouble = lambda error: self.say(str(error), severity="error")
        self.canvas.on_room = self._resized
        await self._show()
        self.set_interval(REFRESH_S, self._refresh)

    # What is known.

    @property
    def _answers(self) -> tuple[OneAnswer, ...]:
        return current(self._known.answers) if self._known is not None else ()

    @property
    def _differs(self) -> bool:
        return self._known is not None and self._known.item.state is ItemState.NEEDS_REVIEW

    async def _show(self) -> None:
        """Show the item in focus from the beginning."""
        item, self._whose = self._walk.item, None
        self._known = None if item is None else await self.ask(self.reviewer.known(item.path))
        self.query_one(VerticalScroll).scroll_home(animate=False)
        self.show_footer(self.query_one("#keys", Line))
        self._draw()
        self.run_worker(self._open_ahead(), group="ahead", exclusive=True)

    async def _open_ahead(self) -> None:
        """Open the next image of the page while this one is looked at."""
        for item in self._walk.page.items[self._walk.at + 1 : self._walk.at + 2]:
            try:
                await self.desk.pictures.image(self.reviewer.project.datastore, held(item))
            except StorageError:
                return  # said when that image is opened

    async def _refresh(self) -> None:
        before = self._known
        if before is None or not self.is_current:
            return
        try:
            known = await self.reviewer.known(before.item.path)
        except TaglineError:
            return  # the next look may succeed
        if self._known is before and known != before:
            self._walk.noticed.refreshed([before.item], [known.item])
            self._known = known
            self._whose = None if known.answers != before.answers else self._whose
            self._draw()

    def footer_keys(self) -> list[Key]:
        """Settling is offered where there is something to settle."""
        return [key for key in super().footer_keys() if self._differs or key.scope is not Scope.CONFLICT]

    # Drawing.

    def _draw(self) -> None:
        known, colors = self._known, self.app.theme_variables
        self._show_header()
        self._show_trouble()
        text = Text() if known is None else facts(known, self._whose, self.reviewer.shown, colors)
        self.query_one("#facts", Static).update(text)
        self._show_picture(None if known is None else known.item)

    def _show_header(self) -> None:
        walk = self._walk
        left: list[Part] = [(f" {clean(self.reviewer.project.name)} ", "bold primary")]
        left.append((f" {self.TITLE_WORD} ", "bold accent"))
        if self._known is not None:
            left.append((f" {clean(self._known.item.path)} ", "foreground"))
            left.append((f" {walk.at + 1} of {len(walk.page.items)} ", "secondary"))
        self.query_one("#header", Line).show(left, [(f"{clean(self.desk.account.name)} ", "secondary")])

    def _show_trouble(self) -> None:
        """Words in the picture's place."""
        words = f"{self.NOTHING}\n\nEsc: back" if self._known is None else ""
        if self._trouble and not words:
            words = f"This image cannot be shown: {self._trouble}."
        message = self.query_one("#message", Static)
        message.update(words)
        message.display, self.canvas.display = bool(words), not words

    def _outlines(self) -> tuple[Outline, ...]:
        key = (self._known, self._whose)
        if self._drawn[0] != key:
            self._drawn = (key, outlines(self._known, self._whose, self.reviewer.shown))
        return self._drawn[1]

    # Verdicts.

    def _targets(self) -> tuple[Browsed, ...]:
        """What is looked at; a selection in the grid is not meant here."""
        return () if self._known is None else (self._walk.noticed.as_seen(self._known.item),)

    def action_approve(self) -> None:
        """The answer is right; of answers that differ, the one chosen."""
        if self._differs:
            self.action_take()
        else:
            super().action_approve()

    def action_take(self) -> None:
        """Settle it with the answer chosen."""
        if self._known is None:
            return
        if self._whose is None:
            self.say("Choose an answer first: 1-9 or Tab. Or correct it yourself with e.")
            return
        (item,), chosen = self._targets(), self._answers[self._whose]
        self._decide(f"settled with {clean(chosen.name)}'s answer", self.reviewer.resolve(item, chosen.account), [item])

    def _give(self, targets: Sequence[Browsed], answer: Answer) -> Awaitable[Receipt]:
        return self.reviewer.correct(targets, answer, what="item-resolved" if self._differs else "item-corrected")

    def _start_of(self, item: Browsed) -> tuple[Answer, str]:
        """From the answer chosen, else the current one, else the first that was given."""
        start, what = super()._start_of(item)
        if self._whose is not None or (self._differs and self._answers):
            start = self._answers[self._whose or 0].answer
        return start, what

    async def _changed(self, receipt: Receipt) -> None:
        """The next one, where this one still is what the filter asks for; else what took its place."""
        before = self._walk.item
        await self.ask(self._walk.reload())
        here = self._walk.item
        if receipt.accepted and here is not None and before is not None and here.item == before.item:
            await self.ask(self._walk.step(1))
        await self._show()

    # Keys.

    def action_digit(self, name: str) -> None:
        """The answer of one labeler; again: all."""
        n = int(name) - 1
        if n < len(self._answers):
            self._choose(None if n == self._whose else n)

    def action_next(self) -> None:
        """The next answer."""
        self._cycle(1)

    def action_previous(self) -> None:
        """The answer before."""
        self._cycle(-1)

    def _cycle(self, step: int) -> None:
        if count := len(self._answers):
            self._choose((step - 1) // 2 % count if self._whose is None else (self._whose + step) % count)

    def _choose(self, n: int | None) -> None:
        self._whose = n
        self._draw()

    async def action_turn(self, name: str) -> None:
        """The next image, or the one before."""
        await self._step(1 if name == "pagedown" else -1)

    async def action_move(self, name: str) -> None:
        """An arrow: over an enlarged picture, else to the next image, or through the history."""
        if self._is_enlarged:
            self._pan(name)
        elif name in ("left", "right"):
            await self._step(1 if name == "right" else -1)
        else:
            self.query_one(VerticalScroll).scroll_relative(y=3 if name == "down" else -3, animate=False)

    async def _step(self, by: int) -> None:
        if await self.ask(self._walk.step(by)):
            await self._show()
        else:
            self.say("That was the last image." if by > 0 else "That was the first image.")
