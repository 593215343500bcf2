"""What every command is given, and how it prints."""

from __future__ import annotations

import argparse
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from core.db.database import Database
from core.ids import AccountId, Role
from core.roles import Action, allowed, require
from core.team.access import OPERATOR
from core.team.people import Account
from tui.text import clean, json_safe

Send = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True)
class Context:
    """Who asks, of which database, and where answers go. `account` is None for the operator on the server itself."""

    db: Database
    account: Account | None
    stdout: Send
    stderr: Send

    @property
    def by(self) -> AccountId | None:
        """Whom the history names."""
        return None if self.account is None else self.account.id

    @property
    def now_ms(self) -> int:
        """The time in epoch ms, UTC."""
        return time.time_ns() // 1_000_000

    def require(self, action: Action) -> None:
        """Let only those pass whose role allows it. Raises Forbidden."""
        if self.account is not None:
            require(self.account.role, action)

    def may(self, action: Action) -> bool:
        """True when the role allows it."""
        return self.account is None or allowed(self.account.role, action)

    @property
    def role(self) -> Role:
        """The role of who asks; the operator counts as an admin."""
        return Role.ADMIN if self.account is None else self.account.role

    @property
    def acting(self) -> Account:
        """Who asks, as core's actions want it."""
        return OPERATOR if self.account is None else self.account

    async def json(self, facts: Any) -> None:
        """Facts for a program."""
        text = orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
        await self.stdout(json_safe(text) + b"\n")

    async def complain(self, text: str) -> None:
        """A line for people about what was not done."""
        await self.stderr((clean(text, lines=True) + "\n").encode())

    async def say(self, text: str) -> None:
        """A line for people; control characters from outside are neutralised."""
        await self.stdout((clean(text, lines=True) + "\n").encode())

    async def show(self, rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str = "nothing") -> None:
        """Facts as an aligned table, or as JSON."""
        if as_json:
            await self.json(list(rows))
        elif not rows:
            await self.say(empty)
        else:
            await self.say(table(rows))


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of the same keys as aligned columns under their names."""
    names = list(rows[0])
    cells = [names, *([clean(str(row[name])) for name in names] for row in rows)]
    widths = [max(len(line[n]) for line in cells) for n in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


class Refused(Exception):
    """argparse has something to say: help (status 0) or what is wrong with the call (status 2)."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class Parser(argparse.ArgumentParser):
    """argparse that raises instead of ending the process, for the process is a server; its text goes to the caller."""

    def __init__(self, *, example: str = "", **kwargs: Any) -> None:
        epilog = f"example:\n  {example}" if example else None
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(epilog=epilog, formatter_class=formatter, **kwargs)

    def print_help(self, file: Any = None) -> None:
        """Hand the help to the caller."""
        raise Refused(0, self.format_help())

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Hand the end to the caller."""
        raise Refused(status, message or "")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, and how to see more."""
        raise Refused(2, f"{self.prog}: {message}. See `{self.prog} --help`.\n")


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option that makes facts machine-readable."""
    parser.add_argument("--json", action="store_true", help="print JSON")
