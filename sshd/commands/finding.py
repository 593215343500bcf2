"""What several commands take: projects, items, answers and times, as people write them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from core.annotation import Answer, Region
from core.errors import BadInput
from core.geometry import shape_from_json, shape_to_json
from core.ids import ItemState, LabelId, Source
from core.labels import LabelSet
from core.oversight import browse
from core.oversight.browse import Browsed, Filter
from core.project import projects
from core.project.projects import Project
from core.roles import Action
from core.team import people
from core.team.access import require_in
from core.transfer.items import labels_in_use
from sshd.commands.context import Context

STATES = {state.name.lower().replace("_", "-"): state for state in ItemState}


async def find_project(context: Context, name: str, action: Action = Action.SEE_PROJECT) -> Project:
    """The project of that name, for who may do this there. Raises NotFound, Forbidden."""
    project = await context.db.read(projects.get_project, name)
    await context.db.read(require_in, project.id, context.acting, action)
    return project


async def find_labels(context: Context, project: Project) -> LabelSet:
    """The project's labels, with retired ones that answers still have."""
    return LabelSet(await context.db.read(labels_in_use, project.id))


def time_ms(text: str) -> int:
    """Epoch ms of an ISO date or time, UTC unless it says otherwise; for argparse."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date or time; write 2026-11-25 or 2026-11-25T14:30") from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)


def shown_time(at_ms: int | None) -> str:
    """A time for people, UTC."""
    return "" if not at_ms else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def add_answer(parser: argparse.ArgumentParser) -> None:
    """The options that say an answer."""
    parser.add_argument("--label", action="append", default=[], help="a label of the image; repeat it in multi-label")
    parser.add_argument("--answer", help='JSON, such as {"regions":[{"label":"cat","box":[10,20,90,80]}]}')


def read_answer(args: argparse.Namespace, labels: LabelSet) -> Answer | None:
    """The answer that the options say, or None where they say none. Raises BadInput, NotFound."""
    if args.answer is None:
        return Answer(tuple(labels.by_path(path).id for path in args.label)) if args.label else None
    try:
        body = orjson.loads(args.answer)
        regions = tuple(
            Region(labels.by_path(region["label"]).id, shape_from_json(region)) for region in body.get("regions", [])
        )
        return Answer(tuple(labels.by_path(path).id for path in body.get("labels", [])), regions)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            'The answer is not understood; write {"labels":["cat"]} or '
            '{"regions":[{"label":"cat","box":[x0,y0,x1,y1]}]}, or "polygon":[[x,y],…] for a box.'
        ) from error


def answer_facts(answer: Answer, labels: LabelSet) -> dict[str, Any]:
    """An answer with its labels by path; the form that `--answer` takes."""
    return {
        "labels": [name_of(labels, label) for label in answer.labels],
        "regions": [{"label": name_of(labels, r.label), **shape_to_json(r.shape)} for r in answer.regions],
    }


def answer_text(answer: Answer, labels: LabelSet) -> str:
    """An answer in a few words."""
    if answer.regions:
        counts: dict[str, int] = {}
        for region in answer.regions:
            name = name_of(labels, region.label)
            counts[name] = counts.get(name, 0) + 1
        return ", ".join(f"{n} x {name}" for name, n in counts.items())
    return ", ".join(name_of(labels, label) for label in answer.labels)


def name_of(labels: LabelSet, label: LabelId) -> str:
    """A label's path; of one that is gone, its number."""
    return labels.by_id(label).path if label in labels else f"label {label}"


def add_filter(parser: argparse.ArgumentParser) -> None:
    """The options that choose items."""
    parser.add_argument("--with-label", metavar="LABEL", help="items that have this label")
    parser.add_argument("--labeler", help="items that this user answered")
    parser.add_argument("--state", action="append", default=[], choices=list(STATES), help="repeat it for several")
    parser.add_argument("--source", choices=[source.value for source in Source])
    parser.add_argument("--since", type=time_ms, help="decided at or after this date or time (UTC)")
    parser.add_argument("--until", type=time_ms, help="decided before it")
    seen = parser.add_mutually_exclusive_group()
    seen.add_argument("--reviewed", action="store_true", help="only what a reviewer has decided")
    seen.add_argument("--unreviewed", action="store_true", help="only labeled items that none has looked at")
    parser.add_argument("--score-from", type=float, help="a model was at least so sure of its suggestion, 0 to 1")
    parser.add_argument("--score-until", type=float, help="a model was less sure than this")
    parser.add_argument(
        "--doubted", action="store_true", help="only answers that a model confidently disagrees with, not yet reviewed"
    )
    parser.add_argument("--text", default="", help="part of the path")


async def read_filter(context: Context, args: argparse.Namespace, labels: LabelSet) -> Filter:
    """The filter that the options say. Raises NotFound."""
    labeler = await context.db.read(people.account_by_name, args.labeler) if args.labeler else None
    return Filter(
        states=tuple(STATES[name] for name in args.state),
        label=labels.by_path(args.with_label).id if args.with_label else None,
        labeler=labeler.id if labeler else None,
        source=Source(args.source) if args.source else None,
        since_ms=args.since,
        until_ms=args.until,
        reviewed=True if args.reviewed else (False if args.unreviewed else None),
        score_from=args.score_from,
        score_until=args.score_until,
        doubted=args.doubted,
        text=args.text,
    )


async def chosen_items(context: Context, project: Project, paths: Sequence[str], wanted: Filter) -> tuple[Browsed, ...]:
    """The items of these paths, or all that a filter finds. Raises BadInput where neither is given."""
    if paths:
        found = [await context.db.read(browse.item_by_path, context.acting, project.id, path) for path in paths]
        return tuple(found)
    if wanted == Filter():
        raise BadInput("Name items by their paths, or choose them with a filter such as --with-label or --labeler.")
    items: list[Browsed] = []
    after, here = None, (context.acting, project.id)
    while True:
        page = await browse.full_page(context.db, *here, wanted, limit=browse.MOST, after=after)
        items += page.items
        if len(page.items) < browse.MOST:
            return tuple(items)
        after = page.last


def refusals(refused: Mapping[Any, str], items: Sequence[Browsed]) -> str:
    """What was not done, and why, a line an item."""
    paths = {item.item: item.path for item in items}
    return "".join(f"\n  {paths.get(item, item)}: {reason}" for item, reason in refused.items())
