"""`dashboard`, `report`, `audit`: how far a project is, what each labeler did, who did what when."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from core.oversight import dashboard
from core.oversight.dashboard import LabelerFigures
from core.project import projects
from core.roles import Action
from core.team import people
from core.upkeep import auditlog
from core.upkeep.auditlog import Entry, Wanted
from sshd.commands.context import Context, add_json
from sshd.commands.finding import find_labels, find_project, name_of, shown_time, time_ms
from tui.text import clean, json_safe


def add_to(commands: Any) -> None:
    """Describe the commands."""
    board = commands.add_parser("dashboard", help="a project at a glance", example="tagline dashboard Birds --json")
    board.add_argument("project")
    add_json(board)
    board.set_defaults(act=_dashboard)
    report = commands.add_parser(
        "report", help="what each labeler did, as CSV", example="tagline report Birds > labelers.csv"
    )
    report.add_argument("project")
    add_json(report)
    report.set_defaults(act=_report)
    audit = commands.add_parser(
        "audit",
        help="who did what when",
        example="tagline audit --project Birds --since 2026-11-01 --format jsonl > log.jsonl",
    )
    audit.add_argument("--project")
    audit.add_argument("--user")
    audit.add_argument("--what", default="", help="one kind of event, such as setting-changed")
    audit.add_argument("--since", type=time_ms, help="a date or time (UTC)")
    audit.add_argument("--until", type=time_ms)
    audit.add_argument("--limit", type=int, default=50, help="how many of the newest (table only; exports take all)")
    audit.add_argument("--format", choices=["table", "jsonl", "csv"], default="table")
    add_json(audit)
    audit.set_defaults(act=_audit)


async def _dashboard(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project, Action.SEE_PROGRESS)
    found = await context.db.read(dashboard.dashboard, context.acting, project.id, now_ms=context.now_ms)
    labels = await find_labels(context, project)
    by_label = {name_of(labels, label): n for label, n in found.labels.items()}
    queued = {kind.name.lower(): n for kind, n in found.queue.items()}
    ahead = found.forecast
    if args.json:
        people_rows = [asdict(one) for one in found.labelers]
        states = asdict(found.progress)
        facts = {"state": project.state, "items": states, "queue": queued, "labels": by_label, "labelers": people_rows}
        await context.json({**facts, "forecast": asdict(ahead)})
        return
    done = found.progress
    words = ("total", "labeled", "todo", "in_hand", "needs_review", "skipped", "unreadable", "missing")
    await context.show([{word.replace("_", " "): getattr(done, word) for word in words}], as_json=False)
    await context.say("")
    await context.show([{f"{kind} to do": n for kind, n in queued.items()}], as_json=False)
    await context.say("")
    rows = [{"label": label, "uses": n} for label, n in sorted(by_label.items(), key=lambda pair: -pair[1])]
    await context.show(rows, as_json=False, empty="Nothing is labeled yet.")
    await context.say("")
    await context.show(
        [_labeler(one) for one in found.labelers], as_json=False, empty="Nobody has submitted anything yet."
    )
    await context.say(f"\n{ahead.per_day:,.0f} items a day; {_finish(ahead.finish_ms, ahead.todo)}")


def _finish(finish_ms: int | None, todo: int) -> str:
    if not todo:
        return "nothing is left to do."
    return f"done by {shown_time(finish_ms)} UTC." if finish_ms else "no forecast before somebody labels."


def _labeler(one: LabelerFigures) -> dict[str, Any]:
    return {
        "labeler": one.name, "labeled": one.done, "skipped": one.skipped, "rejected": one.rejected,
        "corrected": one.corrected, "median s": "" if one.median_s is None else round(one.median_s, 1),
        "hours": round(one.active_ms / 3_600_000, 2),
    }  # fmt: skip


async def _report(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project, Action.SEE_PROGRESS)
    found = await context.db.read(dashboard.dashboard, context.acting, project.id, now_ms=context.now_ms)
    rows = [
        {
            "labeler": one.name, "labeled": one.done, "skipped": one.skipped, "rejected": one.rejected,
            "corrected": one.corrected, "median_s": one.median_s, "active_s": round(one.active_ms / 1000, 1),
        }
        for one in found.labelers
    ]  # fmt: skip
    if args.json:
        await context.json(rows)
        return
    names = ["labeler", "labeled", "skipped", "rejected", "corrected", "median_s", "active_s"]
    await context.stdout(csv_lines(names, rows, header=True))


def csv_lines(names: Sequence[str], rows: Sequence[Mapping[str, Any]], *, header: bool) -> bytes:
    """Rows as CSV; text that a spreadsheet would run as a formula is made plain by an apostrophe, control characters are replaced."""
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    if header:
        writer.writeheader()
    for row in rows:
        writer.writerow({name: _plain(row[name]) for name in names})
    return text.getvalue().encode()


def _plain(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return clean(f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value)


async def _audit(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.SEE_AUDIT)
    project = await context.db.read(projects.get_project, args.project) if args.project else None
    account = await context.db.read(people.account_by_name, args.user) if args.user else None
    wanted = Wanted(project.id if project else None, account.id if account else None, args.what, args.since, args.until)
    if args.format != "table":
        await _stream(context, wanted, args.format)
        return
    found = await context.db.read(auditlog.entries, context.acting, wanted, limit=args.limit)
    if args.json:
        await context.json([asdict(entry) for entry in found])
        return
    rows = [
        {
            "when": shown_time(e.at_ms), "by": e.by, "what": e.what, "project": e.project, "item": e.path,
            "": clean(orjson.dumps(e.body).decode())[:60],
        }
        for e in found
    ]  # fmt: skip
    await context.show(rows, as_json=False, empty="Nothing like that happened.")


async def _stream(context: Context, wanted: Wanted, form: str) -> None:
    """The whole log, oldest first, in bounded memory."""
    names = ["id", "at_ms", "what", "by", "project", "path", "body"]
    if form == "csv":
        await context.stdout(csv_lines(names, [], header=True))
    last = 0
    while found := await context.db.read(auditlog.entries, context.acting, wanted, limit=auditlog.BATCH, after=last):
        await context.stdout(_lines(found, names, form))
        last = found[-1].id


def _lines(found: Sequence[Entry], names: Sequence[str], form: str) -> bytes:
    if form == "csv":
        rows = [asdict(entry) | {"body": orjson.dumps(entry.body).decode()} for entry in found]
        return csv_lines(names, rows, header=False)
    return b"".join(json_safe(orjson.dumps(asdict(entry))) + b"\n" for entry in found)
