"""The process that labelers talk to: `python -m sshd.front_end` is started by serve, several times on one port."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import time
from collections.abc import Callable, Sequence

import asyncssh

from assist.segmenter import Segmenter
from core.db.clock import SharedClock
from core.db.database import Database, open_database
from core.db.recent import Recent
from core.errors import BadInput, TaglineError
from core.team.people import Account, shut_out
from sshd import hardening
from sshd.child import run_child
from sshd.commands import run_command
from sshd.config import Config
from sshd.host_key import ensure_host_key
from sshd.options import server_options
from sshd.presence import present
from sshd.server import FrontEnd, MakeApp
from tui.app import TaglineApp
from tui.desk import Desk
from tui.picture.stage import Stage
from tui.picture_pool import Pictures
from tui.terminal import Terminal

log = logging.getLogger("tagline.front_end")

BACKLOG = 512
CUT_OFF_PERIOD_S = 2.0
COLLECT_PERIOD_S = 5.0
COLLECT_BUSY_S = 300.0


def app_maker(
    db: Database, pictures: Pictures, sources: Sequence[str] = (), clock: SharedClock | None = None
) -> MakeApp:
    """What makes one session's app."""
    now_ms, recent = (clock or SharedClock()).now_ms, Recent(db)

    def make_app(account: Account, terminal: Terminal, stage: Stage) -> TaglineApp:
        return TaglineApp(Desk(db, account, pictures, now_ms, recent), terminal, stage, sources)

    return make_app


async def serve_front_end(config: Config, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Take SSH connections until `stop`, then let every session save its work and end.

    Raises:
        BadInput: the address cannot be listened on.
        DatabaseTrouble: the database cannot be opened, or is of another version.
    """
    hardening.patch_textual()
    ensure_host_key(config.host_key_path)
    db, clock = await open_database(config.database_url), SharedClock()
    weights = config.segmenter_paths
    pictures = Pictures(segmenter=Segmenter(*weights) if weights else None)
    await clock.follow(db)
    front_end = FrontEnd(
        db,
        app_maker(db, pictures, config.source_urls, clock),
        run_command,
        config.limits,
        held=config.data_dir / "incoming",
    )
    try:
        acceptor = await _listen(config, front_end)
        chores = [
            asyncio.create_task(chore)
            for chore in (front_end.sweep(), cut_off(front_end), collect(front_end), clock.keep(db))
        ]
        hardening.tune_garbage_collection()
        async with present(db, "front-end", front_end.figures):
            ready()
            await stop.wait()
            acceptor.close()
            await front_end.drain(config.drain_s)
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
    finally:
        pictures.close()
        await db.close()


async def _listen(config: Config, front_end: FrontEnd) -> asyncssh.SSHAcceptor:
    options = server_options(front_end, config.host_key_path)
    try:
        return await asyncssh.listen(config.host, config.port, options=options, reuse_port=True, backlog=BACKLOG)
    except OSError as error:
        raise BadInput(f"Tagline cannot listen on {config.host} port {config.port}: {error.strerror}.") from error


async def cut_off(front_end: FrontEnd) -> None:
    """End the sessions of accounts that were disabled or removed meanwhile. Runs until cancelled."""
    while True:
        await asyncio.sleep(CUT_OFF_PERIOD_S)
        try:
            names = await front_end.db.read(shut_out, set(front_end.sessions.values()))
        except TaglineError as error:
            log.warning("accounts could not be looked at: %s", error)
            continue
        for name in names:
            front_end.dismiss(name, "Your account was disabled. What you submitted is kept; ask an admin.")


async def collect(front_end: FrontEnd) -> None:
    """Free closed sessions: at once when nobody is here, else seldom, for it delays keys. Runs until cancelled."""
    collected_s, ended = time.monotonic(), front_end.ended
    while True:
        await asyncio.sleep(COLLECT_PERIOD_S)
        is_due = not front_end.sessions or time.monotonic() - collected_s > COLLECT_BUSY_S
        if front_end.ended != ended and is_due:
            collected_s, ended = time.monotonic(), front_end.ended
            gc.collect()


if __name__ == "__main__":
    sys.exit(run_child(serve_front_end))
