"""Answers from files become current answers: counts stay right, nothing of a labeler's is lost, nothing is replaced unasked."""

from __future__ import annotations

from core.annotation import Answer
from core.counts.progress import label_counts, project_progress
from core.db.database import Database
from core.ids import ItemId, ItemState, LabelId
from core.labeling.gold import add_gold
from core.labeling.queue import claim_page
from core.labeling.submissions import submit
from core.oversight.review import history
from core.team.access import OPERATOR
from core.transfer.imported import HAS_ANSWER, IS_GOLD, targets_after, write_labels
from core.transfer.items import annotation_count, item_counts
from tests.builders import NOW_MS, World, make_world, set_quorum
from tests.conftest import Run


async def items_by_path(db: Database, world: World) -> dict[str, ItemId]:
    """The items' ids."""
    return {row.path: row.item for row in await db.read(targets_after, OPERATOR, world.project, ItemId(0), 100)}


async def check_counts(db: Database, world: World) -> None:
    """What the dashboard reads is what the rows say."""
    told, found = await db.read(project_progress, world.project), await db.read(item_counts, world.project)
    assert (told.todo, told.labeled) == (found.get(ItemState.TODO, 0), found.get(ItemState.LABELED, 0))
    uses = (await db.read(label_counts, world.project)).values()
    assert sum(uses) == await db.read(annotation_count, world.project)


def test_imported_answers_are_current_answers(run: Run) -> None:
    """They count, they are in the history, and whoever held such an image is freed of it with the rest of the page kept."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=6)
        page = await db.write(claim_page, world.project, world.labelers[0].id, 4, now_ms=NOW_MS)
        held = page.items[0]
        receipt = await db.write(
            write_labels, OPERATOR, world.project, {held.item: world.answer(1)}, replace=False, now_ms=NOW_MS
        )
        assert receipt.accepted == (held.item,)
        await check_counts(db, world)
        late = await db.write(
            submit,
            world.project,
            world.labelers[0].id,
            [world.submission(one) for one in page.items],
            now_ms=NOW_MS + 1,
        )
        assert (len(late.accepted), list(late.refused)) == (3, [held.item])
        await check_counts(db, world)
        past = await db.read(history, OPERATOR, world.project, held.item)
        assert [one.what for one in past] == ["item-imported"]

    run(body)


def test_other_answers_stay_unless_they_are_to_be_replaced(run: Run) -> None:
    """A labeler's answer is kept; with `replace` the file's takes its place and the old one is in the history."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=3)
        page = await db.write(claim_page, world.project, world.labelers[0].id, 1, now_ms=NOW_MS)
        await db.write(submit, world.project, world.labelers[0].id, [world.submission(page.items[0])], now_ms=NOW_MS)
        item, other = page.items[0].item, world.answer(1)
        asked = (write_labels, OPERATOR, world.project, {item: other})
        assert (await db.write(*asked, replace=False, now_ms=NOW_MS)).refused == {item: HAS_ANSWER}
        assert (await db.write(*asked, replace=True, now_ms=NOW_MS)).accepted == (item,)
        await check_counts(db, world)
        past = await db.read(history, OPERATOR, world.project, item)
        assert past[-1].body["before"] == world.answer(0).to_json()
        again = await db.write(*asked, replace=False, now_ms=NOW_MS)
        assert again.accepted == (item,)
        assert len(await db.read(history, OPERATOR, world.project, item)) == len(past)

    run(body)


def test_an_imported_answer_settles_a_consensus(run: Run) -> None:
    """Where two labelers are asked, an imported answer decides alone, and the item is given to nobody any more."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1)
        await set_quorum(db, world, 2, 3)
        item = next(iter((await items_by_path(db, world)).values()))
        page = await db.write(claim_page, world.project, world.labelers[0].id, 1, now_ms=NOW_MS)
        await db.write(submit, world.project, world.labelers[0].id, [world.submission(page.items[0])], now_ms=NOW_MS)
        await db.write(write_labels, OPERATOR, world.project, {item: world.answer(1)}, replace=False, now_ms=NOW_MS)
        await check_counts(db, world)
        assert not (await db.write(claim_page, world.project, world.labelers[1].id, 1, now_ms=NOW_MS)).items

    run(body)


def test_what_cannot_be_taken_is_refused_by_name(run: Run) -> None:
    """Gold items, labels of another project and items of another project are refused one by one; the rest goes in."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        ids = await items_by_path(db, world)
        await db.write(add_gold, OPERATOR, world.project, {ids["00000.jpg"]: world.answer()}, now_ms=NOW_MS)
        wanted = {
            ids["00000.jpg"]: world.answer(1),
            ids["00001.jpg"]: Answer((LabelId(999),)),
            ids["00002.jpg"]: world.answer(),
            ItemId(999): world.answer(),
        }
        receipt = await db.write(write_labels, OPERATOR, world.project, wanted, replace=True, now_ms=NOW_MS)
        assert receipt.accepted == (ids["00002.jpg"],)
        assert receipt.refused[ids["00000.jpg"]] == IS_GOLD
        assert "label that this project does not have" in receipt.refused[ids["00001.jpg"]]
        await check_counts(db, world)

    run(body)
