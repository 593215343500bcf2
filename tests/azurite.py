"""Azurite, Microsoft's emulator of Azure Blob: installed from npm into .venv once, started on a free port of this machine."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

VERSION = "3.35.0"
FOLDER = Path(__file__).parents[1] / ".venv" / "azurite"
PROGRAM = FOLDER / "node_modules" / ".bin" / "azurite-blob"
ACCOUNT = "devstoreaccount1"
# The emulator's well-known key; it opens nothing else.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
START_S = 30.0


@dataclass
class Azurite:
    """A running emulator; `stop` and `start` cut it off and bring it back with what it holds."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def connection(self) -> str:
        """The connection string."""
        return f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={self.endpoint};"

    @property
    def endpoint(self) -> str:
        """Where its blobs are."""
        return f"http://127.0.0.1:{self.port}/{ACCOUNT}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        options = ["--skipApiVersionCheck", "--silent", "--disableTelemetry", "--blobHost", "127.0.0.1"]
        where = ["--blobPort", str(self.port), "--location", str(self.folder)]
        self.process = subprocess.Popen([str(PROGRAM), *options, *where], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("Azurite did not start")
            time.sleep(0.05)

    def _listens(self) -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """Cut it off; what it holds is kept in its folder."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def container(self, name: str) -> Any:
        """A new container's client of Azure's own library."""
        from azure.storage.blob import ContainerClient

        client = ContainerClient.from_connection_string(self.connection, name)
        client.create_container()
        return client


def missing() -> str | None:
    """Why there is no emulator, after an attempt to install it; None when it is there."""
    if PROGRAM.exists():
        return None
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "Azurite needs Node and npm, which are not installed"
    with FOLDER.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes: two that install into one folder spoil it
        return _install(npm)


def _install(npm: str) -> str | None:
    if PROGRAM.exists():
        return None
    install = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(FOLDER), f"azurite@{VERSION}"]
    done = subprocess.run(install, capture_output=True, text=True, timeout=240, check=False)
    return None if PROGRAM.exists() else f"npm could not install Azurite: {done.stderr.strip()[-300:]}"


@contextmanager
def running() -> Iterator[Azurite]:
    """A fresh emulator; stopped and deleted at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TemporaryDirectory(prefix="tagline-azurite-") as folder:
        azurite = Azurite(Path(folder), port)
        azurite.start()
        try:
            yield azurite
        finally:
            azurite.stop()


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """A running emulator; without Node a skip, and where Node is there in CI, a failure."""
    why = missing()
    if why is not None:
        if os.environ.get("CI") and shutil.which("npm"):
            pytest.fail(why)
        pytest.skip(why)
    with running() as one:
        yield one
