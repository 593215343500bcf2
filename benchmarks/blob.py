"""A project over a container: 5,000 images on Azurite listed, loaded, labeled, refreshed and exported back; cut off and back.

Beside it the two libraries that could read blobs: azure-storage-blob and obstore. Azurite shares the cores with what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.databases import database_url, opened
from benchmarks.report import latencies_ms
from core import projects
from core.access import OPERATOR
from core.annotation import Answer, HeldItem, SubmittedItem
from core.database import Database
from core.ids import AccountId, ProjectId, Role, TaskType
from core.imported import targets_after, write_labels
from core.ingest import import_files
from core.people import add_account, add_member
from core.projects import NewProject, Project
from core.queue import claim_page
from core.refresh import refresh
from core.submissions import submit
from exporters.datastore import export_to_datastore
from exporters.formats import FORMATS
from sshd.demo import PHOTOS
from storage import open_store
from storage.base import StorageError, Store, Unreachable
from tests import azurite as emulator
from tests.azurite import ACCOUNT, Azurite
from tui.desk import Pictures
from tui.terminal import Graphics, Terminal

IMAGES, MORE, PAGES, PEER_FILES, THREADS = 5000, 500, 60, 1000, 8
CELLS = (60, 20)
BLACK = (0, 0, 0)
TERMINAL = Terminal(graphics=Graphics.SIXEL)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Seconds and rates of each step, and both libraries side by side."""
    if (why := emulator.missing()) is not None:
        return {"skipped": why, "met": {}}
    images = args.items or IMAGES
    with (
        emulator.running() as azurite,
        TemporaryDirectory(prefix="tagline-cache-") as cache,
        _environment(azurite, cache),
        azurite.container("photos") as client,
    ):
        upload_s = _upload(client, 0, images)
        url = f"azure://{ACCOUNT}/photos"
        peers = _peers(azurite, images)
        with database_url("sqlite") as database:
            found = asyncio.run(_live(azurite, client, url, database, images))
    found["upload"] = {"files_per_s": round(images / upload_s)}
    return {"images": images, **found, "peers": peers, "met": found.pop("met")}


@contextmanager
def _environment(azurite: Azurite, cache: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ |= {"AZURE_STORAGE_CONNECTION_STRING": azurite.connection, "TAGLINE_CACHE": cache}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _photos() -> list[bytes]:
    return [path.read_bytes() for path in sorted(Path(PHOTOS).rglob("*.jpg"))[:50]]


def _upload(client: Any, start: int, count: int) -> float:
    """Real photos, each with other bytes after its end, so that no two files are the same."""
    photos, began = _photos(), time.perf_counter()

    def put(number: int) -> None:
        client.upload_blob(
            f"day{number % 20:02}/{number:06}.jpg", photos[number % len(photos)] + b"%d\xff\xd9" % number
        )

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(put, range(start, start + count)))
    return time.perf_counter() - began


