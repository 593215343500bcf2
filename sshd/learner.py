"""The process of the learning worker, `python -m sshd.learner`, started by serve. `python -m assist` is the same on its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from core.db.database import open_database
from sshd.child import run_child
from sshd.config import Config
from sshd.presence import present


async def work(config: Config, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Learn until `stop`, on one thread and giving way to the sessions."""
    db = await open_database(config.database_url, pool_size=2)
    ready()
    try:
        from assist import device, worker  # scikit-learn, and PyTorch where it is: seconds that nobody shall wait for

        device.stay_modest(1)
        async with present(db, "learner"):
            await worker.work(db, config.data_dir / "assist", stop)
    finally:
        await db.close()


if __name__ == "__main__":
    sys.exit(run_child(work))
