"""A project over a container: 5,000 images on Azurite listed, loaded, labeled over SSH, refreshed and exported back; cut off
and back (see `benchmarks.rig.blob_team`).

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

from benchmarks.rig.blob_team import live
from sshd.demo import PHOTOS
from storage import open_store
from tests import azurite as emulator
from tests.azurite import ACCOUNT, Azurite

IMAGES, MORE, PEER_FILES, THREADS = 5000, 500, 1000, 8


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
        listing = _listing(url)
        with TemporaryDirectory(prefix="tagline-blob-") as folder:
            found = asyncio.run(live(azurite, Path(folder), url, images, lambda: _more(client, images)))
    met = {f"{images} listed": listing["files"] == images, **found.pop("met")}
    upload = {"files_per_s": round(images / upload_s)}
    return {"images": images, "upload": upload, "listing": listing, **found, "peers": peers, "met": met}


def _more(client: Any, images: int) -> int:
    _upload(client, images, MORE)
    return MORE


def _listing(url: str) -> dict[str, Any]:
    """All files, as a refresh lists them."""
    store, began = open_store(url), time.perf_counter()
    files = sum(1 for _ in store.list("**"))
    took = time.perf_counter() - began
    return {"files": files, "seconds": round(took, 2), "files_per_s": round(files / took)}


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
