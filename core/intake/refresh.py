"""Incremental refresh: what came to, left, or came back to a project's datastore, and what that does to its items.

New files become items. A file that is gone makes its item missing, with its answer kept; it is as it was when the file
returns. A datastore that cannot be listed, or shows nothing at all, changes nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, bindparam, or_, select, update

from core.counts import tally
from core.counts.tally import Count
from core.db.database import Database
from core.db.tables import ASSIGNMENT, IS_LEASED, IS_SUBMITTED, ITEM, PROJECT
from core.errors import BadInput
from core.ids import AssignmentState, ItemId, ItemKind, ItemState, ProjectId, ProjectState
from core.intake.ingest import PROBE_THREADS, NewItem, add_items, probe_all
from core.project.projects import Project, project_by_id
from core.roles import Action
from core.team import audit
from core.team.access import actor, require_in
from core.team.audit import Happening
from core.team.people import Account
from storage.base import Store, StoredFile
from storage.images import is_image_path

T = TypeVar("T")
BATCH = 1000
READ = 20_000
REFRESHED = "data-refreshed"
GONE = "the file is no longer in the datastore"


@dataclass(frozen=True)
class Found:
    """What a refresh found: files that are new, gone, back, and changed under the same name; `over_cap` were left out."""

    files: int
    added: int
    unreadable: int
    missing: int
    returned: int
    changed: int
    over_cap: int


class Known(NamedTuple):
    """What the database knows of a file."""

    item: ItemId
    etag: str
    state: ItemState


async def refresh(db: Database, by: Account, project: ProjectId, store: Store, *, now_ms: Callable[[], int]) -> Found:
    """Look at the datastore once; safe to cut off and to run again.

    Raises:
        BadInput: nothing at all was found though the project has items: an unmounted folder, not a deletion.
        Forbidden: only admins refresh.
        StorageError: the datastore cannot be listed; nothing was changed.
        Unreachable: it stopped answering half-way; what was added stays, the next refresh goes on.
    """
    await db.read(require_in, project, by, Action.IMPORT)
    here = await db.read(project_by_id, project)
    listed = await asyncio.to_thread(lambda: list(store.list(here.pattern)))
    files = {file.path: file for file in listed if is_image_path(file.path)}
    known = await _known(db, project)
    if known and not files:
        raise BadInput(
            f"Nothing was found in {store.url} though the project has {len(known):,} items; nothing was changed. "
            "Check that the datastore is there."
        )
    fresh = [file for path, file in files.items() if path not in known]
    room = max(0, here.max_items - len(known))
    added = await _add(db, here, store, fresh[:room])
    missing = [one.item for path, one in known.items() if path not in files and one.state is not ItemState.MISSING]
    back = [one.item for path, one in known.items() if path in files and one.state is ItemState.MISSING]
    for part in _parts(missing):
        await db.write(mark_missing, project, part, now_ms=now_ms())
    for part in _parts(back):
        await db.write(bring_back, project, part, now_ms=now_ms())
    changed = await _changed(db, here, store, files, known, now_ms)
    found = Found(len(files), added.total(), added[True], len(missing), len(back), changed, max(0, len(fresh) - room))
    await db.write(_finish, project, by, found, now_ms=now_ms())
    return found


async def _known(db: Database, project: ProjectId) -> dict[str, Known]:
    """Every item's path, in reads of bounded size."""
    found: dict[str, Known] = {}
    last = ""
    while rows := await db.read(_known_after, project, last):
        found.update(rows)
        last = rows[-1][0]
    return found


def _known_after(conn: Connection, project: ProjectId, path: str) -> list[tuple[str, Known]]:
    rows = conn.execute(
        select(ITEM.c.path, ITEM.c.id, ITEM.c.etag, ITEM.c.state)
        .where(ITEM.c.project_id == project, ITEM.c.path > path)
        .order_by(ITEM.c.path)
        .limit(READ)
    )
    return [(row.path, Known(ItemId(row.id), row.etag, ItemState(row.state))) for row in rows]


