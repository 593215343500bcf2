"""`project create|list|status|pause|resume|delete|member`."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from core.counts import progress
from core.errors import BadInput, Forbidden
from core.ids import AccountId, ProjectState, Role, TaskType
from core.intake.imports import ask_import
from core.intake.ingest import IMPORTED, ImportReport, import_files
from core.labels import LabelSet
from core.project import projects
from core.project.projects import NewProject, Project, ProjectSummary
from core.roles import Action
from core.team import people
from core.team.people import Account
from sshd.commands import moving, settings
from sshd.commands.bar import Bar
from sshd.commands.context import Context, Parser, add_json
from sshd.commands.finding import find_project
from sshd.commands.waiting import done_behind
from storage import open_store
from storage.images import is_image_path

STATES = {"pause": ProjectState.PAUSED, "resume": ProjectState.RUNNING, "delete": ProjectState.DELETED}


def add_to(commands: Any) -> None:
    """Describe the noun."""
    noun = commands.add_parser("project", help="make, see and steer projects")
    verbs = noun.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=Parser)
    create = verbs.add_parser(
        "create",
        help="make a project from a folder of images",
        example="tagline project create Birds --type multi-class --folder /data/birds --label robin --label wren",
    )
    create.add_argument("name")
    create.add_argument("--type", required=True, choices=[kind.value for kind in TaskType])
    images = create.add_mutually_exclusive_group(required=True)
    images.add_argument("--folder", type=Path, help="the folder of images")
    images.add_argument("--datastore", metavar="URL", help="where the images are: azure://ACCOUNT/CONTAINER[/FOLDER]")
    create.add_argument("--pattern", default="**", help="which files below it, such as train/** (default: all)")
    create.add_argument("--label", action="append", default=[], help="a label, or a path such as Animal/Cat; repeat it")
    create.add_argument("--labels-file", type=Path, help="labels, one a line")
    create.add_argument("--instructions", type=Path, help="a Markdown file")
    create.add_argument("--lease", type=int, default=projects.DEFAULT_LEASE_S, help="seconds that a page stays in hand")
    create.add_argument("--seed", type=int, help="the seed of the items' random order")
    create.add_argument("--member", action="append", default=[], help="a user who may label it; repeat it")
    create.set_defaults(act=_create)
    listing = verbs.add_parser("list", help="projects and how far they are", example="tagline project list --json")
    add_json(listing)
    listing.set_defaults(act=_list)
    status = verbs.add_parser("status", help="one project in full", example="tagline project status Birds")
    status.add_argument("name")
    add_json(status)
    status.set_defaults(act=_status)
    for verb in STATES:
        change = verbs.add_parser(
            verb,
            help=f"{verb} a project",
            example=f"tagline project {verb} Birds" + (" --yes" if verb == "delete" else ""),
        )
        change.add_argument("name")
        if verb == "delete":
            change.add_argument("--yes", action="store_true", help="do it; the name is never free again")
        change.set_defaults(act=_set_state)
    member = verbs.add_parser(
        "member", help="give a project to a user", example="tagline project member Birds alice --role labeler"
    )
    member.add_argument("name")
    member.add_argument("user")
    member.add_argument("--role", choices=[role.value for role in Role], default=Role.LABELER.value)
    member.add_argument("--remove", action="store_true", help="take it away instead")
    member.set_defaults(act=_member)
    settings.add_verbs(verbs)
    moving.add_verbs(verbs)


async def _create(context: Context, args: argparse.Namespace) -> int:
    context.require(Action.CHANGE_PROJECT)
    if context.account is not None:
        raise Forbidden("A project from a folder of the server is made on the server itself.")
    store = await asyncio.to_thread(open_store, args.datastore or f"local:{args.folder}")
    files = await asyncio.to_thread(lambda: sum(is_image_path(file.path) for file in store.list(args.pattern)))
    if not files:
        raise BadInput(
            f"Nothing to label: no image in {args.folder or store.url} matches the pattern {args.pattern!r}."
        )
    new = NewProject(
        args.name,
        TaskType(args.type),
        store.url,
        await asyncio.to_thread(_labels, args),
        args.pattern,
        instructions=await asyncio.to_thread(_read, args.instructions) if args.instructions else "",
        lease_s=args.lease,
        seed=args.seed,
    )
    members = [await context.db.read(people.account_by_name, name) for name in args.member]
    project = await context.db.write(projects.create_project, new, by=context.by, now_ms=context.now_ms)
    await give(context, project, members)
    await load(context, project)
    return 0


def _labels(args: argparse.Namespace) -> tuple[str, ...]:
    lines = _read(args.labels_file).splitlines() if args.labels_file else []
    return (*args.label, *(line.strip() for line in lines if line.strip()))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadInput(
            f"The file {path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}."
        ) from error


async def give(context: Context, project: Project, members: list[Account]) -> None:
    """Let these accounts label the project."""
    for account in members:
        role = Role.LABELER if account.role is Role.ADMIN else account.role
        await context.db.write(people.add_member, project.id, account.id, role, by=context.by, now_ms=context.now_ms)


async def _load_here(context: Context, project: Project) -> ImportReport:
    with Bar(f"Loading {project.name}") as bar:
        return await import_files(
            context.db,
            project.id,
            open_store(project.datastore),
            by=context.by,
            now_ms=lambda: context.now_ms,
            on_progress=bar.at,
        )


async def _load_behind(context: Context, project: Project) -> ImportReport:
    """Over SSH the server's worker loads."""

    async def ask() -> int:
        return await context.db.write(ask_import, context.acting, project.id, now_ms=context.now_ms)

    told = await done_behind(context, project, "Loading the files", ask, allowed=Action.IMPORT, tells=IMPORTED)
    return ImportReport(**told)


