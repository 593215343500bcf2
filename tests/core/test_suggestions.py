"""What models suggest reaches labelers as drafts, is judged by them, and never overrules one. On both engines."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, select

from core.annotation import Answer, SubmittedItem
from core.assist import learning, suggestions
from core.assist.learning import RunState
from core.assist.suggestions import Place, Suggestion
from core.counts import progress
from core.db.database import Database
from core.db.tables import ITEM
from core.errors import BadInput
from core.ids import ItemId, ItemKind, Source
from core.labeling import queue, submissions
from core.project.settings import change_settings
from core.team.access import OPERATOR
from core.transfer.imported_prelabels import begin_prelabels, write_prelabels
from tests.builders import NOW_MS, World, make_world
from tests.conftest import Run


async def items_of(db: Database, world: World) -> list[ItemId]:
    """The world's items by id."""
    return [seen.item for seen in await db.read(learning.seen_after, world.project, ItemId(0), 100)]


async def make_run(db: Database, world: World, job: int = 1) -> int:
    """A training run."""
    return await db.write(learning.start_run, world.project, "train", job, device="cpu", labels=5, now_ms=NOW_MS)


async def suggest(db: Database, world: World, items: list[ItemId], run: int, number: int = 0) -> Any:
    """Prelabel items with one label, the first item first."""
    said = [Suggestion(item, 0.97, world.answer(number)) for item in items]
    await db.write(suggestions.put, run, said)
    places = [Place(item, ItemKind.PRELABELED, n, model=run) for n, item in enumerate(items)]
    return await db.write(suggestions.arrange, world.project, places)


async def claim(db: Database, world: World, size: int = 4, labeler: int = 0) -> Any:
    """A page."""
    return await db.write(queue.claim_page, world.project, world.labelers[labeler].id, size, now_ms=NOW_MS)


async def hand_in(db: Database, world: World, items: list[SubmittedItem], labeler: int = 0) -> Any:
    """Submit."""
    return await db.write(submissions.submit, world.project, world.labelers[labeler].id, items, now_ms=NOW_MS)


def test_a_prelabel_is_the_labelers_draft(run: Run) -> None:
    """A prelabeled page comes first, filled in, with the model's score; reconnecting shows it again."""

    async def body(db: Database) -> None:
        world = await make_world(db)
        items = await items_of(db, world)
        await suggest(db, world, items[3:6], await make_run(db, world), 1)
        page = await claim(db, world)
        assert [held.item for held in page.items] == items[3:6]
        assert {held.kind for held in page.items} == {ItemKind.PRELABELED}
        assert {(held.draft.answer, held.suggestion, held.score) for held in page.items} == {
            (world.answer(1), world.answer(1), 0.97)
        }
        again = await db.write(queue.resume_pages, world.project, world.labelers[0].id, now_ms=NOW_MS)
        assert [held.draft.answer for held in again.items] == [world.answer(1)] * 3

    run(body)


def test_what_people_make_of_prelabels_is_recorded(run: Run) -> None:
    """Accepted and corrected prelabels are told apart, and the model's live precision follows."""

    async def body(db: Database) -> None:
        world = await make_world(db)
        items, model = await items_of(db, world), await make_run(db, world)
        await suggest(db, world, items[:4], model)
        held = (await claim(db, world)).items
        await hand_in(db, world, [world.submission(held[0], 1), *(world.submission(h) for h in held[1:])])
        seen = {s.item: s for s in await db.read(learning.seen_after, world.project, ItemId(0), 100)}
        assert seen[held[0].item].source is Source.PRELABEL_CORRECTED
        assert seen[held[1].item].source is Source.PRELABEL_ACCEPTED
        live = await db.read(learning.live, model)
        assert (live.judged, live.precision) == (4, 0.75)
        await suggest(db, world, [], model)
        await db.write(suggestions.put, model, [Suggestion(held[0].item, 0.5, world.answer(2))])
        assert (await db.read(learning.live, model)).judged == 4

    run(body)


def test_a_newer_model_replaces_suggestions_but_not_work_in_hand(run: Run) -> None:
    """A page in hand keeps what its labeler sees; what is answered stays answered; the rest shows the newer model's word."""

    async def body(db: Database) -> None:
        world = await make_world(db)
        items, first = await items_of(db, world), await make_run(db, world)
        await suggest(db, world, items[:6], first)
        held = (await claim(db, world, 3)).items
        await hand_in(db, world, [world.submission(held[0], 2)])
        second = await make_run(db, world, job=2)
        await suggest(db, world, items[:6], second, 1)
        mine = await db.write(queue.resume_pages, world.project, world.labelers[0].id, now_ms=NOW_MS)
        assert [h.draft.answer for h in mine.items] == [world.answer(0)] * 2
        theirs = await claim(db, world, 9, labeler=1)
        assert [(h.item, h.draft.answer) for h in theirs.items] == [(i, world.answer(1)) for i in items[3:6]]
        labeled = [s for s in await db.read(learning.seen_after, world.project, ItemId(0), 100) if s.answer]
        assert [(s.item, s.answer) for s in labeled] == [(held[0].item, world.answer(2))]

    run(body)


