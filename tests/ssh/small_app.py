"""A small app that says what it was told: for promises that are the server's, whatever app it serves."""

from __future__ import annotations

import weakref

from textual import events
from textual.app import ComposeResult
from textual.widgets import Static

from core.team.people import Account
from tui.hosted import HostedApp
from tui.picture.stage import Stage
from tui.terminal import Terminal

ALIVE: weakref.WeakSet[SmallApp] = weakref.WeakSet()


class SmallApp(HostedApp):
    """Counts presses of `n`; `x` crashes, `q` leaves, `f` floods; shows what was pasted, and who is logged in."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, account: Account, terminal: Terminal, stage: Stage) -> None:
        super().__init__()
        self.account, self.terminal, self.stage = account, terminal, stage
        self.n, self.heard, self.was_ended = 0, "", 0
        self.flood = 0
        ALIVE.add(self)

    def compose(self) -> ComposeResult:
        """One line of facts."""
        yield Static(self.facts(), markup=False)

    def facts(self) -> str:
        """What the tests look for on the screen."""
        columns, rows = self.terminal.size_cells
        look = f"graphics={self.terminal.graphics.value} dark={self.terminal.is_dark}"
        facts = f"I am {self.account.name}\nn={self.n}; size={columns}x{rows}; {look}\nheard={self.heard}"
        return f"{facts}\n{'#' * self.flood}"

    def show(self) -> None:
        """Bring the screen up to date."""
        self.query_one(Static).update(self.facts())

    def on_key(self, event: events.Key) -> None:
        """Act on one key."""
        if event.key == "x":
            raise RuntimeError("a secret in a traceback")
        if event.key == "q":
            self.exit()
        elif event.key == "n":
            self.n += 1
        elif event.key == "f":
            self.flood = 1500 + self.flood % 7
            self.set_interval(0.02, self.paint_flood)
        else:
            self.heard = event.key
        self.show()

    def paint_flood(self) -> None:
        """Change most of the screen."""
        self.n += 1
        self.flood = 1500 + self.n % 7
        self.query_one(Static).update(self.facts().replace("#", chr(65 + self.n % 26)))

    def on_paste(self, event: events.Paste) -> None:
        """Say what was pasted."""
        self.heard = f"paste of {len(event.text)}: {event.text[:20]!r}"
        self.show()

    def on_resize(self) -> None:
        """The size is one of the facts."""
        self.show()

    async def session_ended(self) -> None:
        """What an app does to keep work in progress."""
        self.was_ended += 1


def make_small_app(account: Account, terminal: Terminal, stage: Stage) -> SmallApp:
    """The app as the server runs it."""
    return SmallApp(account, terminal, stage)
