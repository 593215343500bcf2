"""A process for the supervisor's tests: it lives, dies, hangs or refuses to start, as the data folder's `mood` says."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable

from core.errors import BadInput
from sshd.child import run_child
from sshd.config import Config


async def work(config: Config, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Note the process id, then act on the mood; at a gentle end, note that, too."""
    mood = (config.data_dir / "mood").read_text()
    with (config.data_dir / "lives").open("a") as lives:
        lives.write(f"{os.getpid()}\n")
    if mood == "refuse":
        raise BadInput("this will never work")
    ready()
    if mood == "hang":
        await asyncio.sleep(0.7)
        (config.data_dir / "mood").write_text("live")
        time.sleep(60)  # noqa: ASYNC251 - a loop that hangs is the point
    await stop.wait()
    (config.data_dir / "gentle").touch()


if __name__ == "__main__":
    sys.exit(run_child(work))
