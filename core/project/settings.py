"""What of a project can still change, and changing it: checked, one audit event a change with before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import Connection, select, update

from core.assist import settings as assist_settings
from core.consensus import Quorum, classes_of
from core.counts import tally
from core.db.tables import ASSIGNMENT, IS_LEASED, IS_SUBMITTED, ITEM, PROJECT
from core.errors import BadInput, NotFound, Stale
from core.ids import ItemId, ItemKind, ItemState, ProjectId, ProjectState, Source, TaskType
from core.labeling import decisions
from core.labeling.decisions import Change, Standing
from core.labeling.settling import answers_of, leases_of, standing
from core.roles import Action
from core.team import audit
from core.team.access import actor, require_in
from core.team.audit import Happening
from core.team.people import Account

LEAST_REFRESH_S = 60
MOST_TEXT = 200_000
_BATCH = 2000


@dataclass(frozen=True)
class Settings:
    """Everything of a project that an admin can change after it was made.

    Attributes:
        lease_s: how long a page stays in a labeler's hands, in seconds.
        least_iou: overlap from which two labelers' regions are the same one, over 0 to 1.
        gold_rate: part of each labeler's items that are gold, 0 to 0.5.
        refresh_every_s: seconds between looks for new files; 0 is never.
        assist: settings of the learning worker, by name.
    """

    instructions: str
    lease_s: int
    max_items: int
    min_labelers: int
    max_labelers: int
    least_iou: float
    gold_rate: float
    refresh_every_s: int
    assist: Mapping[str, Any]


def settings_of(conn: Connection, project: ProjectId) -> Settings:
    """The project's settings as they stand. Raises NotFound."""
    row = conn.execute(select(PROJECT).where(PROJECT.c.id == project)).one_or_none()
    if row is None:
        raise NotFound("That project is gone.")
    return Settings(
        row.instructions, row.lease_s, row.max_items, row.min_labelers, row.max_labelers,
        float(row.quality.get("iou", 0.5)), float(row.quality.get("gold_rate", 0.0)), row.refresh_every_s, row.assist,
    )  # fmt: skip


def change_settings(
    conn: Connection, by: Account, project: ProjectId, changes: Mapping[str, Any], *, now_ms: int
) -> Settings:
    """Change settings by name; returns all as they stand then. What is as it was leaves no trace.

    Raises:
        BadInput: an unknown name, an impossible value, or a change of consensus while the project runs.
        Forbidden: only admins change settings.
        Stale: somebody else changed the project just now.
    """
    require_in(conn, project, by, Action.CHANGE_PROJECT)
    before = settings_of(conn, project)
    unknown = set(changes) - {f.name for f in fields(Settings)}
    if unknown:
        raise BadInput(f"A project has no setting {sorted(unknown)[0]!r}.")
    after = replace(before, **changes)
    check(after)
    changed = {f.name for f in fields(Settings) if getattr(before, f.name) != getattr(after, f.name)}
    if not changed:
        return after
    if changed & {"min_labelers", "max_labelers", "least_iou"}:
        _change_quorum(conn, project, before, after, now_ms=now_ms)
    _store(conn, project, after)
    body = {name: {"before": getattr(before, name), "after": getattr(after, name)} for name in sorted(changed)}
    audit.record(conn, [Happening("setting-changed", actor(by), project, body=body)], now_ms=now_ms)
    return after


def check(settings: Settings) -> None:
    """Refuse settings that no project can have. Raises BadInput."""
    Quorum(settings.min_labelers, settings.max_labelers, settings.least_iou)
    if settings.lease_s < 1 or settings.max_items < 1:
        raise BadInput("The lease time and the largest number of items must be at least 1.")
    if not 0 <= settings.gold_rate <= 0.5:
        raise BadInput(f"The part of gold items lies between 0 and 0.5, not {settings.gold_rate:g}.")
    if settings.refresh_every_s and settings.refresh_every_s < LEAST_REFRESH_S:
        raise BadInput(f"The refresh interval is at least {LEAST_REFRESH_S} seconds, or 0 for never.")
    assist_settings.read(settings.assist)
    if len(settings.instructions) > MOST_TEXT:
        raise BadInput(f"The instructions are longer than {MOST_TEXT:,} characters; give a link instead.")


