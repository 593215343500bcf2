"""`doctor`: what is wrong with this installation. Over SSH it looks at versions and the database only."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import orjson

from core.roles import Action
from sshd.commands.context import Context, Parser, Send, add_json, table
from sshd.doctor import check_open_database, check_versions
from sshd.findings import Finding, Verdict
from tui.text import clean, json_safe


def add_to(commands: Any) -> None:
    """Describe the command."""
    parser: Parser = commands.add_parser(
        "doctor", help="check versions, data, database, port and terminal", example="tagline doctor --json"
    )
    add_json(parser)
    parser.set_defaults(act=_doctor)


async def _doctor(context: Context, args: argparse.Namespace) -> int:
    context.require(Action.CHANGE_PROJECT)
    findings = [*check_versions(), await check_open_database(context.db)]
    return await report(findings, context.stdout, as_json=args.json)


async def report(findings: Sequence[Finding], stdout: Send, *, as_json: bool) -> int:
    """Print what was found; the exit status is 1 when something keeps Tagline from working."""
    rows = [{"": found.verdict.value, "check": found.what, "finding": found.detail} for found in findings]
    if as_json:
        facts = [{"verdict": row[""], "check": row["check"], "finding": row["finding"]} for row in rows]
        await stdout(json_safe(orjson.dumps(facts, option=orjson.OPT_INDENT_2)) + b"\n")
    else:
        await stdout((clean(table(rows), lines=True) + "\n").encode())
    return int(any(found.verdict is Verdict.FAIL for found in findings))
