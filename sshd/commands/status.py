"""`status` and `metrics`: how the installation stands, on the server or over SSH, for people and for programs."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import BadInput, Forbidden
from core.roles import Action
from core.upkeep.installation import installation
from sshd.commands.context import Context, add_json
from sshd.facts import prometheus, status_facts
from tui.text import clean


def add_to(commands: Any) -> None:
    """Describe both."""
    status = commands.add_parser(
        "status", help="processes, sessions, queues, jobs and the database", example="tagline status --json"
    )
    add_json(status)
    status.set_defaults(act=_status)
    metrics = commands.add_parser(
        "metrics",
        help="the same as Prometheus text",
        example="tagline metrics --file /var/lib/node_exporter/tagline.prom",
    )
    metrics.add_argument(
        "--file", type=Path, help="write it whole to this file, for node_exporter's textfile collector"
    )
    metrics.set_defaults(act=_metrics)


async def facts_of(context: Context) -> dict[str, Any]:
    """Everything at once. Raises DatabaseTrouble."""
    now_ms = context.now_ms
    return status_facts(await context.db.read(installation, now_ms=now_ms), now_ms=now_ms)


async def _status(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.OPERATE)
    facts = await facts_of(context)
    if args.json:
        await context.json(facts)
        return
    database, versions = facts["database"], facts["versions"]
    await context.say(
        f"Tagline {versions['tagline']}, {database['engine']}, schema {versions['schema']}, {database['bytes'] / 1e6:,.1f} MB; "
        f"{facts['sessions']} {'session' if facts['sessions'] == 1 else 'sessions'}.\n"
    )
    await context.show(
        _process_rows(facts["processes"]), as_json=False, empty="No process has reported: is `serve` running?"
    )
    await context.say("")
    await context.show(_project_rows(facts["projects"]), as_json=False, empty="There is no project yet.")
    jobs = [{"jobs": kind, **_job_counts(states)} for kind, states in facts["jobs"].items()]
    if jobs:
        await context.say("")
        await context.show(jobs, as_json=False)


def _process_rows(processes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "process": one["name"], "state": one["state"], "up": _span(one["up_s"]), "version": one["version"],
            "sessions": int(one["figures"].get("sessions", 0)) if one["kind"] == "front-end" else "",
            "MB": round(one["figures"].get("memory_bytes", 0) / 1e6), "CPU s": round(one["figures"].get("cpu_seconds_total", 0)),
            "worst lag ms": round(1000 * one["figures"].get("loop_lag_worst_seconds", 0)),
        }
        for one in processes
    ]  # fmt: skip


def _span(seconds: float) -> str:
    minutes = int(seconds) // 60
    return f"{minutes // 1440} d {minutes // 60 % 24} h" if minutes >= 1440 else f"{minutes // 60} h {minutes % 60} min"


def _project_rows(projects: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = ("name", "state", "items", "todo", "in_hand", "labeled", "skipped", "needs_review")
    return [{name.replace("_", " "): one[name] for name in names} for one in projects]


def _job_counts(states: Mapping[str, int]) -> dict[str, int]:
    return {state: states.get(state, 0) for state in ("queued", "running", "done", "failed", "cancelled")}


async def _metrics(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.OPERATE)
    text = clean(prometheus(await facts_of(context)), lines=True)
    if args.file is None:
        await context.stdout(text.encode())
        return
    if context.account is not None:
        raise Forbidden("Over SSH metrics go to standard output: leave --file out and write `> tagline.prom`.")
    await asyncio.to_thread(write_whole, args.file, text)


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step, so that a reader never sees half of it. Raises BadInput."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error
