"""The files that pictures are made of, read in threads of their own: a slow datastore keeps nobody waiting who looks at another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from storage import open_store
from storage.base import Store, Unreachable

READS = 8
AWAY_S = 2.0


class Door:
    """One datastore: so many of its files are read at once, or lie in memory until they are decoded."""

    def __init__(self, datastore: str) -> None:
        self.room = asyncio.Semaphore(READS)
        self.threads = ThreadPoolExecutor(READS, thread_name_prefix="datastore")
        self._datastore = datastore
        self._store: Store | None = None
        self._away: tuple[float, str] = (0.0, "")

    def get(self, path: str) -> bytes:
        """A file. A datastore that just did not answer is not asked again for a moment: it would keep every thread waiting."""
        until_s, why = self._away
        if time.monotonic() < until_s:
            raise Unreachable(why)
        try:
            if self._store is None:
                self._store = open_store(self._datastore)
            return self._store.get(path)
        except Unreachable as error:
            self._away = (time.monotonic() + AWAY_S, str(error))
            raise


class PictureFiles:
    """Every datastore that this process shows pictures of."""

    def __init__(self) -> None:
        self._doors: dict[str, Door] = {}

    @asynccontextmanager
    async def turn(self, datastore: str) -> AsyncIterator[Door]:
        """Wait until this datastore may be asked for one more file; its turn lasts until the file was made use of."""
        door = self._doors.get(datastore) or self._doors.setdefault(datastore, Door(datastore))
        async with door.room:
            yield door

    async def read(self, door: Door, path: str) -> bytes:
        """A file's content. Raises StorageError."""
        return await asyncio.get_running_loop().run_in_executor(door.threads, door.get, path)

    def close(self) -> None:
        """Let the threads go."""
        for door in self._doors.values():
            door.threads.shutdown(wait=False, cancel_futures=True)
