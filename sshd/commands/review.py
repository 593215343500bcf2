"""`review list|show|approve|reject|correct|resolve`: what leads do with answers."""

from __future__ import annotations

import argparse
from typing import Any

from core.annotation import Receipt
from core.errors import BadInput
from core.ids import ItemId
from core.labels import LabelSet
from core.oversight import browse, review
from core.oversight.browse import Browsed, Place
from core.roles import Action
from core.team import people
from sshd.commands.context import Context, Parser, add_json
from sshd.commands.finding import (
    add_answer,
    add_filter,
    answer_facts,
    answer_text,
    chosen_items,
    find_labels,
    find_project,
    read_answer,
    read_filter,
    refusals,
    shown_time,
)


def add_to(commands: Any) -> None:
    """Describe the noun."""
    noun = commands.add_parser("review", help="look at answers: approve, correct, reject, settle conflicts")
    verbs = noun.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=Parser)
    listing = verbs.add_parser(
        "list", help="items by filter", example="tagline review list Birds --with-label robin --unreviewed"
    )
    listing.add_argument("project")
    add_filter(listing)
    listing.add_argument("--limit", type=int, default=50)
    listing.add_argument("--after", help="go on after this place, as --json prints it in `next`")
    listing.add_argument("--last", action="store_true", help="the last page instead of the first")
    add_json(listing)
    listing.set_defaults(act=_list)
    show = verbs.add_parser(
        "show", help="one item: its answers side by side, its history", example="tagline review show Birds a/1.jpg"
    )
    show.add_argument("project")
    show.add_argument("path")
    add_json(show)
    show.set_defaults(act=_show)
    approve = verbs.add_parser(
        "approve", help="confirm answers", example="tagline review approve Birds --labeler alice --with-label robin"
    )
    _many(approve, _approve)
    reject = verbs.add_parser(
        "reject", help="send answers back, with why", example='tagline review reject Birds a/1.jpg --comment "a wren"'
    )
    reject.add_argument("--comment", required=True, help="what the labeler reads")
    _many(reject, _reject)
    correct = verbs.add_parser(
        "correct", help="put your own answer in place", example="tagline review correct Birds a/1.jpg --label wren"
    )
    add_answer(correct)
    _many(correct, _correct)
    resolve = verbs.add_parser(
        "resolve",
        help="settle a conflict with one of its answers, or your own",
        example="tagline review resolve Birds a/1.jpg --choose alice",
    )
    resolve.add_argument("project")
    resolve.add_argument("path")
    resolve.add_argument("--choose", metavar="USER", help="take this labeler's answer")
    add_answer(resolve)
    resolve.set_defaults(act=_resolve)


def _many(parser: argparse.ArgumentParser, act: Any) -> None:
    """A command for items by path or by filter."""
    parser.add_argument("project")
    parser.add_argument("path", nargs="*", help="items; without any, a filter chooses")
    add_filter(parser)
    parser.set_defaults(act=act)


async def _list(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project, Action.REVIEW)
    labels = await find_labels(context, project)
    page = await browse.full_page(
        context.db,
        context.acting,
        project.id,
        await read_filter(context, args, labels),
        limit=args.limit,
        after=_place(args.after),
        from_end=args.last,
    )
    rows = [_row(item, labels) for item in page.items]
    if args.json:
        after = None if page.last is None else f"{page.last.at_ms}:{page.last.item}"
        await context.json({"items": [_facts(item, labels) for item in page.items], "next": after})
    else:
        await context.show(rows, as_json=False, empty="No item is like that.")


def _place(text: str | None) -> Place | None:
    if text is None:
        return None
    at_ms, _, item = text.partition(":")
    if not (at_ms.isdecimal() and item.isdecimal()):
        raise BadInput(f"{text!r} is no place; take `next` from the page before.")
    return Place(int(at_ms), ItemId(int(item)))


def _row(item: Browsed, labels: LabelSet) -> dict[str, Any]:
    return {
        "path": item.path, "state": item.state.name.lower().replace("_", " "), "answer": answer_text(item.answer, labels),
        "by": ", ".join(item.labelers), "when": shown_time(item.stamp_ms), "reviewed": "yes" if item.reviewed else "",
    }  # fmt: skip


