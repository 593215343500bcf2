"""Bringing files in: a listing becomes items, shuffled, probed and counted. Running it again adds only what is new."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from core.counts import tally
from core.counts.tally import Count
from core.db.database import Database
from core.db.prepared import always
from core.db.tables import ITEM, PROJECT
from core.errors import BadInput
from core.ids import AccountId, ItemKind, ItemState, ProjectId, ProjectState
from core.project.projects import project_by_id, set_import_progress, set_state
from core.team import audit
from core.team.audit import Happening
from storage.base import StorageError, Store, StoredFile, Unreachable, UnreadableImage
from storage.images import is_image_path, probe

BATCH = 1000
PROBE_THREADS = 4
KEY_BITS = 62
IMPORTED = "data-imported"


@dataclass(frozen=True)
class NewItem:
    """One file on its way to becoming an item; `reason` says why it cannot be shown, if so."""

    path: str
    etag: str
    bytes: int
    size_wh: tuple[int, int] = (0, 0)
    frames: int = 1
    reason: str | None = None


@dataclass(frozen=True)
class ImportReport:
    """What an import found and did: `ignored` files are no images, `over_cap` ones exceed the project's size."""

    found: int
    added: int
    unreadable: int
    over_cap: int
    ignored: int


def shuffle_key(seed: int, path: str) -> int:
    """The item's place in the project's random order: 62 bits, the same for the same seed and path."""
    return random.Random(f"{seed}/{path}").getrandbits(KEY_BITS)


def add_items(conn: Connection, project: ProjectId, seed: int, items: Sequence[NewItem]) -> None:
    """Insert items and count them, in the caller's transaction; their paths must be new to the project."""
    slots = conn.execute(select(PROJECT.c.min_labelers).where(PROJECT.c.id == project)).scalar_one()
    rows = [row_of(project, seed, item, slots) for item in items]
    if not rows:
        return
    _INSERT.many(conn, rows)
    changes: Counter[Count] = Counter()
    for state, n in Counter(row["state"] for row in rows).items():
        changes.update(tally.arrived(ItemKind.MANUAL, ItemState(state), n))
    tally.add(conn, project, changes)


_INSERT = always(
    insert(ITEM)
    .values(
        {
            name: bindparam(name)
            for name in (
                *("project_id", "path", "etag", "bytes", "width", "height", "frames"),
                *("key", "open_slots", "state", "reason", "kind", "priority"),
            )
        }
    )
    .inline()
)


def row_of(project: ProjectId, seed: int, item: NewItem, slots: int = 1) -> dict[str, Any]:
    """The columns of one new item, which `slots` labelers are to answer."""
    state = ItemState.TODO if item.reason is None else ItemState.UNREADABLE
    return {
        "project_id": project,
        "path": item.path,
        "etag": item.etag,
        "bytes": item.bytes,
        "width": item.size_wh[0],
        "height": item.size_wh[1],
        "frames": item.frames,
        "key": shuffle_key(seed, item.path),
        "open_slots": slots if item.reason is None else 0,
        "state": state.value,
        "reason": item.reason,
        "kind": 2,
        "priority": 0,
    }


def known_paths(conn: Connection, project: ProjectId, paths: Sequence[str]) -> set[str]:
    """Which of these paths are items of the project already."""
    return set(conn.execute(select(ITEM.c.path).where(ITEM.c.project_id == project, ITEM.c.path.in_(paths))).scalars())


def item_count(conn: Connection, project: ProjectId) -> int:
    """How many items the project has, whatever their state."""
    return conn.execute(select(func.count()).select_from(ITEM).where(ITEM.c.project_id == project)).scalar_one()


def probe_file(store: Store, file: StoredFile) -> NewItem:
    """Look into one file; a broken or hostile one becomes an unreadable item, never an error.

    Raises:
        Unreachable: the datastore does not answer, which says nothing about the file.
    """
    try:
        found = probe(store, file)
    except Unreachable:
        raise
    except (UnreadableImage, StorageError) as error:
        return NewItem(file.path, file.etag, file.bytes, reason=str(error))
    return NewItem(file.path, file.etag, file.bytes, found.size_wh, found.frames)


async def probe_all(pool: ThreadPoolExecutor, store: Store, files: Sequence[StoredFile]) -> list[NewItem]:
    """Look into files in the pool's threads, in their order. Raises Unreachable."""
    loop = asyncio.get_running_loop()
    return list(await asyncio.gather(*(loop.run_in_executor(pool, probe_file, store, file) for file in files)))


async def import_files(
    db: Database,
    project: ProjectId,
    store: Store,
    *,
    by: AccountId | None,
    now_ms: Callable[[], int],
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ImportReport:
    """Turn every image that matches the project's pattern into an item, then let the project run.

    Cut off half-way, it can be run again: what is there is kept, what is missing is added.

    Raises:
        BadInput: no image matches the pattern; the project stays as it was.
        StorageError: the datastore cannot be listed.
        Unreachable: it stopped answering half-way.
    """
    found = await db.read(project_by_id, project)
    files = await asyncio.to_thread(lambda: list(store.list(found.pattern)))
    images = [file for file in files if is_image_path(file.path)]
    if not images:
        raise BadInput(_nothing_found(store, found.pattern, len(files)))
    taken = images[: found.max_items]
    added = await _add_all(db, project, found.seed, store, taken, on_progress)
    report = ImportReport(len(images), added.total(), added[True], len(images) - len(taken), len(files) - len(images))
    await db.write(_finish, project, report, by, now_ms())
    return report


def _nothing_found(store: Store, pattern: str, files: int) -> str:
    what = f"{files} files match, but none is an image" if files else "no file matches"
    return f"Nothing to label: {what} in {store.url} with the pattern {pattern!r}. Check the folder and the pattern."


async def _add_all(
    db: Database,
    project: ProjectId,
    seed: int,
    store: Store,
    files: Sequence[StoredFile],
    on_progress: Callable[[int, int], None],
) -> Counter[bool]:
    """Probe and insert in batches; counts the new items by whether they are unreadable."""
    added: Counter[bool] = Counter()
    done = 0
    pool = ThreadPoolExecutor(PROBE_THREADS, thread_name_prefix="probe")
    try:
        for batch in _batches(files):
            known = await db.read(known_paths, project, [file.path for file in batch])
            items = await probe_all(pool, store, [file for file in batch if file.path not in known])
            done += len(batch)
            await db.write(_add_batch, project, seed, items, done, len(files))
            added.update(item.reason is not None for item in items)
            on_progress(done, len(files))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # a datastore that does not answer must not hold the loop
    return added


def _batches(files: Iterable[StoredFile]) -> Iterator[list[StoredFile]]:
    source = iter(files)
    while batch := list(itertools.islice(source, BATCH)):
        yield batch


def _add_batch(
    conn: Connection, project: ProjectId, seed: int, items: Sequence[NewItem], done: int, total: int
) -> None:
    add_items(conn, project, seed, items)
    set_import_progress(conn, project, done, total)


def _finish(conn: Connection, project: ProjectId, report: ImportReport, by: AccountId | None, now_ms: int) -> None:
    audit.record(conn, [Happening(IMPORTED, by, project, body=asdict(report))], now_ms=now_ms)
    if project_by_id(conn, project).state is ProjectState.INITIALIZING:
        set_state(conn, project, ProjectState.RUNNING, by=by, now_ms=now_ms)
