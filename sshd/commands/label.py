"""`label list|add|rename|merge|recolor|move|retire`: a project's classes, at any time of its life."""

from __future__ import annotations

import argparse
from typing import Any

from core.counts.progress import label_counts
from core.labels import LabelSet
from core.project import label_changes, label_merging, projects
from core.project.label_changes import Afterwards
from core.roles import Action, allowed
from sshd.commands.context import Context, Parser, add_json
from sshd.commands.finding import find_project


def add_to(commands: Any) -> None:
    """Describe the noun."""
    noun = commands.add_parser("label", help="label classes: see, add, change")
    verbs = noun.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=Parser)
    listing = verbs.add_parser("list", help="the labels in their order", example="tagline label list Birds")
    add_json(listing)
    _verb(listing, _list)
    add = verbs.add_parser(
        "add", help="add labels to a paused project", example="tagline label add Birds Owl/Barn --then continue"
    )
    _verb(add, _add)
    add.add_argument("label", nargs="+", help="paths such as Animal/Cat")
    add.add_argument(
        "--then",
        required=True,
        choices=[choice.value for choice in Afterwards],
        help="start over without labels, start over with labels so far as defaults, or continue and keep",
    )
    rename = verbs.add_parser("rename", help="another name", example="tagline label rename Birds robbin robin")
    _verb(rename, _rename)
    rename.add_argument("label")
    rename.add_argument("name", help="the new name, without its parents")
    merge = verbs.add_parser(
        "merge", help="make one label of two in a paused project", example="tagline label merge Birds robbin robin"
    )
    _verb(merge, _merge)
    merge.add_argument("label", help="the label that goes")
    merge.add_argument("into", help="the label that stays")
    recolor = verbs.add_parser("recolor", help="another colour", example="tagline label recolor Birds robin '#e69f00'")
    _verb(recolor, _recolor)
    recolor.add_argument("label")
    recolor.add_argument("color")
    move = verbs.add_parser("move", help="another place in the order", example="tagline label move Birds robin 1")
    _verb(move, _move)
    move.add_argument("label")
    move.add_argument("position", type=int, help="from 1; the first nine have the number keys")
    retire = verbs.add_parser(
        "retire", help="take a label, and those below it, out of the choice", example="tagline label retire Birds jay"
    )
    _verb(retire, _retire)
    retire.add_argument("label")


def _verb(parser: argparse.ArgumentParser, act: Any) -> None:
    parser.add_argument("project")
    parser.set_defaults(act=act)


async def _list(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project)
    labels = LabelSet(await context.db.read(projects.label_classes, project.id))
    sees_counts = allowed(context.role, Action.SEE_PROGRESS)
    uses = await context.db.read(label_counts, project.id) if sees_counts else {}
    rows = [
        {"key": labels.number_of(label.id) or "", "label": label.path, "color": label.color}
        | ({"uses": uses.get(label.id, 0)} if sees_counts else {})
        for label in labels
    ]
    await context.show(rows, as_json=args.json)


async def _add(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project)
    choice = Afterwards(args.then)
    again = await context.db.write(
        label_changes.add_labels, context.acting, project.id, args.label, choice, now_ms=context.now_ms
    )
    told = f", and {again:,} images are to be labeled again" if choice is not Afterwards.CONTINUE else ""
    await context.say(f"Added{told}. Resume with: tagline project resume {args.project}")


async def _rename(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project)
    label = await context.db.write(
        label_changes.rename_label, context.acting, project.id, args.label, args.name, now_ms=context.now_ms
    )
    await context.say(f"{args.label} is {label.path} now.")


async def _merge(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project)
    items = await context.db.write(
        label_merging.merge_labels, context.acting, project.id, args.label, args.into, now_ms=context.now_ms
    )
    await context.say(f"{args.label} is part of {args.into} now; {items:,} items had it.")


async def _recolor(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project)
    await context.db.write(
        label_changes.recolor_label, context.acting, project.id, args.label, args.color, now_ms=context.now_ms
    )
    await context.say(f"{args.label} has the colour {args.color.lower()} now.")


async def _move(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project)
    await context.db.write(
        label_changes.move_label, context.acting, project.id, args.label, args.position, now_ms=context.now_ms
    )
    await context.say(f"{args.label} is at place {args.position} now.")


async def _retire(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project)
    gone = await context.db.write(
        label_changes.retire_label, context.acting, project.id, args.label, now_ms=context.now_ms
    )
    await context.say(f"{gone} labels can no longer be chosen; answers that have them keep them.")
