"""One image large: its answers, its history, and verdicts on it; the next one comes by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from core.annotation import Answer, Receipt
from core.browse import Browsed
from core.errors import NotFound, TaglineError
from core.ids import AssignmentState, ItemState
from core.review import OneAnswer
from tui.canvas.overlay import Line as LineStyle
from tui.canvas.overlay import Outline
from tui.canvas.view import CanvasView
from tui.keymap import Scope
from tui.reviewer import Known, Walk, held
from tui.screens.review.looking import LookingScreen
from tui.screens.review.words import (
    SOURCE_NAMES,
    STATE_WORDS,
    answer_tags,
    answer_text,
    label_name,
    past_text,
    shown_time,
)
from tui.text import clean
from tui.widgets.line import Line, Part
from tui.widgets.tile import ink_on

REFRESH_S = 3.0
# Of labelers, side by side over one picture: apart in hue and in lightness.
COLORS = ("#ffca57", "#56b4e9", "#ff7ac6", "#5ec08a", "#ff8c42", "#b69cff", "#ffffff", "#7fe7e0", "#f2777a")


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
        self.show_footer(self.query_one("#keys", Line))
        await self._show()
        self.set_interval(REFRESH_S, self._refresh)

    def _targets(self) -> tuple[Browsed, ...]:
        """What is looked at; a selection in the grid is not meant here."""
        return () if self._known is None else (self._known.item,)

    # What is known.

    @property
    def _answers(self) -> tuple[OneAnswer, ...]:
        """The answers that count now."""
        given = self._known.answers if self._known is not None else ()
        return tuple(one for one in given if one.state is AssignmentState.SUBMITTED)

    async def _show(self) -> None:
        """Show the item in focus from the beginning."""
        item = self._walk.item
        self._whose = None
        self._known = None if item is None else await self.ask(self.reviewer.known(item.path))
        self.query_one(VerticalScroll).scroll_home(animate=False)
        self._draw()
        self.run_worker(self._open_ahead(), group="ahead", exclusive=True)

    async def _open_ahead(self) -> None:
        """Open the next image of the page while this one is looked at."""
        at = self._walk.at + 1
        if at < len(self._walk.page.items):
            try:
                await self.desk.pictures.image(self.reviewer.project.datastore, held(self._walk.page.items[at]))
            except TaglineError:
                return
            except Exception:
                return

    async def _refresh(self) -> None:
        if self._known is None or not self.is_current:
            return
        try:
            known = await self.reviewer.known(self._known.item.path)
        except TaglineError:
            return  # the next look may succeed
        if self._known is not None and known != self._known and known.item.item == self._known.item.item:
            self._known = known
            self._draw()

    # Drawing.

    def _draw(self) -> None:
        known = self._known
        self._show_header()
        self._show_trouble()
        self.query_one("#facts", Static).update(Text() if known is None else self._facts(known))
        self._show_picture(None if known is None else known.item)

    def _show_header(self) -> None:
        walk, item = self._walk, self._known.item if self._known is not None else None
        left: list[Part] = [
            (f" {clean(self.reviewer.project.name)} ", "bold primary"),
            (f" {self.TITLE_WORD} ", "bold accent"),
        ]
        if item is not None:
            left += [
                (f" {clean(item.path)} ", "foreground"),
                (f" {walk.at + 1} of {len(walk.page.items)} ", "secondary"),
            ]
        self.query_one("#header", Line).show(left, [(f"{clean(self.desk.account.name)} ", "secondary")])

    def _show_trouble(self) -> None:
        """Words in the picture's place."""
        message = self.query_one("#message", Static)
        words = (
            self._nothing()
            if self._known is None
            else self._trouble and f"This image cannot be shown: {self._trouble}."
        )
        message.update(words)
        message.display, self.canvas.display = bool(words), not words

    def _nothing(self) -> str:
        return "No image is left here.\n\nEsc: back"

    def _facts(self, known: Known) -> Text:
        colors, item = self.app.theme_variables, known.item
        text = Text(overflow="fold")
        word, color = STATE_WORDS[item.state]
        tags = answer_tags(item.answer, self.reviewer.shown) if item.state is ItemState.LABELED else ()
        for name, paper in tags:
            text.append(f" {name} ", f"bold {ink_on(paper)} on {paper}").append(" ")
        text.append("" if tags else word, colors[color]).append("\n")
        text.append("".join(f"{fact}\n" for fact in self._said_of(item)), colors["secondary"])
        if known.answers:
            text.append("\nAnswers\n", "bold")
        for n, one in enumerate(self._answers):
            self._append_answer(text, n, one)
        text.append("\nHistory\n", "bold")
        for past in reversed(known.history):
            text.append(f"{shown_time(past.at_ms)} ", colors["secondary"]).append(
                f"{clean(past.name)}\n", colors["primary"]
            )
            text.append(f"  {past_text(past, self.reviewer.shown)}\n")
        return text.append("" if known.history else "nothing happened to it yet\n", colors["secondary"])

    def _said_of(self, item: Browsed) -> Sequence[str]:
        size = f"{item.size_wh[0]} \u00d7 {item.size_wh[1]} px" if item.size_wh[0] else ""
        reviewed = "\u2713 reviewed" if item.reviewed else "not reviewed yet" if item.state is ItemState.LABELED else ""
        source = SOURCE_NAMES[item.source] if item.source is not None else ""
        pages = f"{item.frames} pages" if item.frames > 1 else ""
        gold = "gold: labelers are measured by it" if item.is_gold else ""
        score = "" if item.score is None else f"a model was {item.score:.0%} sure of its suggestion"
        return [fact for fact in (clean(item.reason), source, score, reviewed, gold, size, pages) if fact]

    def _append_answer(self, text: Text, n: int, one: OneAnswer) -> None:
        chosen = n == self._whose
        text.append("\u25b6" if chosen else " ", self.app.theme_variables["accent"])
        text.append(f"{n + 1} " if n < 9 else "  ", "bold").append("\u25a0 ", COLORS[n % len(COLORS)])
        text.append(f"{clean(one.name)}: ", "bold" if chosen else "")
        text.append(f"{answer_text(one.answer, self.reviewer.shown)}\n")

    # Regions.

    def _outlines(self) -> tuple[Outline, ...]:
        key = (self._known, self._whose)
        if self._drawn[0] != key:
            self._drawn = (key, tuple(self._now_drawn()))
        return self._drawn[1]

    def _now_drawn(self) -> Sequence[Outline]:
        """The current answer's regions in their labels' colours; answers that differ each in its labeler's."""
        if self._known is None:
            return ()
        if self._whose is None and self._known.item.state is ItemState.LABELED:
            return [
                Outline(
                    region.shape,
                    label_name(self.reviewer.shown, region.label)[1],
                    label_name(self.reviewer.shown, region.label)[0],
                )
                for region in self._known.item.answer.regions
            ]
        drawn = [outline for n, one in enumerate(self._answers) if n != self._whose for outline in self._theirs(n, one)]
        return drawn if self._whose is None else [*drawn, *self._theirs(self._whose, self._answers[self._whose])]

    def _theirs(self, n: int, one: OneAnswer) -> Sequence[Outline]:
        line: LineStyle = "chosen" if n == self._whose else "plain" if self._whose is None else "dashed"
        return [
            Outline(
                region.shape, COLORS[n % len(COLORS)],
                label_name(self.reviewer.shown, region.label)[0] if line != "dashed" else "", line,
            )
            for region in one.answer.regions
        ]  # fmt: skip

    # Verdicts.

    @property
    def _differs(self) -> bool:
        return self._known is not None and self._known.item.state is ItemState.NEEDS_REVIEW

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
        item, chosen = self._known.item, self._answers[self._whose]
        self._decide(f"settled with {clean(chosen.name)}'s answer", self.reviewer.resolve(item, chosen.account), [item])

    def _give(self, targets: Sequence[Browsed], answer: Answer) -> Awaitable[Receipt]:
        return self.reviewer.correct(targets, answer, what="item-resolved" if self._differs else "item-corrected")

    def _start_of(self, item: Browsed) -> tuple[Answer, str]:
        """From the answer chosen, else the current one, else the first that was given."""
        start, what = super()._start_of(item)
        if self._whose is not None:
            start = self._answers[self._whose].answer
        elif self._differs and self._answers:
            start = self._answers[0].answer
        return start, what

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

    async def _changed(self, receipt: Receipt) -> None:
        """The next one, where this one still is what the filter asks for; else what took its place."""
        before = self._walk.item
        try:
            await self._walk.reload()
        except NotFound as error:
            self.say(str(error), severity="error")
        here = self._walk.item
        if receipt.accepted and here is not None and before is not None and here.item == before.item:
            await self._walk.step(1)
        await self._show()
