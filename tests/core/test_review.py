"""Review: browsing by filter, approving, correcting, rejecting, resolving; and what happens when two act at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from core import browse, corrections, people, projects, queue, review, submissions
from core.access import OPERATOR
from core.annotation import Answer, SubmittedItem
from core.browse import Browsed, Filter, Page
from core.database import Database
from core.errors import BadInput, Forbidden, ProjectPaused, Stale, TaglineError
from core.ids import ItemState, ProjectState, Role, Source
from core.people import Account
from core.progress import label_counts, project_progress
from core.tables import ITEM, MODEL_RUN, PREDICTION
from tests.builders import NOW_MS, World, make_account, make_world, set_quorum
from tests.conftest import Run

TODO, LABELED = ItemState.TODO, ItemState.LABELED


async def label_all(db: Database, world: World, labeler: int = 0, numbers: tuple[int, ...] = (0,)) -> None:
    """One labeler answers everything that the queue gives, with these labels in turn."""
    account, done = world.labelers[labeler].id, 0
    while (page := await db.write(queue.claim_page, world.project, account, 9, now_ms=NOW_MS)).items:
        answers = [world.submission(held, numbers[(done + n) % len(numbers)]) for n, held in enumerate(page.items)]
        await db.write(submissions.submit, world.project, account, answers, now_ms=NOW_MS + done)
        done += len(answers)


async def make_lead(db: Database, world: World) -> Account:
    """A lead of the world's project."""
    lead = await make_account(db, "lead", Role.LEAD)
    await db.write(people.add_member, world.project, lead.id, Role.LEAD, by=None, now_ms=NOW_MS)
    return lead


async def look(db: Database, world: World, wanted: Filter | None = None, **where: Any) -> Page:
    """A page of the data, of up to 50 items."""
    return await db.read(browse.browse, OPERATOR, world.project, wanted or Filter(), **{"limit": 50, **where})


async def only(db: Database, world: World) -> Browsed:
    """The only item."""
    return (await look(db, world)).items[0]


def uses(counts: Any) -> dict[Any, int]:
    """The labels that are in use."""
    return {label: n for label, n in counts.items() if n}


def test_pages_walk_through_everything_both_ways(run: Run) -> None:
    """Forwards from the first page and backwards from the last, each item comes once, in one order."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=25)
        await label_all(db, world, numbers=(0, 1, 0))
        for wanted in (Filter(), Filter(label=world.labels[0]), Filter(since_ms=NOW_MS + 1), Filter(states=(LABELED,))):
            forwards: list[Browsed] = []
            page = await look(db, world, wanted, limit=4)
            while page.items:
                forwards += page.items
                page = await look(db, world, wanted, limit=4, after=page.last)
            backwards: list[Browsed] = []
            page = await look(db, world, wanted, limit=4, from_end=True)
            while page.items:
                backwards = [*page.items, *backwards]
                page = await look(db, world, wanted, limit=4, before=page.first)
            assert [item.item for item in forwards] == [item.item for item in backwards]
            assert len({item.item for item in forwards}) == len(forwards) > 8

    run(body)


@pytest.mark.parametrize("visit", [1, 3, 7])
def test_a_search_that_is_broken_off_goes_on_where_it_was(run: Run, visit: int) -> None:
    """However few rows are looked at in one read, page after page finds each item once, both ways, and misses none."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=25)
        await label_all(db, world, numbers=(0, 1, 0))
        labeler = world.labelers[0].id
        for wanted in (
            Filter(text="2"),
            Filter(label=world.labels[0], labeler=labeler),
            Filter(label=world.labels[1], text="1", states=(LABELED,)),
            Filter(since_ms=NOW_MS + 1, text="0"),
            Filter(reviewed=True),
        ):
            found = [item.item for item in (await look(db, world, wanted)).items]
            for backwards in (False, True):
                seen: list[Any] = []
                page = await look(db, world, wanted, limit=2, visit=visit, from_end=backwards)
                while page.items or page.more:
                    ids = [item.item for item in page.items]
                    seen = ids + seen if backwards else seen + ids
                    there = {"before": page.first} if backwards else {"after": page.last}
                    page = await look(db, world, wanted, limit=2, visit=visit, **there)
                assert seen == found

    run(body)


