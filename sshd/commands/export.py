"""`export PROJECT --format F`: to a file, a folder, a pipe, or through SSH."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core.errors import Forbidden
from core.roles import Action
from exporters.formats import FORMATS
from exporters.run import export_to_path, export_to_pipe
from sshd.commands.context import Context


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
    parser.set_defaults(act=_export)


async def _export(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.EXPORT)
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
