"""Which open items a claim takes, and in what order: the order of work, gold items among it. It changes nothing.

Corrections asked of this labeler come first, then items assigned to them, then prelabeled, clustered and manual items, each
by (priority, key); bursts of the audit stream, by which ML assist is measured, go between. A cursor a kind remembers how far the labeler has come, because with consensus the items behind it stay
open for others, and walking over them again took 0.3 s a claim; what opened up behind it is found when its kind runs dry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, exists, func, literal_column, or_, select, tuple_

from core.annotation import Cursor, Place
from core.counts.tally import total_done
from core.db.prepared import Prepared, always, any_of, number, spread
from core.db.tables import ASSIGNMENT, IS_REJECTED, ITEM, NONE
from core.ids import AccountId, AssignmentState, ItemKind, ProjectId

MAX_REJECTED = 100
DRY_MS = 30_000
AUDIT_BURST = 30
AUDIT_EVERY = 5
_START = Place(-(2**31), -1)
NEEDED = (
    *(ITEM.c.id, ITEM.c.path, ITEM.c.etag, ITEM.c.width, ITEM.c.height, ITEM.c.frames, ITEM.c.kind, ITEM.c.priority),
    *(ITEM.c.key, ITEM.c.cluster, ITEM.c.defaults, ITEM.c.gold, ITEM.c.model_id),
)


def candidates(
    conn: Connection,
    project: ProjectId,
    account: AccountId,
    size: int,
    cursor: Cursor,
    *,
    now_ms: int,
    learns: bool = False,
) -> tuple[Sequence[Any], Cursor]:
    """Rows of open items for this labeler, all of one kind, locked against other claims; and the cursor after them.

    Args:
        learns: whether a model learns from the project, so that its audit stream has its turns.
    """
    here = {"project": project, "account": account, "size": size}
    for rows in (_corrections(conn, here), _ASSIGNED.all(conn, **here)):
        if rows:
            return rows, cursor
    if learns and is_audit_turn(total_done(conn, project, account)) and (rows := _AUDIT.all(conn, **here)):
        return rows, cursor
    places = {kind: cursor.get(kind, _START) for kind in ItemKind}
    for kind in sorted(ItemKind, key=lambda kind: (places[kind].dry_until_ms > now_ms, kind)):
        rows = _of_kind(conn, here, kind, places[kind])
        if rows:
            places[kind] = Place(rows[-1].priority, rows[-1].key)
            return rows, places
        places[kind] = _START._replace(dry_until_ms=now_ms + DRY_MS)
    return (), places


def is_audit_turn(done: int) -> bool:
    """True when a labeler who has done so many items is to do some of the audit stream. Pure.

    A burst in five; at first every other one, or a project that trains early would have too few to prove anything by.
    """
    burst = done // AUDIT_BURST
    return burst % (2 if burst < AUDIT_EVERY else AUDIT_EVERY) == 0


def _corrections(conn: Connection, here: dict[str, Any]) -> Sequence[Any]:
    # The ids are looked up first: as one statement, SQLite walks every item of the project to find those few.
    rejected = [row.item_id for row in _REJECTED.all(conn, project=here["project"], account=here["account"])]
    return _THESE.all(conn, **here, **spread("item", rejected, MAX_REJECTED)) if rejected else ()


def _of_kind(conn: Connection, here: dict[str, Any], kind: ItemKind, place: Place) -> Sequence[Any]:
    """The next open items of a kind, from a place on, or from the first one where none is behind it."""
    found: Sequence[Any] = ()
    for start in (place, _START) if place[:2] != _START[:2] else (_START,):
        found = _NEXT.all(conn, **here, kind=kind.value, priority=start.priority, key=start.key)
        if found:
            break
    if kind is ItemKind.CLUSTERED:
        return [row for row in found if row.cluster == found[0].cluster]
    return found


def _open_items(dialect: str) -> Select[Any]:
    """Open items of the project that this labeler has not answered, locked where the engine has row locks."""
    taken = ", ".join(
        str(s.value) for s in (AssignmentState.LEASED, AssignmentState.SUBMITTED, AssignmentState.SKIPPED)
    )
    answered = exists().where(
        ASSIGNMENT.c.item_id == ITEM.c.id,
        ASSIGNMENT.c.account_id == number("account"),
        ASSIGNMENT.c.state.in_([literal_column(state) for state in taken.split(", ")]),
    )
    query = select(*NEEDED).where(ITEM.c.project_id == number("project"), ITEM.c.open_slots > NONE, ~answered)
    query = query.limit(number("size"))
    return query.with_for_update(of=ITEM, skip_locked=True) if dialect == "postgresql" else query


_REJECTED = always(
    select(ASSIGNMENT.c.item_id)
    .where(ASSIGNMENT.c.account_id == number("account"), ASSIGNMENT.c.project_id == number("project"), IS_REJECTED)
    .limit(MAX_REJECTED)
)
_THESE = Prepared(
    lambda engine: _open_items(engine).where(any_of(ITEM.c.id, "item", MAX_REJECTED)).order_by(ITEM.c.key)
)
_ASSIGNED = Prepared(
    lambda engine: _open_items(engine).where(ITEM.c.assignee_id == number("account")).order_by(ITEM.c.key)
)
_AUDIT = Prepared(
    lambda engine: (
        _open_items(engine)
        .where(ITEM.c.audit == literal_column("1"), ITEM.c.assignee_id.is_(None))
        .order_by(ITEM.c.key)
    )
)
_NEXT = Prepared(
    lambda engine: (
        _open_items(engine)
        .where(
            ITEM.c.kind == number("kind"),
            or_(ITEM.c.assignee_id.is_(None), ITEM.c.assignee_id == number("account")),
            tuple_(ITEM.c.priority, ITEM.c.key) > tuple_(number("priority"), number("key")),
        )
        .order_by(ITEM.c.priority, ITEM.c.key)
    )
)


def with_gold(
    conn: Connection, project: ProjectId, account: AccountId, rows: Sequence[Any], size: int, rate: float
) -> Sequence[Any]:
    """The page with one gold item among it, where one is due for this labeler; a full page gives its last item up."""
    if rate <= 0 or rows[0].kind != ItemKind.MANUAL:
        return rows
    seen = exists().where(ASSIGNMENT.c.item_id == ITEM.c.id, ASSIGNMENT.c.account_id == account)
    golden = select(*NEEDED).where(ITEM.c.project_id == project, ITEM.c.gold.is_not(None))
    met = conn.execute(select(func.count()).select_from(golden.where(seen).subquery())).scalar_one()
    if met >= int(rate * (total_done(conn, project, account) + size)):
        return rows
    gold = conn.execute(golden.where(~seen).order_by(ITEM.c.key).limit(1)).one_or_none()
    if gold is None:
        return rows
    kept = list(rows[: size - 1])
    place = gold.id % (len(kept) + 1)
    return [*kept[:place], gold, *kept[place:]]
