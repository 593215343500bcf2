"""Prelabels from a file are shown to labelers first, the surest first, and never take the place of anybody's work."""

from __future__ import annotations

from core.counts.progress import project_progress
from core.db.database import Database
from core.ids import ItemId, ItemKind, Source
from core.labeling.gold import add_gold
from core.labeling.queue import claim_page
from core.labeling.submissions import submit
from core.oversight.review import history
from core.team.access import OPERATOR
from core.transfer.imported import targets_after
from core.transfer.imported_prelabels import NOT_OPEN, begin_prelabels, write_prelabels
from tests.builders import NOW_MS, make_world
from tests.conftest import Run


def test_the_surest_prelabels_come_first(run: Run) -> None:
    """A labeler gets them before other items, with answer and score, and what they submit is marked as confirmed."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=6)
        items = [row.item for row in await db.read(targets_after, OPERATOR, world.project, ItemId(0), 100)]
        begun = await db.write(begin_prelabels, OPERATOR, world.project, "coco", now_ms=NOW_MS)
        answers = {items[4]: world.answer(1), items[2]: world.answer(0), items[5]: world.answer(1)}
        scores = {items[4]: 0.5, items[2]: 0.9}
        receipt = await db.write(write_prelabels, OPERATOR, world.project, begun, answers, scores)
        assert len(receipt.accepted) == 3
        told = await db.read(project_progress, world.project)
        assert told.todo == 6
        page = await db.write(claim_page, world.project, world.labelers[0].id, 4, now_ms=NOW_MS)
        assert [one.item for one in page.items] == [items[5], items[2], items[4]]
        assert {one.kind for one in page.items} == {ItemKind.PRELABELED}
        assert [one.score for one in page.items] == [1.0, 0.9, 0.5]
        assert page.items[0].suggestion == world.answer(1)
        submission = world.submission(page.items[0], 1)
        await db.write(submit, world.project, world.labelers[0].id, [submission], now_ms=NOW_MS)
        past = await db.read(history, OPERATOR, world.project, page.items[0].item)
        assert past[-1].body["source"] == Source.PRELABEL_ACCEPTED

    run(body)


def test_work_that_somebody_did_or_does_stays(run: Run) -> None:
    """Items in hand, answered or gold take no prelabel; the others do."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        items = [row.item for row in await db.read(targets_after, OPERATOR, world.project, ItemId(0), 100)]
        await db.write(add_gold, OPERATOR, world.project, {items[0]: world.answer()}, now_ms=NOW_MS)
        page = await db.write(claim_page, world.project, world.labelers[0].id, 1, now_ms=NOW_MS)
        held = page.items[0].item
        begun = await db.write(begin_prelabels, OPERATOR, world.project, "coco", now_ms=NOW_MS)
        receipt = await db.write(
            write_prelabels, OPERATOR, world.project, begun, {item: world.answer(1) for item in items}, {}
        )
        assert receipt.refused == {items[0]: NOT_OPEN, held: NOT_OPEN}
        assert len(receipt.accepted) == 2

    run(body)
