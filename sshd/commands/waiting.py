"""Commands over SSH that leave the work to the server's worker: how they wait for it, and hear what came of it.

The work goes on when the connection breaks; the process in which people label has nothing of it to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from core.background import jobs
from core.background.jobs import JobState
from core.errors import BadInput
from core.project.projects import Project
from core.roles import Action
from core.upkeep.auditlog import newest
from sshd.commands.context import Context

POLL_S = 0.3
PATIENCE_S = 15.0


async def done_behind(
    context: Context, project: Project, what: str, ask: Callable[[], Awaitable[int]], *, allowed: Action, tells: str
) -> Mapping[str, Any]:
    """Ask for work, wait until it is done, and return what the history says came of it.

    Args:
        what: the work, as a sentence begins with it.
        ask: asks for it; returns the job.
        tells: what the history calls it.

    Raises:
        BadInput: it did not work out.
    """
    last, _ = await context.db.read(newest, context.acting, project.id, tells, allowed=allowed)
    await _finished(context, await ask(), what)
    _, facts = await context.db.read(newest, context.acting, project.id, tells, allowed=allowed, after=last)
    if not facts:
        raise BadInput(f"{what} is done, but the history does not say what came of it; see `log`.")
    return facts


async def _finished(context: Context, number: int, what: str) -> None:
    """Wait until a job is done, telling how far it is on the side. Raises BadInput where it did not work out."""
    shown, waited_s = 0, 0.0
    while (job := await context.db.read(jobs.find, number)) is not None and job.is_unfinished:
        if int(job.progress * 10) > shown:
            shown = int(job.progress * 10)
            await context.complain(f"{shown * 10} %")
        await asyncio.sleep(POLL_S)
        waited_s += POLL_S
        if job.state is JobState.QUEUED and PATIENCE_S <= waited_s < PATIENCE_S + POLL_S:
            await context.complain("Still waiting for the server's worker, which may be busy; the work is kept for it.")
    if job is None or job.state is not JobState.DONE:
        raise BadInput(f"{what} did not work out: {job.error if job and job.error else 'it was cancelled'}")
