"""The data page: filters, pages both ways, searches that are broken off and go on."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from core.annotation import SubmittedItem
from core.db.database import Database
from core.db.tables import ITEM, MODEL_RUN, PREDICTION
from core.ids import ItemState, Source
from core.labeling import queue, submissions
from core.oversight import browse, review
from core.oversight.browse import Browsed, Filter
from core.team.access import OPERATOR
from tests.builders import NOW_MS, make_world
from tests.conftest import Run
from tests.core.reviewing import LABELED, TODO, label_all, look


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
