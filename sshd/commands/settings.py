"""`project set|refresh|members`: what of a project can still change, new files, and who is in it."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from core.errors import BadInput, Forbidden
from core.intake import refresh
from core.intake.imports import ask_refresh
from core.project import settings
from core.project.projects import Project
from core.roles import Action
from core.team import people
from sshd.commands.context import Context, add_json
from sshd.commands.finding import find_project
from sshd.commands.waiting import done_behind
from storage import open_store


def add_verbs(verbs: Any) -> None:
    """Describe these verbs of `project`."""
    change = verbs.add_parser(
        "set",
        help="see or change a project's settings",
        example="tagline project set Birds --labelers 2 3 --gold 0.05 --refresh 3600",
    )
    change.add_argument("name")
    change.add_argument("--instructions", type=Path, help="a Markdown file")
    change.add_argument("--instructions-text", help="the instructions themselves, or a link")
    change.add_argument("--lease", type=int, dest="lease_s", help="seconds that a page stays in hand")
    change.add_argument("--max-items", type=int, help="the largest number of items")
    change.add_argument(
        "--labelers", nargs=2, type=int, metavar=("MIN", "MAX"), help="consensus: least and most labelers"
    )
    change.add_argument("--iou", type=float, dest="least_iou", help="overlap from which two regions are the same one")
    change.add_argument(
        "--gold", type=float, dest="gold_rate", help="part of each labeler's items that are gold, to 0.5"
    )
    change.add_argument(
        "--refresh", type=int, dest="refresh_every_s", help="seconds between looks for new files; 0: never"
    )
    change.add_argument("--assist", action="append", default=[], metavar="NAME=VALUE", help="a setting of ML assist")
    add_json(change)
    change.set_defaults(act=_set)
    look = verbs.add_parser(
        "refresh", help="look for new and missing files now", example="tagline project refresh Birds"
    )
    look.add_argument("name")
    add_json(look)
    look.set_defaults(act=_refresh)
    members = verbs.add_parser("members", help="who is in a project", example="tagline project members Birds --json")
    members.add_argument("name")
    add_json(members)
    members.set_defaults(act=_members)


async def _set(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.name, Action.CHANGE_PROJECT)
    names = ("lease_s", "max_items", "least_iou", "gold_rate", "refresh_every_s")
    changes = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.labelers is not None:
        changes |= {"min_labelers": args.labelers[0], "max_labelers": args.labelers[1]}
    if (text := await _instructions(context, args)) is not None:
        changes["instructions"] = text
    before = await context.db.read(settings.settings_of, project.id)
    if args.assist:
        changes["assist"] = {**before.assist, **dict(_pair(text) for text in args.assist)}
    after = before
    if changes:
        after = await context.db.write(
            settings.change_settings, context.acting, project.id, changes, now_ms=context.now_ms
        )
    facts = {
        "lease_s": after.lease_s, "max_items": after.max_items, "min_labelers": after.min_labelers,
        "max_labelers": after.max_labelers, "iou": after.least_iou, "gold": after.gold_rate,
        "refresh_s": after.refresh_every_s, "assist": dict(after.assist), "instructions": after.instructions,
    }  # fmt: skip
    if args.json:
        await context.json(facts)
        return
    shown = facts | {"instructions": f"{len(after.instructions):,} characters"}
    await context.show([{"setting": name, "value": value} for name, value in shown.items()], as_json=False)


async def _instructions(context: Context, args: argparse.Namespace) -> str | None:
    text: str | None = args.instructions_text
    if args.instructions is None:
        return text
    if context.account is not None:
        raise Forbidden("Over SSH give the instructions themselves with --instructions-text, not a file of the server.")
    try:
        return await asyncio.to_thread(args.instructions.read_text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The file {args.instructions} cannot be read: {error}.") from error


def _pair(text: str) -> tuple[str, Any]:
    """`name=value` with the value as JSON where it is, else as text. Raises BadInput."""
    import orjson

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BadInput(f"{text!r} is no setting; write NAME=VALUE.")
    try:
        return name, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, value


async def _refresh(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.name, Action.IMPORT)
    if context.account is None:
        store = await asyncio.to_thread(open_store, project.datastore)
        found = await refresh.refresh(context.db, context.acting, project.id, store, now_ms=lambda: context.now_ms)
    else:
        found = await _refresh_behind(context, project)
    facts = {
        "files": found.files, "new": found.added, "unreadable": found.unreadable, "missing": found.missing,
        "back": found.returned, "changed": found.changed, "over the cap": found.over_cap,
    }  # fmt: skip
    await context.show([facts], as_json=args.json)


async def _refresh_behind(context: Context, project: Project) -> refresh.Found:
    """Over SSH the server's worker looks."""

    async def ask() -> int:
        return await context.db.write(ask_refresh, context.acting, project.id, now_ms=context.now_ms)

    tells = refresh.REFRESHED
    return refresh.Found(**await done_behind(context, project, "The refresh", ask, allowed=Action.IMPORT, tells=tells))


async def _members(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.name, Action.SEE_PROGRESS)
    found = await context.db.read(people.members_of, project.id)
    rows = [
        {"user": account.name, "role": role.value, "state": "disabled" if account.disabled else "enabled"}
        for account, role in found
    ]
    await context.show(rows, as_json=args.json, empty="Nobody is a member; admins see it all the same.")
