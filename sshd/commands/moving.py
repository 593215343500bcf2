"""`project archive|restore`: a whole project, with its history, in one file."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.errors import BadInput, Forbidden
from core.roles import Action
from exporters.archive import archive_project, restore_project
from sshd.commands.bar import Bar
from sshd.commands.context import Context
from sshd.commands.finding import find_project
from storage import open_store

PIECE_BYTES = 256 * 1024


def add_verbs(verbs: Any) -> None:
    """Describe the verbs of `project`."""
    archive = verbs.add_parser(
        "archive",
        help="a project with its history in one file; images stay where they are",
        example="tagline project archive Birds birds.zip",
    )
    archive.add_argument("name")
    archive.add_argument("file", nargs="?", default="-", help="where to; standard output without one")
    archive.set_defaults(act=_archive)
    restore = verbs.add_parser(
        "restore",
        help="bring an archived project in, here or in another installation",
        example="tagline project restore birds.zip --datastore local:/data/birds",
    )
    restore.add_argument("file", type=Path)
    restore.add_argument("--name", help="another name than it had")
    restore.add_argument("--datastore", metavar="URL", help="where its images are now, if elsewhere than before")
    restore.set_defaults(act=_restore)


async def _archive(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.name, Action.CHANGE_PROJECT)
    if args.file == "-":
        await _to_pipe(context, project.name)
        return
    if context.account is not None:
        raise Forbidden("Over SSH an archive goes to standard output: leave the file out and write `> project.zip`.")
    done = await archive_project(context.db, project.name, Path(args.file), now_ms=context.now_ms)
    await context.say(
        f"{args.file}: {done.rows['item']:,} items, {done.rows['assignment']:,} answers and {done.rows['event']:,} events of "
        f"{project.name}, {done.bytes:,} bytes before packing."
    )


async def _to_pipe(context: Context, name: str) -> None:
    with TemporaryDirectory(prefix="tagline-archive-") as folder:
        path = Path(folder, "project.zip")
        await archive_project(context.db, name, path, now_ms=context.now_ms)
        file = await asyncio.to_thread(path.open, "rb")
        with file:
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                await context.stdout(piece)


async def _restore(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.CHANGE_PROJECT)
    if context.account is not None:
        raise Forbidden("A project is restored on the server itself, from a file that is there.")
    datastore = args.datastore
    if datastore is not None:
        datastore = (await asyncio.to_thread(open_store, datastore)).url
    if args.name is not None and (not args.name.strip() or not args.name.isprintable()):
        raise BadInput("A project's name is printable and not empty.")
    with Bar("Restoring") as bar:
        done = await restore_project(
            context.db, args.file, name=args.name, datastore=datastore, now_ms=context.now_ms, on_progress=bar.at
        )
    text = (
        f"{done.name} is here, paused: {done.rows['item']:,} items, {done.rows['assignment']:,} answers, "
        f"{done.rows['event']:,} events. Start it with `project resume`."
    )
    if done.strangers:
        text += f"\nPeople who were not known here are disabled accounts now: {', '.join(done.strangers)}."
    await context.say(text)
