"""`export PROJECT --format coco`: to a file, a pipe, or through SSH."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core.errors import BadInput, Forbidden
from core.roles import Action
from exporters.coco import export_coco
from sshd.commands.context import Context


def add_to(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "export", help="write labels in a standard format", example="tagline export Birds --format coco -o labels.json"
    )
    parser.add_argument("project")
    parser.add_argument("--format", choices=["coco"], default="coco")
    parser.add_argument("-o", "--output", default="-", help="a file, or - for standard output (default)")
    parser.add_argument("--all", action="store_true", help="unlabeled images too")
    parser.set_defaults(act=_export)


async def _export(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.EXPORT)
    if args.output == "-":
        await export_coco(context.db, args.project, context.stdout, all_items=args.all, now_ms=context.now_ms)
        return
    if context.account is not None:
        raise Forbidden("Over SSH an export goes to standard output: leave -o out and write `> labels.json`.")
    await _to_file(context, args, Path(args.output))


async def _to_file(context: Context, args: argparse.Namespace, path: Path) -> None:
    """Write beside the file and rename, so that a broken export never looks like a whole one."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:

            async def write(data: bytes) -> None:
                file.write(data)

            done = await export_coco(context.db, args.project, write, all_items=args.all, now_ms=context.now_ms)
        part.replace(path)
    except OSError as error:
        raise BadInput(f"The export cannot be written to {path}: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
    await context.say(f"{path}: {done.images} images, {done.annotations} annotations, sha256 {done.sha256}.")
