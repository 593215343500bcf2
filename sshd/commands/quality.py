"""`assign`, `gold add|remove|report`, `agreement`: who labels what, and how well."""

from __future__ import annotations

import argparse
from typing import Any

from core.errors import BadInput
from core.ids import ItemKind
from core.labeling import assigning, gold
from core.labeling.assigning import Todo
from core.oversight import agreement, browse
from core.roles import Action
from core.team import people
from sshd.commands.context import Context, Parser, add_json
from sshd.commands.finding import add_answer, find_labels, find_project, name_of, read_answer

KINDS = {kind.name.lower(): kind for kind in ItemKind}


def add_to(commands: Any) -> None:
    """Describe the commands."""
    assign = commands.add_parser(
        "assign",
        help="give items still to do to labelers",
        example="tagline assign Birds --text night/ --to alice --to bob",
    )
    assign.add_argument("project")
    assign.add_argument("path", nargs="*", help="items; without any, all that the options choose")
    assign.add_argument("--text", default="", help="part of the path")
    assign.add_argument("--kind", choices=list(KINDS))
    assign.add_argument("--limit", type=int, help="at most so many, in the queue's order")
    to = assign.add_mutually_exclusive_group(required=True)
    to.add_argument("--to", action="append", default=[], metavar="USER", help="repeat it: items are dealt out")
    to.add_argument("--nobody", action="store_true", help="give them back to everybody")
    assign.set_defaults(act=_assign)
    noun = commands.add_parser("gold", help="items with known answers, mixed in unseen")
    verbs = noun.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=Parser)
    add = verbs.add_parser("add", help="make items gold", example="tagline gold add Birds a/1.jpg --label robin")
    add.add_argument("project")
    add.add_argument("path", nargs="+")
    add_answer(add)
    add.set_defaults(act=_add_gold)
    remove = verbs.add_parser("remove", help="make them ordinary again", example="tagline gold remove Birds a/1.jpg")
    remove.add_argument("project")
    remove.add_argument("path", nargs="+")
    remove.set_defaults(act=_remove_gold)
    report = verbs.add_parser("report", help="how labelers do on gold", example="tagline gold report Birds --json")
    report.add_argument("project")
    add_json(report)
    report.set_defaults(act=_report)
    figures = commands.add_parser(
        "agreement", help="how far labelers agree, by label and by labeler", example="tagline agreement Birds"
    )
    figures.add_argument("project")
    add_json(figures)
    figures.set_defaults(act=_agreement)


async def _assign(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project, Action.ASSIGN)
    to = [await context.db.read(people.account_by_name, name) for name in args.to]
    items = tuple([await _item(context, project.id, path) for path in args.path])
    which = Todo(items, args.text, KINDS[args.kind] if args.kind else None, limit=args.limit)
    n = await context.db.write(assigning.assign, context.acting, project.id, which, to, now_ms=context.now_ms)
    await context.say(f"{n:,} items given to {', '.join(args.to) or 'everybody'}.")


async def _item(context: Context, project: Any, path: str) -> Any:
    return (await context.db.read(browse.item_by_path, context.acting, project, path)).item


async def _add_gold(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project, Action.REVIEW)
    answer = read_answer(args, await find_labels(context, project))
    known = {await _item(context, project.id, path): answer for path in args.path}
    n = await context.db.write(gold.add_gold, context.acting, project.id, known, now_ms=context.now_ms)
    await context.say(
        f"{n:,} items are gold now. How many of each labeler's items are gold: tagline project set {args.project} --gold 0.05"
    )


async def _remove_gold(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project, Action.REVIEW)
    items = [await _item(context, project.id, path) for path in args.path]
    n = await context.db.write(gold.remove_gold, context.acting, project.id, items, now_ms=context.now_ms)
    if not n:
        raise BadInput("None of these is a gold item; nothing was changed.")
    await context.say(f"{n:,} items are ordinary labeled items now.")


async def _report(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project, Action.REVIEW)
    found = await context.db.read(gold.accuracies, context.acting, project.id)
    rows = [
        {"labeler": one.name, "answered": one.answered, "right": one.right, "score": round(one.score, 3)}
        for one in found
    ]
    await context.show(rows, as_json=args.json, empty="Nobody has met a gold item yet.")


async def _agreement(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project, Action.SEE_PROGRESS)
    labels = await find_labels(context, project)
    found = await context.db.read(agreement.agreement, context.acting, project.id)
    by_label: list[dict[str, Any]] = [
        {"label": name_of(labels, label), found.kind: _figure(value)} for label, value in found.by_label.items()
    ]
    by_labeler = [
        {"labeler": one.name, "items": one.items, "likeness": _figure(one.likeness), "kappa": _figure(one.kappa)}
        for one in found.by_labeler
    ]
    if args.json:
        whole: dict[str, Any] = {"items": found.items, "likeness": found.likeness, "alpha": found.alpha}
        await context.json({**whole, "labels": by_label, "labelers": by_labeler})
        return
    if not found.items:
        await context.say("No item has been answered by several labelers yet.")
        return
    whole = {"items": found.items, "likeness": _figure(found.likeness), "Krippendorff's alpha": _figure(found.alpha)}
    for rows in ([whole], by_label, by_labeler):
        await context.show(rows, as_json=False)
        await context.say("")


def _figure(value: float | None) -> float | str:
    return "" if value is None else round(value, 3)
