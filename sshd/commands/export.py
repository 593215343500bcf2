"""`export PROJECT --format F`: to a file, a folder, a pipe, or through SSH."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import BadInput, Forbidden
from core.roles import Action
from core.upkeep.auditlog import Wanted, entries
from exporters.datastore import EXPORTED, ask_export, export_jobs, export_to_datastore
from exporters.formats import FORMATS
from exporters.run import export_to_path, export_to_pipe
from sshd.commands.context import Context, add_json
from sshd.commands.finding import find_project, shown_time
from sshd.commands.waiting import done_behind
from storage.images import EXPORTS

MOST = 100


def add_to(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "export", help="write labels in a standard format", example="tagline export Birds --format coco -o labels.json"
    )
    parser.add_argument("project")
    kinds = "; ".join(f"{format.name}: {format.summary}" for format in FORMATS.values())
    parser.add_argument("--format", choices=list(FORMATS), default="coco", help=f"{kinds} (default: coco)")
    parser.add_argument(
        "-o", "--output", default="-", help="a file, a .zip, a folder, or - for standard output (default)"
    )
    parser.add_argument("--all", action="store_true", help="unlabeled images too")
    parser.add_argument(
        "--to-datastore", action="store_true", help=f"into the project's datastore, under {EXPORTS}/FORMAT/TIME/"
    )
    parser.add_argument("--no-wait", action="store_true", help="with --to-datastore over SSH: do not wait for the end")
    parser.add_argument("--list", action="store_true", help="exports in the datastore so far, and those that run")
    add_json(parser)
    parser.set_defaults(act=_export)


async def _export(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.EXPORT)
    if args.list:
        await _list(context, args)
        return
    if args.to_datastore:
        await _to_datastore(context, args)
        return
    format, at = FORMATS[args.format], {"all_items": args.all, "now_ms": context.now_ms}
    if args.output == "-":
        await export_to_pipe(context.db, args.project, format, context.stdout, **at)
        return
    if context.account is not None:
        raise Forbidden(
            f"Over SSH an export goes to standard output: leave -o out and write `> labels{format.ending}`."
        )
    path = Path(args.output)
    done = await export_to_path(context.db, args.project, format, path, **at)
    await context.say(
        f"{path}: {done.images} images, {done.annotations} annotations, {done.bytes} bytes in {done.files} "
        f"file{'s' * (done.files != 1)}, sha256 {done.sha256}."
    )


async def _to_datastore(context: Context, args: argparse.Namespace) -> None:
    """On the server at once; over SSH by the server's own worker, which goes on when the connection breaks."""
    project = await find_project(context, args.project, Action.EXPORT)
    if context.account is None:
        at = {"all_items": args.all, "now_ms": context.now_ms}
        done = await export_to_datastore(context.db, None, project.name, FORMATS[args.format], **at)
        await context.say(
            f"{done.url}/{done.folder}: {done.manifest.images} images, {done.manifest.annotations} annotations."
        )
        return

    async def ask() -> int:
        job = await context.db.write(
            ask_export, context.acting, project, args.format, all_items=args.all, now_ms=context.now_ms
        )
        if job is None:
            raise BadInput(f"That export runs already; see `export {shlex.quote(project.name)} --list`.")
        return job

    if args.no_wait:
        await ask()
        await context.say(f"The export runs in the background; see `export {shlex.quote(project.name)} --list`.")
        return
    told = await done_behind(context, project, "The export", ask, allowed=Action.EXPORT, tells=EXPORTED)
    await context.say(_line(told))


def _line(body: Mapping[str, Any]) -> str:
    return f"{body['folder']}: {body['images']} images, {body['annotations']} annotations, {body['bytes']} bytes."


async def _list(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project, Action.EXPORT)
    running = [job for job in await context.db.read(export_jobs, context.acting, project.id) if job.is_unfinished]
    done = await context.db.read(entries, context.acting, Wanted(project.id, what=EXPORTED), limit=MOST)
    rows = [
        {"when": shown_time(job.created_ms), "format": job.payload["format"], "images": "", "annotations": "",
         "by": "", "where": f"{job.state.value}, {job.progress:.0%}"}
        for job in running
    ] + [
        {"when": shown_time(one.at_ms), "format": one.body["format"], "images": one.body["images"],
         "annotations": one.body["annotations"], "by": one.by or "operator", "where": one.body["folder"]}
        for one in done
    ]  # fmt: skip
    await context.show(rows, as_json=args.json, empty="Nothing was exported into the datastore yet.")
