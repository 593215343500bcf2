"""Tagline's commands, one file a noun. The same functions serve the CLI and, by role, SSH exec."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Sequence

from core.db.database import Database
from core.errors import TaglineError
from core.team.people import Account
from sshd.commands import assist, data, doctor, export, insight, label, project, quality, review, status, user
from sshd.commands.context import Context, Parser, Refused, Send
from storage.base import StorageError
from tui.text import clean

NOUNS = (project, data, label, review, quality, insight, assist, export, user, status, doctor)

__all__ = ["build_parser", "run", "run_command"]


def build_parser(prog: str) -> Parser:
    """The commands that work over SSH as well as on the server itself."""
    parser = Parser(prog=prog, description="Image labeling in the terminal.")
    commands = parser.add_subparsers(dest="noun", required=True, metavar="COMMAND", parser_class=Parser)
    for noun in NOUNS:
        noun.add_to(commands)
    return parser


async def run_command(argv: Sequence[str], account: Account, db: Database, stdout: Send, stderr: Send) -> int:
    """Run one command for a logged-in account; returns the exit status. Errors are one clear line on stderr."""
    return await run(argv, build_parser("ssh … "), lambda: _ready(Context(db, account, stdout, stderr)), stdout, stderr)


async def _ready(context: Context) -> Context:
    return context


async def run(
    argv: Sequence[str],
    parser: Parser,
    make_context: Callable[[], Awaitable[Context]],
    stdout: Send,
    stderr: Send,
) -> int:
    """Parse and run; every refusal becomes a line on stderr and a status other than 0."""
    try:
        args = parser.parse_args(list(argv))
    except Refused as refused:
        await (stdout if refused.status == 0 else stderr)(clean(refused.text, lines=True).encode())
        return refused.status
    try:
        return await _act(args, await make_context())
    except (TaglineError, StorageError) as error:
        await stderr(f"{clean(str(error), lines=True)}\n".encode())
        return 1


async def _act(args: argparse.Namespace, context: Context) -> int:
    act: Callable[[Context, argparse.Namespace], Awaitable[int | None]] = args.act
    return await act(context, args) or 0
