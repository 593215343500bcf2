"""A PostgreSQL of our own on a TCP port, from the wheel that the tests use: to be restarted, killed and reached from other namespaces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.team import free_port

NAME = "siege"


class Postgres:
    """A running server; `url` names its only database."""

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
        return f"postgresql://postgres@{self._host}:{self._port}/{NAME}"

    def _ctl(self, what: str, mode: str) -> None:
        settings = f'-h "{self._host}" -p {self._port} -k {self._server.pgdata} -c max_connections=100'
        start = ["-o", settings, "-l", str(self._server.log)] if what == "restart" else []
        self._pg_ctl(
            ["-w", "-m", mode, *start, what], pgdata=self._server.pgdata, user=self._server.system_user, timeout=60
        )

    async def restart(self, mode: str) -> None:
        """`fast` ends its connections, `immediate` is a crash: it recovers from its log."""
        await asyncio.to_thread(self._ctl, "restart", mode)

    def stop(self) -> None:
        """End it."""
        self._server.cleanup()


@asynccontextmanager
async def postgres(host: str = "127.0.0.1", networks: tuple[str, ...] = ("127.0.0.1/32",)) -> AsyncIterator[Postgres]:
    """A server that is gone afterwards."""
    with TemporaryDirectory(prefix="tagline-postgres-") as folder:
        server = await asyncio.to_thread(Postgres, Path(folder), host, networks)
        try:
            yield server
        finally:
            await asyncio.to_thread(server.stop)