async def _timed(work: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    done = await work
    return round(time.perf_counter() - began, 2), done


async def _live(azurite: Azurite, client: Any, url: str, database: str, images: int) -> dict[str, Any]:
    async with opened(database) as db:
        new = NewProject("Blobs", TaskType.MULTI_CLASS, url, ("robin", "wren"), seed=7)
        project = await db.write(projects.create_project, new, by=None, now_ms=0)
        store = open_store(url)
        listing_s, files = await _timed(asyncio.to_thread(lambda: list(store.list("**"))))
        cut = await _load_with_a_cut(azurite, db, project, store, images)
        labeling = await _label(azurite, db, project, url)
        await asyncio.to_thread(_upload, client, images, MORE)
        refresh_s, fresh = await _timed(refresh(db, OPERATOR, project.id, store, now_ms=_now_ms))
        again_s, same = await _timed(refresh(db, OPERATOR, project.id, store, now_ms=_now_ms))
        await _label_the_rest(db, project.id)
        export_s, stored = await _timed(export_to_datastore(db, None, "Blobs", FORMATS["coco"], now_ms=_now_ms()))
    met = {
        f"{images} listed": len(files) == images,
        "cut off while loading: nothing lost, nothing twice, nothing unreadable": cut.pop("whole"),
        "cut off while labeling: said, kept, and on it goes": labeling.pop("whole"),
        f"{MORE} more found by a refresh, none twice": (fresh.added, same.added) == (MORE, 0),
        "exported back whole": stored.manifest.images == images + MORE,
    }
    return {
        "listing": {"seconds": listing_s, "files_per_s": round(images / listing_s)},
        "loading": cut,
        "labeling": labeling,
        f"refresh with {MORE} new": {"seconds": refresh_s, "without any": again_s},
        "export back": {"seconds": export_s, "bytes": stored.manifest.bytes},
        "met": met,
    }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _load_with_a_cut(
    azurite: Azurite, db: Database, project: Project, store: Store, images: int
) -> dict[str, Any]:
    """Load until about half is there, cut the datastore off, bring it back, and load on."""
    cut_at: list[float] = []

    def on_progress(done: int, _total: int) -> None:
        if done >= images // 2 and not cut_at:
            cut_at.append(time.perf_counter())
            azurite.stop()

    began, said = time.perf_counter(), ""
    try:
        await import_files(db, project.id, store, by=None, now_ms=_now_ms, on_progress=on_progress)
    except Unreachable as error:
        said = str(error)
    told_s = time.perf_counter() - cut_at[0]
    azurite.start()
    rest = time.perf_counter()
    await import_files(db, project.id, store, by=None, now_ms=_now_ms)
    took = (cut_at[0] - began) + (time.perf_counter() - rest)
    rows = await _rows(db, project.id)
    whole = bool(said) and len(rows) == len({row.path for row in rows}) == images and all(row.width for row in rows)
    return {
        "seconds": round(took, 2),
        "files_per_s": round(images / took),
        "cut off, told after_s": round(told_s, 1),
        "whole": whole,
    }


async def _rows(db: Database, project: ProjectId) -> list[Any]:
    found: list[Any] = []
    while more := await db.read(targets_after, OPERATOR, project, found[-1].item if found else 0, 20_000):  # type: ignore[arg-type]
        found += more
    return found


async def _label(azurite: Azurite, db: Database, project: Project, url: str) -> dict[str, Any]:
    """Pages of four pictures as a session gets them: the next page's are asked for while this one's are looked at."""
    account = (await db.write(add_account, "wilma", Role.LABELER, by=None, now_ms=0)).id
    await db.write(add_member, project.id, account, Role.LABELER, by=None, now_ms=0)
    label = (await db.read(projects.label_classes, project.id))[0].id
    pictures = Pictures()
    cold, waited = [], []
    try:
        page = (await db.write(claim_page, project.id, account, 4, now_ms=_now_ms())).items
        for number in range(PAGES):
            coming = (await db.write(claim_page, project.id, account, 4, now_ms=_now_ms())).items
            cold.append(await _shown(pictures, url, page) if not number else 0.0)
            ahead = asyncio.ensure_future(_shown(pictures, url, coming))
            await asyncio.sleep(0.4)  # a labeler looks and decides
            await _answer(db, project.id, account, page, label)
            waited.append(await _shown(pictures, url, coming))
            await ahead
            page = coming
        whole = await _cut_while_labeling(azurite, db, project.id, account, pictures, url, label)
    finally:
        pictures.close()
    return {"first page_ms": round(cold[0] * 1000), "pages asked for ahead": latencies_ms(waited), "whole": whole}


async def _shown(pictures: Pictures, url: str, items: tuple[HeldItem, ...]) -> float:
    began = time.perf_counter()
    await asyncio.gather(*(pictures.get(url, item, TERMINAL, CELLS, BLACK) for item in items))
    return time.perf_counter() - began


async def _answer(db: Database, project: ProjectId, account: AccountId, items: tuple[HeldItem, ...], label: Any) -> int:
    answers = [SubmittedItem(item.item, item.token, Answer((label,))) for item in items]
    return len((await db.write(submit, project, account, answers, now_ms=_now_ms())).accepted)


async def _cut_while_labeling(
    azurite: Azurite, db: Database, project: ProjectId, account: AccountId, pictures: Pictures, url: str, label: Any
) -> bool:
    """Without the datastore a picture is refused in words, answers still go in, and later the picture is there."""
    page = (await db.write(claim_page, project, account, 4, now_ms=_now_ms())).items
    azurite.stop()
    told = False
    try:
        await _shown(pictures, url, page)
    except StorageError as error:
        told = "does not answer" in str(error)
    accepted = await _answer(db, project, account, page[:2], label)
    azurite.start()
    await _shown(pictures, url, page)
    return told and accepted == 2 and await _answer(db, project, account, page[2:], label) == 2


async def _label_the_rest(db: Database, project: ProjectId) -> None:
    labels = [label.id for label in await db.read(projects.label_classes, project)]
    todo = [row.item for row in await _rows(db, project) if row.state == 0]
    for start in range(0, len(todo), 500):
        answers = {item: Answer((labels[item % 2],)) for item in todo[start : start + 500]}
        await db.write(write_labels, OPERATOR, project, answers, replace=False, now_ms=_now_ms())


def _peers(azurite: Azurite, images: int) -> dict[str, Any]:
    """Listing everything, and getting some files in eight threads: seconds, and seconds of this process's CPU."""
    names = [f"day{n % 20:02}/{n:06}.jpg" for n in random.Random(7).sample(range(images), min(PEER_FILES, images))]
    found: dict[str, Any] = {}
    for library, (listed, get) in {"azure-storage-blob": _azure(azurite), "obstore": _obstore(azurite)}.items():
        get(names[0])  # connections are made, modules loaded
        list_s, list_cpu_s, count = _measured(listed)
        get_s, get_cpu_s, _ = _measured(lambda get=get: _in_threads(get, names))
        if count != images:
            raise RuntimeError(f"{library} listed {count} files")
        found[library] = {
            "list_s": list_s, "list_cpu_s": list_cpu_s, f"get {len(names)}_s": get_s, "get_cpu_ms_per_file":
            round(1000 * get_cpu_s / len(names), 2),
        }  # fmt: skip
    return found


def _measured(work: Callable[[], int]) -> tuple[float, float, int]:
    began, cpu = time.perf_counter(), time.process_time()
    count = work()
    return round(time.perf_counter() - began, 2), round(time.process_time() - cpu, 2), count


def _in_threads(get: Callable[[str], object], names: list[str]) -> int:
    with ThreadPoolExecutor(THREADS) as pool:
        return len(list(pool.map(get, names)))


def _azure(azurite: Azurite) -> tuple[Callable[[], int], Callable[[str], object]]:
    from azure.storage.blob import ContainerClient

    client = ContainerClient.from_connection_string(azurite.connection, "photos")
    return lambda: sum(1 for _ in client.list_blobs()), lambda name: client.download_blob(name).readall()


def _obstore(azurite: Azurite) -> tuple[Callable[[], int], Callable[[str], object]]:
    import obstore
    from obstore.store import AzureStore

    store = AzureStore(
        "photos", account_name=ACCOUNT, account_key=emulator.KEY, endpoint=azurite.endpoint,
        client_options={"allow_http": True},
    )  # fmt: skip
    return lambda: sum(len(part) for part in obstore.list(store)), lambda name: obstore.get(store, name).bytes()
