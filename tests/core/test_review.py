"""Review: approving, correcting, rejecting and resolving, and who may."""

from __future__ import annotations

import pytest

from core.annotation import Answer
from core.counts.progress import label_counts, project_progress
from core.db.database import Database
from core.errors import BadInput, Forbidden, Stale
from core.ids import ItemState, Role
from core.labeling import corrections, queue, submissions
from core.oversight import browse, review
from core.oversight.browse import Filter
from core.team import people
from core.team.access import OPERATOR
from tests.builders import NOW_MS, make_account, make_world, set_quorum
from tests.conftest import Run
from tests.core.reviewing import label_all, look, make_lead, only, uses


def test_rejected_work_comes_back_to_its_labeler_first(run: Run) -> None:
    """The label leaves the figures and the data page, stays in the history, and its labeler reads why at the next page."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=3)
        await label_all(db, world)
        lead = await make_lead(db, world)
        item = (await look(db, world)).items[1]
        seen = {item.item: item.stamp_ms}
        with pytest.raises(BadInput, match="why"):
            await db.write(review.reject, lead, world.project, seen, " ", now_ms=NOW_MS)
        receipt = await db.write(review.reject, lead, world.project, seen, "a wren", now_ms=NOW_MS)
        assert receipt.accepted == (item.item,)
        assert uses(await db.read(label_counts, world.project)) == {world.labels[0]: 2}
        assert len((await look(db, world, Filter(label=world.labels[0]))).items) == 2
        told = await db.read(project_progress, world.project)
        assert (told.todo, told.labeled) == (1, 2)
        page = await db.write(queue.claim_page, world.project, world.labelers[0].id, 4, now_ms=NOW_MS)
        held = page.items[0]
        assert (held.item, held.comment, held.draft.answer) == (item.item, "a wren", world.answer(0))
        await db.write(
            submissions.submit, world.project, world.labelers[0].id, [world.submission(held, 1)], now_ms=NOW_MS
        )
        past = await db.read(review.history, lead, world.project, item.item)
        assert [event.what for event in past] == ["item-submitted", "item-rejected", "item-submitted"]
        assert past[1].body["before"] == world.answer(0).to_json()
        assert past[1].name == "lead"

    run(body)


def test_a_reviewers_answer_stands(run: Run) -> None:
    """A reviewer's correction replaces the answer and its labeler can no longer change it; an illegal one is refused."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1, labelers=1)
        await label_all(db, world)
        seen = await only(db, world)
        bad = {seen.item: (seen.stamp_ms, Answer())}
        assert (await db.write(review.correct, OPERATOR, world.project, bad, now_ms=NOW_MS)).refused
        good = {seen.item: (seen.stamp_ms, world.answer(1))}
        assert (await db.write(review.correct, OPERATOR, world.project, good, now_ms=NOW_MS)).accepted
        assert (await only(db, world)).answer == world.answer(1)
        account = world.labelers[0].id
        mine = await db.read(corrections.my_submissions, world.project, account, before_ms=NOW_MS + 9, limit=9)
        with pytest.raises(Stale, match="reviewer"):
            await db.write(corrections.correct, world.project, account, world.submission(mine[0], 2), now_ms=NOW_MS)

    run(body)


def test_a_conflict_is_resolved_by_one_of_its_answers(run: Run) -> None:
    """The answers stand side by side; the chosen one becomes the item's, and the item leaves the list of conflicts."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1, labelers=3)
        await set_quorum(db, world, 2, 3)
        for n in range(3):
            await label_all(db, world, n, numbers=(n,))
        seen = (await look(db, world, Filter(states=(ItemState.NEEDS_REVIEW,), label=world.labels[2]))).items[0]
        given = await db.read(review.answers, OPERATOR, world.project, seen.item)
        assert [one.answer for one in given] == [world.answer(n) for n in range(3)]
        chosen = given[2].account
        act = (review.resolve, OPERATOR, world.project, seen.item, seen.stamp_ms, chosen)
        assert (await db.write(*act, now_ms=NOW_MS)).accepted
        assert (await only(db, world)).answer == world.answer(2)
        assert uses(await db.read(label_counts, world.project)) == {world.labels[2]: 1}
        assert len((await look(db, world, Filter(label=world.labels[0]))).items) == 0

    run(body)


def test_only_reviewers_review(run: Run) -> None:
    """A labeler, a lead of another project and a disabled lead are each refused."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1)
        stranger = await make_account(db, "stranger", Role.LEAD)
        lead = await make_lead(db, world)
        await db.write(people.set_disabled, lead.id, True, by=None, now_ms=NOW_MS)
        for account in (world.labelers[0], stranger, lead):
            with pytest.raises(Forbidden):
                await db.read(browse.browse, account, world.project, Filter(), limit=9)
            with pytest.raises(Forbidden):
                await db.write(review.approve, account, world.project, {}, now_ms=NOW_MS)

    run(body)