async def _add(db: Database, project: Project, store: Store, files: Sequence[StoredFile]) -> Counter[bool]:
    """New items, probed in threads; counts them by whether they are unreadable."""
    added: Counter[bool] = Counter()
    for part in _parts(files):
        items = await _probe(store, part)
        await db.write(add_items, project.id, project.seed, items)
        added.update(item.reason is not None for item in items)
    return added


async def _probe(store: Store, files: Sequence[StoredFile]) -> list[NewItem]:
    pool = ThreadPoolExecutor(PROBE_THREADS, thread_name_prefix="probe")
    try:
        return await probe_all(pool, store, files)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _parts(things: Sequence[T]) -> list[Sequence[T]]:
    return [things[n : n + BATCH] for n in range(0, len(things), BATCH)]


def mark_missing(conn: Connection, project: ProjectId, items: Sequence[ItemId], *, now_ms: int) -> None:
    """Take items whose files are gone out of the work; answers stay, whoever holds one is freed of it."""
    rows = _locked(conn, items)
    states = [{"b_item": row.id, "was": row.state} for row in rows if row.state != ItemState.MISSING]
    if not states:
        return
    values = {"state": ItemState.MISSING.value, "reason": GONE, "open_slots": 0, "state_before": bindparam("was")}
    conn.execute(update(ITEM).where(ITEM.c.id == bindparam("b_item")).values(values), states)
    held = (ASSIGNMENT.c.item_id.in_(items), IS_LEASED)
    freed = {"state": AssignmentState.EXPIRED.value, "version": ASSIGNMENT.c.version + 1}
    conn.execute(update(ASSIGNMENT).where(*held).values(freed))
    changes: Counter[Count] = Counter()
    for row in rows:
        if row.state != ItemState.MISSING:
            changes.update(tally.moved(tally.NOBODY, ItemKind(row.kind), ItemState(row.state), ItemState.MISSING))
    tally.add(conn, project, changes)
    happened = [Happening("item-missing", None, project, ItemId(state["b_item"])) for state in states]
    audit.record(conn, happened, now_ms=now_ms)


def bring_back(conn: Connection, project: ProjectId, items: Sequence[ItemId], *, now_ms: int) -> None:
    """Items whose files are back stand as they did before; those to do are open again."""
    rows = [row for row in _locked(conn, items) if row.state == ItemState.MISSING]
    if not rows:
        return
    least = conn.execute(select(PROJECT.c.min_labelers).where(PROJECT.c.id == project)).scalar_one()
    given = Counter(
        conn.execute(select(ASSIGNMENT.c.item_id).where(ASSIGNMENT.c.item_id.in_(items), IS_SUBMITTED)).scalars()
    )
    changes: Counter[Count] = Counter()
    values = []
    for row in rows:
        state = ItemState(row.state_before or 0)
        slots = max(1, least - given[row.id]) if state is ItemState.TODO else 0
        reason = "it could not be read before its file went missing" if state is ItemState.UNREADABLE else None
        values.append({"b_item": row.id, "to": state.value, "slots": slots, "why": reason})
        changes.update(tally.moved(tally.NOBODY, ItemKind(row.kind), ItemState.MISSING, state))
    columns: dict[str, Any] = {
        "state": bindparam("to"),
        "open_slots": bindparam("slots"),
        "reason": bindparam("why"),
        "state_before": None,
    }
    conn.execute(update(ITEM).where(ITEM.c.id == bindparam("b_item")).values(columns), values)
    tally.add(conn, project, changes)
    happened = [Happening("item-returned", None, project, ItemId(row.id)) for row in rows]
    audit.record(conn, happened, now_ms=now_ms)


def _locked(conn: Connection, items: Sequence[ItemId]) -> Sequence[Any]:
    columns = (ITEM.c.id, ITEM.c.state, ITEM.c.kind, ITEM.c.state_before)
    query = select(*columns).where(ITEM.c.id.in_(items)).order_by(ITEM.c.id)
    if conn.dialect.name == "postgresql":
        query = query.with_for_update()
    return conn.execute(query).all()


