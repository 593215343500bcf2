"""`python -m assist --data FOLDER`: the learning worker by itself, as on a GPU host; `tagline serve` starts one, too."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import tomllib
from pathlib import Path

from assist.device import stay_modest
from assist.worker import work
from core.db.database import open_database
from core.errors import TaglineError


def main() -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m assist", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the data folder; embeddings are kept in it")
    parser.add_argument("--database-url", help="instead of the one that the data folder's tagline.toml names")
    parser.add_argument("--threads", type=int, default=1, help="how many threads it may compute with")
    args = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    stay_modest(max(1, args.threads))
    try:
        asyncio.run(serve(args.data, args.database_url or database_url(args.data)))
    except TaglineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def database_url(data: Path) -> str:
    """Where the installation of this data folder keeps its rows: the environment, else tagline.toml, else SQLite in it."""
    given = os.environ.get("TAGLINE_DATABASE_URL")
    settings = data / "tagline.toml"
    if given is None and settings.is_file():
        given = tomllib.loads(settings.read_text(encoding="utf-8")).get("database_url")
    return given or f"sqlite:///{data.expanduser().resolve() / 'tagline.db'}"


async def serve(data: Path, url: str) -> None:
    """Work until a signal. Raises TaglineError where the database cannot be used at all."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    db = await open_database(url, pool_size=2)
    try:
        await work(db, data / "assist", stop)
    finally:
        await db.close()


if __name__ == "__main__":
    sys.exit(main())