def test_a_full_page_is_looked_for_to_the_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is as long as it is asked for while there is anything left, however rare what is looked for."""
    monkeypatch.setattr(browse, "FIRST_VISIT", 2)
    monkeypatch.setattr(browse, "VISIT", 3)

    async def body(db: Database) -> None:
        world = await make_world(db, items=25)
        here = (db, OPERATOR, world.project, Filter(text="5"))
        page = await browse.full_page(*here, limit=2)
        assert [item.path for item in page.items] == ["00005.jpg", "00015.jpg"]
        assert (await browse.full_page(*here, limit=2, after=page.last)).items == ()
        last = await browse.full_page(*here, limit=1, from_end=True)
        assert [item.path for item in last.items] == ["00015.jpg"]
        assert [i.path for i in (await browse.full_page(*here, limit=9, before=last.first)).items] == ["00005.jpg"]

    run(body)


def test_filters_find_by_how_sure_a_model_was(run: Run) -> None:
    """Items whose suggestion has a score in the range, and no others; the score is shown with them."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=6)

        def suggest(conn: Connection) -> None:
            run_row = {"project_id": world.project, "kind": "infer", "state": "done", "started_ms": NOW_MS}
            model = conn.execute(
                insert(MODEL_RUN).values(**run_row, device="", log="", metrics={})
            ).inserted_primary_key[0]
            ids = conn.execute(select(ITEM.c.id).order_by(ITEM.c.id)).scalars().all()
            for item, score in zip(ids, (0.2, 0.5, 0.75, 0.9), strict=False):
                conn.execute(insert(PREDICTION).values(item_id=item, model_id=model, score=score, body={}))
                conn.execute(update(ITEM).where(ITEM.c.id == item).values(model_id=model))

        await db.write(suggest)
        found = await look(db, world, Filter(score_from=0.5, score_until=0.9))
        assert [item.score for item in found.items] == [0.5, 0.75]
        assert [item.score for item in (await look(db, world, Filter(score_from=0.9))).items] == [0.9]
        assert [item.score for item in (await look(db, world)).items] == [0.2, 0.5, 0.75, 0.9, None, None]

    run(body)


def test_filters_find_what_they_say(run: Run) -> None:
    """By label, labeler, state, source, date, path and review, each alone and together."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=12)
        page = await db.write(queue.claim_page, world.project, world.labelers[0].id, 9, now_ms=NOW_MS)
        first, rest = page.items[0], page.items[1:]
        sent = [
            SubmittedItem(first.item, first.token, world.answer(1), source=Source.PRELABEL_CORRECTED),
            *(world.submission(held) for held in rest),
        ]
        await db.write(submissions.submit, world.project, world.labelers[0].id, sent, now_ms=NOW_MS)
        await label_all(db, world, 1)

        async def count(**wanted: Any) -> int:
            return len((await look(db, world, Filter(**wanted))).items)

        assert await count() == 12
        assert await count(states=(LABELED,)) == 12
        assert await count(states=(TODO, ItemState.SKIPPED)) == 0
        assert await count(label=world.labels[1]) == 1
        assert await count(labeler=world.labelers[0].id) == 9
        assert await count(labeler=world.labelers[1].id, label=world.labels[0]) == 3
        assert await count(source=Source.PRELABEL_CORRECTED) == 1
        assert await count(source=Source.MANUAL) == 11
        assert await count(text="0001") == 3
        assert await count(text="%") == 0
        assert await count(until_ms=NOW_MS) == 0
        assert await count(since_ms=NOW_MS, label=world.labels[1], labeler=world.labelers[0].id) == 1
        seen = {item.item: item.stamp_ms for item in (await look(db, world)).items[:5]}
        await db.write(review.approve, OPERATOR, world.project, seen, now_ms=NOW_MS)
        assert (await count(reviewed=True), await count(reviewed=False)) == (5, 7)

    run(body)


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
        account = world.labelers[0].id
        page = await db.write(queue.claim_page, world.project, account, 4, now_ms=NOW_MS)
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
        account = world.labelers[0].id
        page = await db.write(queue.claim_page, world.project, account, 4, now_ms=NOW_MS)
        await db.write(people.remove_member, world.project, account, by=None, now_ms=NOW_MS)
        items = [world.submission(held) for held in page.items]
        with pytest.raises(Forbidden, match="given"):
            await db.write(submissions.submit, world.project, account, items, now_ms=NOW_MS)

    run(body)


def test_paused_at_submit(run: Run) -> None:
    """Pausing and submitting at once: either the page is in, or it is refused and goes in unchanged after the pause."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        account = world.labelers[0].id
        page = await db.write(queue.claim_page, world.project, account, 4, now_ms=NOW_MS)
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