async def load(context: Context, project: Project) -> None:
    """Bring the project's files in, with a bar where a person watches."""
    report = await (_load_here if context.account is None else _load_behind)(context, project)
    text = f"{project.name}: {report.added} new items of {report.found} images"
    for count, word in (
        (report.unreadable, "unreadable"),
        (report.over_cap, "over the cap"),
        (report.ignored, "no images"),
    ):
        text += f", {count} {word}" if count else ""
    await context.say(text + ".")


async def _list(context: Context, args: argparse.Namespace) -> None:
    viewer = context.account or Account(AccountId(0), "operator", Role.ADMIN)
    found = await context.db.read(projects.list_projects, viewer)
    await context.show([_row(summary) for summary in found], as_json=args.json, empty="There is no project yet.")


def _row(summary: ProjectSummary) -> dict[str, Any]:
    project, done = summary.project, summary.progress
    return {
        "name": project.name, "type": project.task_type.value, "state": project.state.value, "items": done.total,
        "labeled": done.labeled, "skipped": done.skipped, "unreadable": done.unreadable, "todo": done.todo,
    }  # fmt: skip


async def _status(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.name, Action.SEE_PROJECT)
    done = await context.db.read(progress.project_progress, project.id)
    facts = _row(ProjectSummary(project, context.role, done)) | {"in hand": done.in_hand, "order seed": project.seed}
    if not context.may(Action.SEE_PROGRESS):
        await context.show([facts], as_json=args.json)
        return
    labels = LabelSet(await context.db.read(projects.label_classes, project.id))
    uses = await context.db.read(progress.label_counts, project.id)
    people_rows = await context.db.read(progress.labeler_counts, project.id)
    if args.json:
        by_label = {label.path: uses.get(label.id, 0) for label in labels}
        by_labeler = {row.name: {"done": row.done, "skipped": row.skipped} for row in people_rows}
        await context.show([facts | {"labels": by_label, "labelers": by_labeler}], as_json=True)
        return
    await context.show([facts], as_json=False)
    await context.say("")
    await context.show([{"label": label.path, "images": uses.get(label.id, 0)} for label in labels], as_json=False)
    if people_rows:
        await context.say("")
        rows = [{"labeler": row.name, "done": row.done, "skipped": row.skipped} for row in people_rows]
        await context.show(rows, as_json=False)


async def _set_state(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.CHANGE_PROJECT)
    project = await context.db.read(projects.get_project, args.name)
    if args.verb == "delete" and not args.yes:
        raise BadInput(f"Deleting {args.name!r} cannot be undone and its name is never free again; add --yes to do it.")
    state = STATES[args.verb]
    await context.db.write(projects.set_state, project.id, state, by=context.by, now_ms=context.now_ms)
    await context.say(f"{args.name} is {state}.")


async def _member(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.MANAGE_PEOPLE)
    project = await context.db.read(projects.get_project, args.name)
    account = await context.db.read(people.account_by_name, args.user)
    at = {"by": context.by, "now_ms": context.now_ms}
    if args.remove:
        await context.db.write(people.remove_member, project.id, account.id, **at)  # type: ignore[arg-type]
        await context.say(f"{args.user} is no member of {args.name} any more.")
        return
    await context.db.write(people.add_member, project.id, account.id, Role(args.role), **at)  # type: ignore[arg-type]
    await context.say(f"{args.user} is a member of {args.name}; role: {args.role}.")
