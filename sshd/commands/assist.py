"""`assist status|train|cancel|on|off`: what the learning worker does for a project."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from core.assist.learning import Run, counted
from core.assist.settings import Order
from core.ids import ItemKind
from core.oversight import assist_status
from core.oversight.assist_status import AssistStatus
from core.project import settings
from core.roles import Action
from sshd.commands.context import Context, add_json
from sshd.commands.finding import find_project, shown_time


def add_to(commands: Any) -> None:
    """Describe the commands."""
    noun = commands.add_parser(
        "assist", help="ML assist: suggestions learned from labels", example="tagline assist status Birds"
    )
    verbs = noun.add_subparsers(dest="verb", required=True, metavar="VERB")
    status = verbs.add_parser(
        "status", help="what it has learned and does", example="tagline assist status Birds --json"
    )
    train = verbs.add_parser("train", help="train now", example="tagline assist train Birds")
    cancel = verbs.add_parser("cancel", help="stop what it does now", example="tagline assist cancel Birds")
    on = verbs.add_parser(
        "on", help="switch it on, or change how it works", example="tagline assist on Birds --first 200 --target 0.97"
    )
    off = verbs.add_parser("off", help="switch it off; labels stay", example="tagline assist off Birds")
    for verb, act in ((status, _status), (train, _train), (cancel, _cancel), (on, _on), (off, _off)):
        verb.add_argument("project")
        verb.set_defaults(act=act)
    add_json(status)
    on.add_argument("--first", type=int, help="labels from which it trains for the first time")
    on.add_argument("--target", type=float, help="the precision that suggestions must be proven to have, such as 0.95")
    on.add_argument("--backbone", choices=["auto", "plain"], help="plain needs no PyTorch and learns less")
    on.add_argument("--order", choices=[order.value for order in Order], help="which prelabeled pages come first")


async def _status(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project, Action.SEE_PROGRESS)
    found = await context.db.read(assist_status.assist_status, context.acting, project.id, now_ms=context.now_ms)
    if args.json:
        await context.json(facts(found))
        return
    await context.say(found.says)
    if not found.settings.on:
        return
    await context.say(
        f"\nlabels {gauge(found.labeled, found.next_training)} {found.labeled:,} of {found.next_training:,} for the next training"
    )
    queued = {f"{kind.name.lower()} to do": n for kind, n in found.queue.items()}
    await context.show(
        [{**queued, "audit sample": f"{counted(found.audited)} of {counted(found.audit)} labeled"}], as_json=False
    )
    if found.live.precision is not None:
        await context.say(
            f"\nPeople kept {found.live.precision:.1%} of {counted(found.live.judged)} suggestions of the model in use."
        )
    await context.say("")
    await context.show([_run_row(run) for run in found.runs], as_json=False, empty="No run yet.")
    for worker in found.workers:
        await context.say(f"\nworker {worker.name} on {worker.device}{': ' + worker.note if worker.note else ''}")


def gauge(done: int, whole: int, width: int = 24) -> str:
    """How far something is, as a bar of text."""
    full = min(width, width * done // max(1, whole))
    return "█" * full + "░" * (width - full)


def _run_row(run: Run) -> dict[str, Any]:
    figures = run.metrics
    return {
        "run": run.id, "what": run.kind, "state": run.state.value, "began (UTC)": shown_time(run.started_ms),
        "seconds": "" if run.ended_ms is None else round((run.ended_ms - run.started_ms) / 1000, 1),
        "labels": run.labels if run.kind == "train" else "", "right": _percent(run.right),
        "threshold": "" if run.threshold is None else f"{run.threshold:.2f}", "covers": _percent(figures.get("coverage")),
        "proven": _percent(figures.get("bound")), "on": run.device,
    }  # fmt: skip


def _percent(part: float | None) -> str:
    return "" if part is None else f"{part:.0%}"


def facts(found: AssistStatus) -> dict[str, Any]:
    """A status for a program."""
    runs = [
        {
            "run": run.id, "kind": run.kind, "state": run.state.value, "labels": run.labels, "threshold": run.threshold,
            "device": run.device, "started_ms": run.started_ms, "ended_ms": run.ended_ms, "metrics": dict(run.metrics),
            "log": run.log,
        }
        for run in found.runs
    ]  # fmt: skip
    return {
        "says": found.says, "settings": asdict(found.settings), "labeled": found.labeled,
        "next_training": found.next_training, "queue": {kind.name.lower(): found.queue[kind] for kind in ItemKind},
        "audit": {"labeled": found.audited, "all": found.audit}, "active_run": found.active and found.active.id,
        "live": {"judged": found.live.judged, "precision": found.live.precision}, "regions": asdict(found.regions),
        "runs": runs,
        "workers": [asdict(worker) for worker in found.workers],
    }  # fmt: skip


async def _train(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project, Action.CHANGE_PROJECT)
    asked = await context.db.write(assist_status.train_now, context.acting, project.id, now_ms=context.now_ms)
    await context.say(
        "The training is asked for; see `assist status`." if asked else "A training waits or runs already."
    )


async def _cancel(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project, Action.CHANGE_PROJECT)
    count = await context.db.write(assist_status.cancel, context.acting, project.id, now_ms=context.now_ms)
    await context.say(
        "Cancelled; what it had learned before stays in use." if count else "Nothing was running or waiting."
    )


async def _on(context: Context, args: argparse.Namespace) -> None:
    names = ("first", "target", "backbone", "order")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    await _change(context, args.project, {"on": True, **given})
    await context.say("ML assist is on. It looks at the pictures now and learns from labels as they come.")


async def _off(context: Context, args: argparse.Namespace) -> None:
    await _change(context, args.project, {"on": False})
    await context.say("ML assist is off. Labels stay; suggestions are no longer made.")


async def _change(context: Context, name: str, changes: dict[str, Any]) -> None:
    project = await find_project(context, name, Action.CHANGE_PROJECT)
    before = await context.db.read(settings.settings_of, project.id)
    await context.db.write(
        settings.change_settings, context.acting, project.id, {"assist": {**before.assist, **changes}},
        now_ms=context.now_ms,
    )  # fmt: skip