def _facts(item: Browsed, labels: LabelSet) -> dict[str, Any]:
    return {
        "path": item.path, "state": item.state.name.lower(), "answer": answer_facts(item.answer, labels),
        "labelers": item.labelers, "source": item.source, "decided_ms": item.stamp_ms or None,
        "reviewed": item.reviewed, "score": item.score, "gold": item.is_gold, "reason": item.reason, "size": item.size_wh,
    }  # fmt: skip


async def _show(context: Context, args: argparse.Namespace) -> None:
    project = await find_project(context, args.project, Action.REVIEW)
    labels = await find_labels(context, project)
    item = await context.db.read(browse.item_by_path, context.acting, project.id, args.path)
    given = await context.db.read(review.answers, context.acting, project.id, item.item)
    past = await context.db.read(review.history, context.acting, project.id, item.item)
    if args.json:
        answers = [
            {"by": one.name, "state": one.state.name.lower(), "answer": answer_facts(one.answer, labels)}
            for one in given
        ]
        events = [{"at_ms": e.at_ms, "what": e.what, "by": e.name, "body": e.body} for e in past]
        await context.json({**_facts(item, labels), "answers": answers, "history": events})
        return
    await context.show([_row(item, labels)], as_json=False)
    await context.say("")
    rows = [{"labeler": one.name, "answer": answer_text(one.answer, labels)} for one in given]
    await context.show(rows, as_json=False, empty="Nobody's answer counts now.")
    await context.say("")
    events = [{"when": shown_time(e.at_ms), "what": e.what, "by": e.name, "": e.body.get("comment", "")} for e in past]
    await context.show(events, as_json=False, empty="Nothing happened to it yet.")


async def _approve(context: Context, args: argparse.Namespace) -> int:
    project, items, _ = await _chosen(context, args)
    seen = {item.item: item.stamp_ms for item in items}
    receipt = await context.db.write(review.approve, context.acting, project.id, seen, now_ms=context.now_ms)
    return await _tell(context, "approved", receipt, items)


async def _reject(context: Context, args: argparse.Namespace) -> int:
    project, items, _ = await _chosen(context, args)
    seen = {item.item: item.stamp_ms for item in items}
    receipt = await context.db.write(
        review.reject, context.acting, project.id, seen, args.comment, now_ms=context.now_ms
    )
    return await _tell(context, "rejected; they come back to their labelers first", receipt, items)


async def _correct(context: Context, args: argparse.Namespace) -> int:
    project, items, labels = await _chosen(context, args)
    answer = read_answer(args, labels)
    if answer is None:
        raise BadInput("Say the right answer with --label or --answer.")
    wanted = {item.item: (item.stamp_ms, answer) for item in items}
    receipt = await context.db.write(review.correct, context.acting, project.id, wanted, now_ms=context.now_ms)
    return await _tell(context, "corrected", receipt, items)


async def _resolve(context: Context, args: argparse.Namespace) -> int:
    project = await find_project(context, args.project, Action.REVIEW)
    item = await context.db.read(browse.item_by_path, context.acting, project.id, args.path)
    answer = read_answer(args, await find_labels(context, project))
    if (args.choose is None) == (answer is None):
        raise BadInput("Settle it with either --choose USER, or your own --label or --answer.")
    at = {"now_ms": context.now_ms}
    if answer is not None:
        wanted = {item.item: (item.stamp_ms, answer)}
        receipt = await context.db.write(review.correct, context.acting, project.id, wanted, what="item-resolved", **at)
    else:
        chosen = await context.db.read(people.account_by_name, args.choose)
        receipt = await context.db.write(
            review.resolve, context.acting, project.id, item.item, item.stamp_ms, chosen.id, **at
        )
    return await _tell(context, "resolved", receipt, (item,))


async def _chosen(context: Context, args: argparse.Namespace) -> Any:
    project = await find_project(context, args.project, Action.REVIEW)
    labels = await find_labels(context, project)
    return project, await chosen_items(context, project, args.path, await read_filter(context, args, labels)), labels


async def _tell(context: Context, what: str, receipt: Receipt, items: tuple[Browsed, ...]) -> int:
    """What was done; status 1 where something was refused."""
    if receipt.accepted or not receipt.refused:
        await context.say(f"{len(receipt.accepted):,} items {what}.")
    if receipt.refused:
        await context.complain(
            f"{len(receipt.refused):,} items were left as they are:{refusals(receipt.refused, items)}"
        )
    return int(bool(receipt.refused))