def test_the_audit_stream_is_never_prelabeled(run: Run) -> None:
    """Items drawn for the audit are served by hand, whatever the model says, and their share comes in bursts."""

    async def body(db: Database) -> None:
        world = await make_world(db)
        await db.write(change_settings, OPERATOR, world.project, {"assist": {"on": True, "first": 10}}, now_ms=NOW_MS)
        items, model = await items_of(db, world), await make_run(db, world)
        await db.write(suggestions.arrange, world.project, [], audit=items[:2])
        kinds = await suggest(db, world, items, model)
        assert kinds == {ItemKind.PRELABELED: 8, ItemKind.CLUSTERED: 0, ItemKind.MANUAL: 2}
        page = await claim(db, world)
        assert await db.read(learning.audit_counts, world.project) == (0, 2)
        assert {h.item for h in page.items} == set(items[:2])
        assert {h.suggestion for h in page.items} == {None}
        assert [s.audit for s in await db.read(learning.seen_after, world.project, ItemId(0), 100)] == [True] * 2 + [
            False
        ] * 8

    run(body)


def test_clusters_keep_together_and_are_counted(run: Run) -> None:
    """A clustered page holds one cluster, cheapest first; the dashboard's queue counts follow every move."""

    async def body(db: Database) -> None:
        world = await make_world(db)
        items = await items_of(db, world)
        places = [Place(item, ItemKind.CLUSTERED, n, cluster=n // 5) for n, item in enumerate(items)]
        await db.write(suggestions.arrange, world.project, places)
        page = await claim(db, world, 9)
        assert [h.item for h in page.items] == items[:5]
        assert (await db.read(progress.queue_counts, world.project))[ItemKind.CLUSTERED] == 10
        await db.write(suggestions.arrange, world.project, [])
        counts = await db.read(progress.queue_counts, world.project)
        assert (counts[ItemKind.CLUSTERED], counts[ItemKind.MANUAL]) == (5, 5)

        def counted(conn: Connection) -> list[int]:
            return list(conn.execute(select(ITEM.c.kind).where(ITEM.c.state == 0)).scalars())

        assert sorted(await db.read(counted)) == [1] * 5 + [2] * 5

    run(body)


def test_a_model_that_is_switched_off_leaves_the_queue(run: Run) -> None:
    """Its suggestions are gone from open items, with the reason in its log; labels and pages in hand stay."""

    async def body(db: Database) -> None:
        world = await make_world(db)
        items, model = await items_of(db, world), await make_run(db, world)
        await db.write(learning.end_run, model, RunState.ACTIVE, now_ms=NOW_MS)
        await suggest(db, world, items[:6], model)
        held = (await claim(db, world, 2)).items
        await db.write(learning.switch_off, world.project, model, "People kept 60%.", now_ms=NOW_MS)
        assert (await db.read(progress.queue_counts, world.project))[ItemKind.PRELABELED] == 2
        assert (await claim(db, world, 9, labeler=1)).items[0].suggestion is None
        assert (await hand_in(db, world, [world.submission(h) for h in held])).accepted
        assert await db.read(learning.active_run, world.project) is None
        assert "60%" in (await db.read(learning.run_by_id, model)).log

    run(body)


def test_prelabels_from_a_file_stay_until_a_model_knows_better(run: Run) -> None:
    """A training takes nothing away that an admin brought in; a model's own suggestion for the item replaces it."""

    async def body(db: Database) -> None:
        world = await make_world(db)
        items = await items_of(db, world)
        given = {item: world.answer(2) for item in items[:3]}
        file = await db.write(begin_prelabels, OPERATOR, world.project, "labels.csv", now_ms=NOW_MS)
        await db.write(write_prelabels, OPERATOR, world.project, file, given, {})
        await suggest(db, world, items[:1], await make_run(db, world))
        page = await claim(db, world)
        assert {h.item: h.draft.answer for h in page.items} == {
            items[0]: world.answer(0), items[1]: world.answer(2), items[2]: world.answer(2)
        }  # fmt: skip

    run(body)


def test_a_newer_run_replaces_the_active_one(run: Run) -> None:
    """At most one model's suggestions are shown."""

    async def body(db: Database) -> None:
        world = await make_world(db)
        first, second = await make_run(db, world), await make_run(db, world, job=2)
        assert await make_run(db, world, job=2) == second
        for model in (first, second):
            await db.write(learning.learned, model, b"w", 0.9, {"why": ""}, 5)
            await db.write(learning.end_run, model, RunState.ACTIVE, now_ms=NOW_MS)
        active = await db.read(learning.active_run, world.project)
        assert active is not None
        assert active.id == second
        assert await db.read(learning.weights_of, first) is None
        assert await db.read(learning.weights_of, second) == b"w"

    run(body)


@pytest.mark.parametrize(
    ("assist", "word"),
    [
        ({"colour": 1}, "no setting"),
        ({"on": "yes"}, "true or false"),
        ({"first": 3}, "10 or more"),
        ({"target": 1.5}, "between 0.5 and 1"),
        ({"order": "alphabetical"}, "one of"),
        ({"backbone": "gpt"}, "one of"),
    ],
)
def test_impossible_settings_are_refused(run_sqlite: Run, assist: dict[str, object], word: str) -> None:
    """A wrong setting of ML assist is refused in one sentence that says what is possible."""

    async def body(db: Database) -> None:
        world = await make_world(db)
        with pytest.raises(BadInput, match=word):
            await db.write(change_settings, OPERATOR, world.project, {"assist": assist}, now_ms=NOW_MS)

    run_sqlite(body)


def test_kept_part_of_a_multi_label_suggestion(run_sqlite: Run) -> None:
    """In multi-label each suggested label counts: one of two kept is half."""
    both, one = Answer((1, 2)), Answer((2, 3))  # type: ignore[arg-type]
    assert suggestions.kept_part(both, one) == 0.5
    assert suggestions.kept_part(both, Answer((2, 1))) == 1.0  # type: ignore[arg-type]
