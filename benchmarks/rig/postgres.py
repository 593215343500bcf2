"""A PostgreSQL of our own on a TCP port, from the wheel that the tests use: to be restarted, killed and reached from other namespaces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.rig.team import free_port

NAME = "siege"


class Postgres:
    """A running server; `url` names its only database, `url_by` the same through another port."""

    def __init__(self, folder: Path, host: str, networks: tuple[str, ...]) -> None:
        import pgserver
        from pgserver._commands import pg_ctl

        folder.chmod(0o755)
        self._server: Any = pgserver.get_server(folder / "data")
        self._pg_ctl = pg_ctl
        self._host, self._port = host, free_port()
        self._server.psql(f"CREATE DATABASE {NAME}")
        hba = folder / "data" / "pg_hba.conf"
        hba.write_text(hba.read_text() + "".join(f"host all all {network} trust\n" for network in networks))
        self._ctl("restart", "fast")

    @property
    def url(self) -> str:
        """For `database_url`."""
        return self.url_by(self._port)

    def url_by(self, port: int) -> str:
        """For `database_url`, where something between carries that port here."""
        return f"postgresql://postgres@{self._host}:{port}/{NAME}"

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self._host, self._port

    async def listens(self) -> bool:
        """Whether it is there; one that recovers is."""
        try:
            _, writer = await asyncio.open_connection(*self.address)
        except OSError:
            return False
        writer.close()
        return True

    def _ctl(self, what: str, mode: str) -> None:
        settings = (
            f'-h "{self._host}" -p {self._port} -k {self._server.pgdata} -c max_connections=100 -c max_wal_size=96MB'
        )
        start = ["-o", settings, "-l", str(self._server.log)] if what == "restart" else []
        self._pg_ctl(
            ["-w", "-m", mode, *start, what], pgdata=self._server.pgdata, user=self._server.system_user, timeout=60
        )

    async def restart(self, mode: str) -> None:
        """`fast` ends its connections, `immediate` is a crash: it recovers from its log."""
        await asyncio.to_thread(self._ctl, "restart", mode)

    def stop(self) -> None:
        """End it; the wheel itself knows only of the server that it started, not of one after a restart."""
        with suppress(CalledProcessError):  # it is down already
            self._ctl("stop", "immediate")
        self._server.cleanup()


@asynccontextmanager
async def postgres(
    host: str = "127.0.0.1", networks: tuple[str, ...] = ("127.0.0.1/32",), disk: Path | None = None
) -> AsyncIterator[Postgres]:
    """A server that is gone afterwards, in a folder of that disk if one is given."""
    with TemporaryDirectory(prefix="tagline-postgres-", dir=disk) as folder:
        server = await asyncio.to_thread(Postgres, Path(folder), host, networks)
        try:
            yield server
        finally:
            await asyncio.to_thread(server.stop)
