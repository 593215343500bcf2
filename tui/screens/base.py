"""What all screens share: their keys from the table, help, and one place where errors become words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.screen import Screen

from core.errors import TaglineError
from core.roles import allowed
from storage.base import StorageError
from tui.keymap import Key, Scope, bindings, footer, keys_of
from tui.terminal import Terminal
from tui.text import clean
from tui.widgets.line import Line, Part

if TYPE_CHECKING:
    from tui.app import TaglineApp
    from tui.desk import Desk

T = TypeVar("T")

KEYS_WAIT_S = 0.3


class TaglineScreen(Screen[None]):
    """A screen whose keys come from the key table."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.EVERYWHERE,)

    def __init_subclass__(cls) -> None:
        cls.BINDINGS = list(bindings(*cls.SCOPES))
        super().__init_subclass__()

    @property
    def tagline(self) -> TaglineApp:
        """The app, by its own type."""

        return cast("TaglineApp", self.app)

    @property
    def desk(self) -> Desk:
        """The door to core."""
        return self.tagline.desk

    @property
    def terminal(self) -> Terminal:
        """What this user's terminal can do."""
        return self.tagline.terminal

    async def ask(self, work: Awaitable[T]) -> T | None:
        """The result of something that may fail for a reason that the user should read; None when it did."""
        try:
            return await work
        except (TaglineError, StorageError) as error:
            self.say(str(error), severity="error")
            return None

    async def in_time(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do what a key asks for; the keys behind it wait until it is done, but not for a datastore that takes its time."""
        done = asyncio.Event()

        async def to_its_end() -> None:
            try:
                await work()
            finally:
                done.set()

        self.run_worker(to_its_end, group="in time")  # type: ignore[arg-type]
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), KEYS_WAIT_S)

    def say(self, text: str, *, severity: str = "information") -> None:
        """A short notice; never read as markup, and without control characters."""
        self.notify(clean(text, lines=True), severity=severity, timeout=6, markup=False)  # type: ignore[arg-type]

    def show_footer(self, line: Line) -> None:
        """The keys that matter now: the screen's own from the left, those of every screen on the right."""
        line.show(hints(footer(self.footer_keys())), hints(footer(keys_of(Scope.EVERYWHERE))), group=2)

    def footer_keys(self) -> list[Key]:
        """The screen's own keys that this account may use, those that matter most first."""
        role = self.desk.account.role
        scopes = [scope for scope in self.SCOPES if scope is not Scope.EVERYWHERE]
        return [key for scope in scopes for key in keys_of(scope) if key.needs is None or allowed(role, key.needs)]

    def action_help(self) -> None:
        """Every key of this screen."""
        from tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.SCOPES))

    def action_leave(self) -> None:
        """Log out."""
        self.app.exit()

    def action_reload(self) -> None:
        """Look again; screens that show what changes do so by themselves."""

    async def action_back(self) -> None:
        """To the screen before."""
        if len(self.app.screen_stack) > 2:
            self.app.pop_screen()


def hints(words: Iterable[tuple[str, str]]) -> list[Part]:
    """Pairs of a key and what it does, as a last line shows them."""
    return [part for key, word in words for part in ((f" {key}", "bold primary"), (f" {word} ", "secondary"))]
