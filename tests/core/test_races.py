"""When two act at once: a rejection and a correction, a disabled user, a lost membership, a pause; each outcome is stated."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core.counts.progress import label_counts, project_progress
from core.db.database import Database
from core.errors import Forbidden, ProjectPaused, Stale, TaglineError
from core.ids import ProjectState
from core.labeling import corrections, queue, submissions
from core.oversight import review
from core.project import projects
from core.team import people
from core.team.access import OPERATOR
from tests.builders import NOW_MS, claimed, make_world
from tests.conftest import Run
from tests.core.reviewing import label_all, look, uses


async def outcome(act: Any) -> object:
    """What came of an action: its result, or the error of ours."""
    try:
        return await act
    except TaglineError as error:
        return error


def test_reject_while_the_labeler_corrects(run: Run) -> None:
    """Whoever is first wins and the other is told: never both, never a lost answer."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=20, labelers=1)
        await label_all(db, world)
        account = world.labelers[0].id
        mine = await db.read(corrections.my_submissions, world.project, account, before_ms=NOW_MS + 99, limit=20)
        stamps = {item.item: item.stamp_ms for item in (await look(db, world)).items}
        for held in mine:
            seen = {held.item: stamps[held.item]}
            better = world.submission(held, 1)
            rejected, corrected = await asyncio.gather(
                outcome(db.write(review.reject, OPERATOR, world.project, seen, "no", now_ms=NOW_MS)),
                outcome(db.write(corrections.correct, world.project, account, better, now_ms=NOW_MS)),
            )
            was_rejected = bool(rejected.accepted)  # type: ignore[attr-defined]
            assert was_rejected != isinstance(corrected, int)
            assert isinstance(corrected, Stale) == was_rejected
        told = await db.read(project_progress, world.project)
        assert told.todo + told.labeled == 20
        expected = {world.labels[1]: told.labeled} if told.labeled else {}
        assert uses(await db.read(label_counts, world.project)) == expected

    run(body)


def test_disabled_in_the_middle_of_a_page(run: Run) -> None:
    """Nothing more is taken from a disabled account; what they submitted stays and the page goes to others."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=8)
        account, page = await claimed(db, world, 4)
        await db.write(submissions.submit, world.project, account, [world.submission(page.items[0])], now_ms=NOW_MS)
        await db.write(people.set_disabled, account, True, by=None, now_ms=NOW_MS)
        rest = [world.submission(held) for held in page.items[1:]]
        with pytest.raises(Forbidden, match="disabled"):
            await db.write(submissions.submit, world.project, account, rest, now_ms=NOW_MS)
        assert (await db.read(project_progress, world.project)).labeled == 1
        await label_all(db, world, 1)
        later = await db.write(
            queue.claim_page, world.project, world.labelers[1].id, 9, now_ms=NOW_MS + world.lease_ms + 1
        )
        assert {held.item for held in later.items} == {held.item for held in page.items[1:]}

    run(body)


def test_taken_off_the_project_in_the_middle_of_a_page(run: Run) -> None:
    """Who is no member any more can neither claim nor submit, and is told so."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        account, page = await claimed(db, world, 4)
        await db.write(people.remove_member, world.project, account, by=None, now_ms=NOW_MS)
        items = [world.submission(held) for held in page.items]
        with pytest.raises(Forbidden, match="given"):
            await db.write(submissions.submit, world.project, account, items, now_ms=NOW_MS)

    run(body)


def test_paused_at_submit(run: Run) -> None:
    """Pausing and submitting at once: either the page is in, or it is refused and goes in unchanged after the pause."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        account, page = await claimed(db, world, 4)
        items = [world.submission(held) for held in page.items]
        submit = (submissions.submit, world.project, account, items)
        pause = (projects.set_state, world.project, ProjectState.PAUSED)
        sent, _ = await asyncio.gather(
            outcome(db.write(*submit, now_ms=NOW_MS)), db.write(*pause, by=None, now_ms=NOW_MS)
        )
        if isinstance(sent, ProjectPaused):
            await db.write(projects.set_state, world.project, ProjectState.RUNNING, by=None, now_ms=NOW_MS)
            sent = await db.write(*submit, now_ms=NOW_MS)
        assert len(sent.accepted) == 4  # type: ignore[attr-defined]
        assert (await db.read(project_progress, world.project)).labeled == 4

    run(body)