async def _changed(
    db: Database,
    project: Project,
    store: Store,
    files: Mapping[str, StoredFile],
    known: Mapping[str, Known],
    now_ms: Callable[[], int],
) -> int:
    """Look into files that changed under the same name; says how many there were."""
    changed = [files[path] for path, one in known.items() if path in files and files[path].etag != one.etag]
    for part in _parts(changed):
        items = await _probe(store, part)
        pairs = [(known[item.path].item, item) for item in items]
        await db.write(_replace_files, project.id, pairs, now_ms=now_ms())
    return len(changed)


def _replace_files(
    conn: Connection, project: ProjectId, pairs: Sequence[tuple[ItemId, NewItem]], *, now_ms: int
) -> None:
    """New facts of changed files; one that can be read now is to do, answers stay and the history says what happened."""
    rows = {row.id: row for row in _locked(conn, [item for item, _ in pairs])}
    least = conn.execute(select(PROJECT.c.min_labelers).where(PROJECT.c.id == project)).scalar_one()
    changes: Counter[Count] = Counter()
    for item, new in pairs:
        row = rows[item]
        before, after = ItemState(row.state), _state_of_changed(ItemState(row.state), new)
        values: dict[str, Any] = {"etag": new.etag, "bytes": new.bytes}
        if new.reason is None:
            values |= {"width": new.size_wh[0], "height": new.size_wh[1], "frames": new.frames}
        if after is not before:
            values |= {
                "state": after.value,
                "reason": new.reason,
                "open_slots": least if after is ItemState.TODO else 0,
            }
            changes.update(tally.moved(tally.NOBODY, ItemKind(row.kind), before, after))
        conn.execute(update(ITEM).where(ITEM.c.id == item).values(values))
    tally.add(conn, project, changes)
    happened = [Happening("file-changed", None, project, item, {"etag": new.etag}) for item, new in pairs]
    audit.record(conn, happened, now_ms=now_ms)


def _state_of_changed(state: ItemState, new: NewItem) -> ItemState:
    if state is ItemState.UNREADABLE and new.reason is None:
        return ItemState.TODO
    return ItemState.UNREADABLE if state is ItemState.TODO and new.reason is not None else state


def _finish(conn: Connection, project: ProjectId, by: Account, found: Found, *, now_ms: int) -> None:
    values = {"refreshed_ms": now_ms, "refresh_found": asdict(found)}
    conn.execute(update(PROJECT).where(PROJECT.c.id == project).values(values))
    audit.record(conn, [Happening(REFRESHED, actor(by), project, body=asdict(found))], now_ms=now_ms)


def last_refresh(conn: Connection, project: ProjectId) -> tuple[int | None, Found | None]:
    """When the datastore was looked at last, in epoch ms, and what that found; None where it never was."""
    row = conn.execute(select(PROJECT.c.refreshed_ms, PROJECT.c.refresh_found).where(PROJECT.c.id == project)).one()
    return row.refreshed_ms, Found(**row.refresh_found) if row.refresh_found else None


def take_due(conn: Connection, *, now_ms: int) -> Project | None:
    """A project whose interval has passed, marked as begun, so that of several janitors one takes it; or None."""
    due = (
        PROJECT.c.refresh_every_s > 0,
        PROJECT.c.state.in_([ProjectState.RUNNING.value, ProjectState.PAUSED.value]),
        or_(PROJECT.c.refreshed_ms.is_(None), PROJECT.c.refreshed_ms + PROJECT.c.refresh_every_s * 1000 <= now_ms),
    )
    query = select(PROJECT.c.id).where(*due).order_by(PROJECT.c.refreshed_ms).limit(1)
    if conn.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    project = conn.execute(query).scalar_one_or_none()
    if project is None:
        return None
    conn.execute(update(PROJECT).where(PROJECT.c.id == project).values(refreshed_ms=now_ms))
    return project_by_id(conn, ProjectId(project))