def _store(conn: Connection, project: ProjectId, settings: Settings) -> None:
    row = conn.execute(select(PROJECT.c.quality, PROJECT.c.version).where(PROJECT.c.id == project)).one()
    stored = conn.execute(
        update(PROJECT)
        .where(PROJECT.c.id == project, PROJECT.c.version == row.version)
        .values(
            instructions=settings.instructions,
            lease_s=settings.lease_s,
            max_items=settings.max_items,
            min_labelers=settings.min_labelers,
            max_labelers=settings.max_labelers,
            quality={**row.quality, "iou": settings.least_iou, "gold_rate": settings.gold_rate},
            refresh_every_s=settings.refresh_every_s,
            assist=dict(settings.assist),
            version=row.version + 1,
        )
    )
    if stored.rowcount != 1:
        raise Stale("The project was changed by somebody else just now; look again.")


def _change_quorum(conn: Connection, project: ProjectId, before: Settings, after: Settings, *, now_ms: int) -> None:
    """Ask as many labelers as the new rule wants. Items that are labeled stay so; others are settled anew."""
    row = conn.execute(select(PROJECT.c.state, PROJECT.c.task_type).where(PROJECT.c.id == project)).one()
    if row.state == ProjectState.RUNNING:
        raise BadInput(
            "Pause the project before its consensus changes, so that no page in hand counts under two rules."
        )
    untouched = (
        ~select(ASSIGNMENT.c.item_id).where(ASSIGNMENT.c.item_id == ITEM.c.id, IS_SUBMITTED | IS_LEASED).exists()
    )
    todo = (ITEM.c.project_id == project, ITEM.c.state == ItemState.TODO.value)
    conn.execute(update(ITEM).where(*todo, untouched).values(open_slots=after.min_labelers))
    quorum = Quorum(after.min_labelers, after.max_labelers, after.least_iou)
    last = ItemId(0)
    while items := _touched(conn, project, last):
        _settle(conn, project, TaskType(row.task_type), quorum, items, now_ms=now_ms)
        last = max(items)


def _touched(conn: Connection, project: ProjectId, after: ItemId) -> dict[ItemId, tuple[ItemKind, ItemState, int]]:
    """Undecided items that somebody answered or holds, a batch in the order of their ids."""
    rows = conn.execute(
        select(ITEM.c.id, ITEM.c.kind, ITEM.c.state, ITEM.c.open_slots)
        .where(
            ITEM.c.project_id == project,
            ITEM.c.state.in_([ItemState.TODO.value, ItemState.NEEDS_REVIEW.value]),
            ITEM.c.id > after,
            ITEM.c.id.in_(
                select(ASSIGNMENT.c.item_id).where(ASSIGNMENT.c.project_id == project, IS_SUBMITTED | IS_LEASED)
            ),
        )
        .order_by(ITEM.c.id)
        .limit(_BATCH)
    )
    return {ItemId(r.id): (ItemKind(r.kind), ItemState(r.state), r.open_slots) for r in rows}


def _settle(
    conn: Connection,
    project: ProjectId,
    task_type: TaskType,
    quorum: Quorum,
    items: Mapping[ItemId, tuple[ItemKind, ItemState, int]],
    *,
    now_ms: int,
) -> None:
    given, leases = answers_of(conn, list(items)), leases_of(conn, list(items))
    changes = []
    for item, (kind, state, slots) in items.items():
        found_under = classes_of(given[item]) if state is ItemState.NEEDS_REVIEW else frozenset()
        was = Standing(state, None, found_under, slots)
        changes.append(Change(item, kind, was, standing(task_type, quorum, given[item], leases[item]), Source.MANUAL))
    tally.add(conn, project, decisions.write(conn, project, changes, now_ms=now_ms))
