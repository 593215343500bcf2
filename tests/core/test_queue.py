"""The queue's promises, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import Any

import pytest
from sqlalchemy import Connection, update

from core.annotation import Answer, Draft, SubmittedItem
from core.counts.progress import label_counts, project_progress
from core.db.database import Database
from core.db.tables import ITEM
from core.errors import LeaseLost, ProjectPaused, Stale
from core.ids import ItemKind, ProjectState, TaskType
from core.labeling import corrections, queue, skipping, submissions
from core.labeling.candidates import DRY_MS
from core.project import projects
from tests.builders import NOW_MS, World, make_world
from tests.conftest import Run


async def claim(
    db: Database, world: World, labeler: int = 0, size: int = 4, *, at: int = NOW_MS, after: Any = MappingProxyType({})
) -> Any:
    """A page for one of the world's labelers."""
    account = world.labelers[labeler].id
    return await db.write(queue.claim_page, world.project, account, size, now_ms=at, after=after)


async def submit(db: Database, world: World, labeler: int, items: Any, *, at: int = NOW_MS) -> Any:
    """Submit answers of one of the world's labelers."""
    account = world.labelers[labeler].id
    return await db.write(submissions.submit, world.project, account, items, now_ms=at)


def test_no_item_is_given_twice(run: Run) -> None:
    """However many labelers claim at once, each item is in one pair of hands."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=60, labelers=6)
        pages = await asyncio.gather(*(claim(db, world, n % 6, 4) for n in range(18)))
        given = [held.item for page in pages for held in page.items]
        assert len(given) == len(set(given))
        rest = [held.item for n in range(6) for held in (await claim(db, world, n, 9)).items]
        assert len(set(given) | set(rest)) == 60

    run(body)


def test_items_come_shuffled_in_one_order(run: Run) -> None:
    """The order is random, the same for the same seed, and the cursor walks it without leaving anything out."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=10)
        seen, cursor = [], {}
        while (page := await claim(db, world, 0, 4, after=cursor)).items:
            seen += [held.path for held in page.items]
            cursor = page.cursor
        assert sorted(seen) == [f"{n:05}.jpg" for n in range(10)]
        assert seen != sorted(seen)

    run(body)


def test_submitted_work_is_counted_and_kept(run: Run) -> None:
    """What was accepted is in the project's figures and is never offered again."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        page = await claim(db, world)
        receipt = await submit(db, world, 0, [world.submission(held) for held in page.items])
        assert set(receipt.accepted) == {held.item for held in page.items}
        assert not receipt.refused
        progress = await db.read(project_progress, world.project)
        assert (progress.total, progress.labeled, progress.todo, progress.in_hand) == (4, 4, 0, 0)
        assert await db.read(label_counts, world.project) == {world.labels[0]: 4}
        assert not (await claim(db, world, 1)).items

    run(body)


def test_submitting_again_changes_nothing(run: Run) -> None:
    """A labeler whose connection broke before the answer may send the same page again."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        items = [world.submission(held) for held in (await claim(db, world)).items]
        first, second = await submit(db, world, 0, items), await submit(db, world, 0, items)
        assert first == second
        assert (await db.read(project_progress, world.project)).labeled == 4

    run(body)


def test_expired_page_goes_to_somebody_else(run: Run) -> None:
    """After the lease time a page is given to another labeler, and the first one's late answer is refused and kept."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        mine = await claim(db, world, 0)
        later = NOW_MS + world.lease_ms + 1
        theirs = await claim(db, world, 1, at=later)
        assert {held.item for held in theirs.items} == {held.item for held in mine.items}
        receipt = await submit(db, world, 0, [world.submission(held) for held in mine.items], at=later)
        assert not receipt.accepted
        assert len(receipt.refused) == 4
        receipt = await submit(db, world, 1, [world.submission(held, 1) for held in theirs.items], at=later)
        assert len(receipt.accepted) == 4

    run(body)


def test_late_answer_counts_while_nobody_took_the_item(run: Run) -> None:
    """An answer after the lease time is still good when the item is free."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        page = await claim(db, world)
        later = NOW_MS + world.lease_ms + 1
        assert await db.write(queue.expire, now_ms=later) == 4
        receipt = await submit(db, world, 0, [world.submission(held) for held in page.items], at=later)
        assert len(receipt.accepted) == 4
        assert not (await claim(db, world, 1, at=later)).items

    run(body)


def test_reconnecting_brings_the_page_back(run: Run) -> None:
    """The same items, with the same answers, selection and focus; the older session can no longer write."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=8)
        page = await claim(db, world)
        account = world.labelers[0].id
        drafts = {held.item: (held.token, Draft(world.answer(1), True, n == 2)) for n, held in enumerate(page.items)}
        assert await db.write(submissions.save_drafts, account, drafts) == ()
        again = await db.write(queue.resume_pages, world.project, account, now_ms=NOW_MS)
        assert [held.item for held in again.items] == [held.item for held in page.items]
        assert [held.draft for held in again.items] == [draft for _, draft in drafts.values()]
        old = await submit(db, world, 0, [world.submission(held) for held in page.items])
        assert not old.accepted
        assert len(await db.write(submissions.save_drafts, account, drafts)) == 4

    run(body)


def test_unsubmitted_work_returns_after_a_long_absence(run: Run) -> None:
    """Work whose lease ran out comes back to its labeler when nobody else took the item."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        page = await claim(db, world)
        account, first = world.labelers[0].id, page.items[0]
        await db.write(submissions.save_drafts, account, {first.item: (first.token, Draft(world.answer()))})
        later = NOW_MS + world.lease_ms + 1
        await db.write(queue.expire, now_ms=later)
        again = await db.write(queue.resume_pages, world.project, account, now_ms=later)
        assert [(held.item, held.draft.answer) for held in again.items] == [(first.item, world.answer())]

    run(body)


