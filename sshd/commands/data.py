"""`data import|labels`: bring images in, and labels that were made elsewhere."""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from core.errors import BadInput, Forbidden, NotFound
from core.project.projects import Project
from core.roles import Action
from exporters.importers.background import DONE, ask_labels
from exporters.importers.compare import As
from exporters.importers.formats import IMPORTERS
from exporters.importers.run import AUTO, Wish, compare, write
from sshd.commands.bar import Bar
from sshd.commands.context import Context, Parser, add_json
from sshd.commands.finding import find_project
from sshd.commands.label_report import report
from sshd.commands.project import load
from sshd.commands.waiting import done_behind
from sshd.incoming import open_incoming
from sshd.limits import Limits
from storage.base import NoSuchFile, StorageError
from storage.images import is_image_path
from storage.waiting import waited

OPERATORS = Limits(upload_mb=2048, uploads_project_mb=1_000_000_000)


def add_to(commands: Any) -> None:
    """Describe the noun."""
    noun = commands.add_parser("data", help="bring files and labels in")
    verbs = noun.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=Parser)
    load_new = verbs.add_parser(
        "import",
        help="add files that are new in the project's folder, or files of this machine",
        example="tagline data import Birds new/1.jpg new/2.jpg",
    )
    load_new.add_argument("project")
    load_new.add_argument("file", nargs="*", type=Path, help="images, or folders of them, that are copied in")
    load_new.set_defaults(act=_import)
    labels = verbs.add_parser(
        "labels",
        help="take labels from a file that another tool, or Tagline, wrote",
        example="tagline data labels Birds instances.json --as labels --dry-run",
    )
    labels.add_argument("project")
    labels.add_argument("file", type=Path, help="a file, a folder or a .zip; over SSH, one that was sent by scp")
    kinds = "; ".join(f"{importer.name}: {importer.summary}" for importer in IMPORTERS.values())
    labels.add_argument("--format", choices=[AUTO, *IMPORTERS], default=AUTO, help=f"{kinds} (default: found out)")
    labels.add_argument("--as", dest="use", choices=list(USES), default=As.LABELS.value, help=_uses())
    labels.add_argument("--dry-run", action="store_true", help="only say what would happen")
    labels.add_argument("--map", action="append", default=[], metavar="THEIRS=OURS", help="a label's name in the file")
    labels.add_argument("--replace", action="store_true", help="take the place of other answers that items have")
    labels.add_argument(
        "--fit", action="store_true", help="cut regions at the image's edge, untangle crossing outlines"
    )
    labels.add_argument("--skip-empty", action="store_true", help="an image without regions is not labeled")
    add_json(labels)
    labels.set_defaults(act=_labels)


USES = {
    As.LABELS.value: "current answers",
    As.PRELABELS.value: "suggestions that labelers confirm or correct",
    As.GOLD.value: "known answers of gold items",
}


def _uses() -> str:
    return "what they become: " + "; ".join(f"{name}: {what}" for name, what in USES.items()) + " (default: labels)"


async def _import(context: Context, args: argparse.Namespace) -> int:
    project = await find_project(context, args.project, Action.IMPORT)
    if not args.file:
        await load(context, project)
        return 0
    if context.account is not None:
        raise Forbidden(
            f"Over SSH files are sent by scp: scp -P PORT FILES {context.account.name}@HOST:/{project.name}/"
        )
    return await _send(context, project, await asyncio.to_thread(_files, args.file))


def _files(given: list[Path]) -> list[tuple[str, Path]]:
    """Files with the names that they get: a folder's keep its name before theirs."""
    found: list[tuple[str, Path]] = []
    for path in given:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.is_file() and is_image_path(one.name))
            found += [(f"{path.resolve().name}/{one.relative_to(path).as_posix()}", one) for one in inside]
        elif path.is_file():
            found.append((path.name, path))
        else:
            raise BadInput(f"There is no file {path}; nothing was copied.")
    return found


async def _send(context: Context, project: Project, files: list[tuple[str, Path]]) -> int:
    incoming = await open_incoming(context.db, context.acting, project.name, Path(gettempdir()), OPERATORS)
    done: Counter[str] = Counter()
    with Bar(f"Sending to {project.name}") as bar:
        for n, (name, path) in enumerate(files, start=1):
            try:
                await incoming.require(name, path.stat().st_size)
                done[(await incoming.take(name, await asyncio.to_thread(path.read_bytes))).partition(":")[0]] += 1
            except (BadInput, StorageError, OSError) as error:
                done["refused"] += 1
                await context.complain(f"{path}: {error}")
            bar.at(n, len(files))
    counts = ", ".join(f"{n:,} {what}" for what, n in sorted(done.items())) or "no image"
    await context.say(f"{project.name}: {counts}. They lie in {incoming.store.url}/{incoming.folder}.")
    return 1 if done["refused"] else 0


async def _labels(context: Context, args: argparse.Namespace) -> int:
    """On the server at once, in this process; over SSH by the server's worker, which goes on when the connection breaks."""
    project = await find_project(context, args.project, Action.IMPORT)
    wish = Wish(args.format, As(args.use), _mapped(args.map), args.replace, args.fit, args.skip_empty)
    take = _take_here if context.account is None else _take_behind
    facts, written = await take(context, project, args.file, wish, args.dry_run)
    if args.json:
        await context.json({**facts, "written": written})
    else:
        await context.say(report(facts, written, wish.use))
    return 0 if facts["to_write"] or facts["same"] else 1


Taken = tuple[Mapping[str, Any], int | None]


async def _take_here(context: Context, project: Project, path: Path, wish: Wish, dry_run: bool) -> Taken:
    found = await compare(context.db, context.acting, project, path, wish)
    if dry_run:
        return found.facts(), None
    return found.facts(), await write(context.db, context.acting, project, found, wish, now_ms=context.now_ms)


async def _take_behind(context: Context, project: Project, given: Path, wish: Wish, dry_run: bool) -> Taken:
    incoming = await open_incoming(context.db, context.acting, project.name, Path(gettempdir()), Limits())
    file = incoming.path_of(given.as_posix().removeprefix(f"/{project.name}/"))
    try:
        await waited(lambda: incoming.store.head(file))
    except NoSuchFile:
        raise NotFound(
            f"Nothing named {given} was sent to {project.name}; send it first: "
            f"scp -P PORT {given.name} {context.acting.name}@HOST:/{project.name}/"
        ) from None

    async def ask() -> int:
        return await context.db.write(
            ask_labels, context.acting, project, file, wish, dry_run=dry_run, now_ms=context.now_ms
        )

    said = await done_behind(context, project, "Taking the labels in", ask, allowed=Action.IMPORT, tells=DONE[dry_run])
    return said["report"], said.get("written")


def _mapped(given: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    for theirs, sign, ours in pairs:
        if not (theirs and sign and ours):
            raise BadInput(f"--map takes THEIRS=OURS, such as --map dog=Animal/Dog, not {theirs + sign + ours!r}.")
    return {theirs: ours for theirs, _, ours in pairs}
