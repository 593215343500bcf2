"""The siege's pictures in a blob store of their own, which can be down or slow; needs Node for the emulator."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, update

from benchmarks.rig.team import Team
from core.db.tables import PROJECT
from storage.azure_access import CONNECTION_ENV
from storage.cache import FOLDER_ENV
from tests.azurite import ACCOUNT, Azurite, missing, running

CONTAINER, UPLOADS = "siege", 8


@dataclass
class Blobs:
    """A running blob store with the project's pictures, and what a host needs to know of it."""

    azurite: Azurite
    env: dict[str, str]

    async def be_down(self, seconds: float) -> bool:
        """It is killed, and comes back with what it holds."""
        process = self.azurite.process
        if process is None:
            return False
        process.kill()
        try:
            await asyncio.to_thread(process.wait)
            await asyncio.sleep(seconds)
        finally:
            await asyncio.to_thread(self.azurite.start)
        return True

    async def be_slow(self, seconds: float) -> bool:
        """It takes every question and answers none for a while."""
        process = self.azurite.process
        if process is None:
            return False
        process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            process.send_signal(signal.SIGCONT)
        return True


@asynccontextmanager
async def pictures_in_blobs(team: Team, photos: Path) -> AsyncIterator[Blobs | None]:
    """Move a project's pictures into a blob store; None, and nothing moved, where there is no emulator."""
    if await asyncio.to_thread(missing) is not None:
        yield None
        return
    async with AsyncExitStack() as stack:
        azurite = stack.enter_context(running())
        cache = stack.enter_context(TemporaryDirectory(prefix="tagline-cache-"))
        await asyncio.to_thread(_upload, azurite.container(CONTAINER), photos)
        await team.db.write(_move, team, f"azure://{ACCOUNT}/{CONTAINER}")
        yield Blobs(azurite, {CONNECTION_ENV: azurite.connection, FOLDER_ENV: cache})


def _upload(container: Any, photos: Path) -> None:
    def one(file: os.DirEntry[str]) -> None:
        container.upload_blob(file.name, Path(file.path).read_bytes())

    with ThreadPoolExecutor(UPLOADS) as pool:
        list(pool.map(one, os.scandir(photos)))


def _move(conn: Connection, team: Team, url: str) -> None:
    conn.execute(update(PROJECT).where(PROJECT.c.id == team.project).values(datastore=url))