def test_paused_project_takes_nothing_and_loses_nothing(run: Run) -> None:
    """A submission to a paused project is refused, and goes through when the project runs again."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        items = [world.submission(held) for held in (await claim(db, world)).items]
        await db.write(projects.set_state, world.project, ProjectState.PAUSED, by=None, now_ms=NOW_MS)
        with pytest.raises(ProjectPaused):
            await submit(db, world, 0, items)
        await db.write(projects.set_state, world.project, ProjectState.RUNNING, by=None, now_ms=NOW_MS)
        assert len((await submit(db, world, 0, items)).accepted) == 4

    run(body)


@pytest.mark.parametrize(
    ("task_type", "numbers", "taken"),
    [
        (TaskType.MULTI_CLASS, (0,), True),
        (TaskType.MULTI_CLASS, (0, 1), False),
        (TaskType.MULTI_CLASS, (), False),
        (TaskType.MULTI_LABEL, (0, 1), True),
        (TaskType.MULTI_LABEL, (), False),
        (TaskType.MULTI_LABEL, (1, 1), False),
    ],
)
def test_only_legal_answers_are_taken(run: Run, task_type: TaskType, numbers: tuple[int, ...], taken: bool) -> None:
    """Multi-class takes exactly one label, multi-label one or more different ones; a refused answer stays a draft."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1, task_type=task_type)
        held = (await claim(db, world)).items[0]
        answer = Answer(tuple(world.labels[n] for n in numbers))
        item = SubmittedItem(held.item, held.token, answer)
        receipt = await submit(db, world, 0, [item])
        assert bool(receipt.accepted) is taken
        if not taken:
            again = await db.write(queue.resume_pages, world.project, world.labelers[0].id, now_ms=NOW_MS)
            assert again.items[0].draft.answer == answer

    run(body)


def test_skip_sets_an_item_aside(run: Run) -> None:
    """A skipped item leaves the queue and the page; a skip without the lease is refused."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1)
        held = (await claim(db, world)).items[0]
        account = world.labelers[0].id
        skip = (skipping.skip, world.project, account, held.item)
        with pytest.raises(LeaseLost):
            await db.write(*skip, held.token + 1, "blurred", now_ms=NOW_MS)
        await db.write(*skip, held.token, "blurred", now_ms=NOW_MS)
        progress = await db.read(project_progress, world.project)
        assert (progress.skipped, progress.todo) == (1, 0)
        assert not (await claim(db, world, 1)).items

    run(body)


def test_own_answer_can_be_corrected(run: Run) -> None:
    """Going back shows the answer; a correction replaces it in the figures, and an outdated one is refused."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=2)
        page = await claim(db, world)
        await submit(db, world, 0, [world.submission(held) for held in page.items])
        account = world.labelers[0].id
        mine = await db.read(corrections.my_submissions, world.project, account, before_ms=NOW_MS + 1, limit=10)
        assert [held.draft.answer for held in mine] == [world.answer()] * 2
        better = world.submission(mine[0], 1)
        assert await db.write(corrections.correct, world.project, account, better, now_ms=NOW_MS) == mine[0].token + 1
        assert await db.read(label_counts, world.project) == {world.labels[0]: 1, world.labels[1]: 1}
        with pytest.raises(Stale):
            await db.write(corrections.correct, world.project, account, better, now_ms=NOW_MS)

    run(body)


def test_released_items_are_free_at_once(run: Run) -> None:
    """Who leaves gives back what was not begun, without waiting for the lease to end."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        page = await claim(db, world)
        tokens = {held.item: held.token for held in page.items}
        await db.write(queue.release, world.project, world.labelers[0].id, tokens)
        assert len((await claim(db, world, 1)).items) == 4

    run(body)


def test_prelabeled_items_come_first_even_to_a_labeler_who_is_deep_in_manual_ones(run: Run) -> None:
    """Each kind has its own place in the cursor: what becomes prelabeled later is next, as soon as it is worth looking."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=40)
        page = await claim(db, world, 0, 4)
        assert {held.kind for held in page.items} == {ItemKind.MANUAL}

        def prelabel(conn: Connection) -> None:
            conn.execute(update(ITEM).where(ITEM.c.open_slots > 0).values(kind=ItemKind.PRELABELED.value))

        await db.write(prelabel)
        later = await claim(db, world, 0, 4, after=page.cursor, at=NOW_MS + DRY_MS)
        assert {held.kind for held in later.items} == {ItemKind.PRELABELED}

    run(body)
