"""Changing the classes of a half-labeled project: what is asked for happens, and history keeps what was there."""

from __future__ import annotations

import pytest

from core.counts.progress import label_counts, project_progress
from core.db.database import Database
from core.errors import BadInput
from core.ids import ItemState, ProjectState, TaskType
from core.labeling import queue, skipping, submissions
from core.labels import LabelSet
from core.oversight import browse, review
from core.oversight.browse import Filter
from core.project import label_changes, label_merging, projects
from core.project.label_changes import Afterwards
from core.team.access import OPERATOR
from core.transfer.items import item_counts, labels_in_use
from tests.builders import NOW_MS, World, claimed, make_world
from tests.conftest import Run


async def set_state(db: Database, world: World, state: ProjectState) -> None:
    """Pause the world's project, or let it run."""
    await db.write(projects.set_state, world.project, state, by=None, now_ms=NOW_MS)


async def half_labeled(db: Database) -> World:
    """Eight items, four of them labeled, one page of four in hand; paused."""
    world = await make_world(db, items=9, labelers=2)
    account, page = await claimed(db, world, 4)
    answers = [world.submission(held, n % 2) for n, held in enumerate(page.items)]
    await db.write(submissions.submit, world.project, account, answers, now_ms=NOW_MS)
    held = (await db.write(queue.claim_page, world.project, account, 1, now_ms=NOW_MS)).items[0]
    await db.write(skipping.skip, world.project, account, held.item, held.token, "dark", now_ms=NOW_MS)
    await set_state(db, world, ProjectState.PAUSED)
    return world


@pytest.mark.parametrize(
    ("afterwards", "todo", "labeled", "drafts"),
    [(Afterwards.CONTINUE, 4, 4, 0), (Afterwards.START_OVER, 9, 0, 0), (Afterwards.KEEP_AS_DEFAULTS, 9, 0, 4)],
)
def test_the_three_choices(run: Run, afterwards: Afterwards, todo: int, labeled: int, drafts: int) -> None:
    """Continue keeps labels; starting over takes them out, into the history, or fills them in as defaults for anybody."""

    async def body(db: Database) -> None:
        world = await half_labeled(db)
        args = (label_changes.add_labels, OPERATOR, world.project, ["jay", "Owl/Snowy"], afterwards)
        again = await db.write(*args, now_ms=NOW_MS)
        assert again == (0 if afterwards is Afterwards.CONTINUE else 5)
        paths = [label.path for label in await db.read(projects.label_classes, world.project)]
        assert paths == ["robin", "wren", "Owl", "Owl/Barn", "jay", "Owl/Snowy"]
        told = await db.read(project_progress, world.project)
        assert (told.todo, told.labeled, told.total) == (todo, labeled, 9)
        found = await db.read(item_counts, world.project)
        assert (found[ItemState.TODO], found.get(ItemState.LABELED, 0)) == (todo, labeled)
        assert sum((await db.read(label_counts, world.project)).values()) == labeled
        items = (await db.read(browse.browse, OPERATOR, world.project, Filter(), limit=20)).items
        histories = [await db.read(review.history, OPERATOR, world.project, item.item) for item in items]
        assert sum(event.what == "item-submitted" for past in histories for event in past) == 4
        restarted = [event.body["before"] for past in histories for event in past if event.what == "item-restarted"]
        assert sum(before is not None for before in restarted) == (0 if afterwards is Afterwards.CONTINUE else 4)
        await set_state(db, world, ProjectState.RUNNING)
        page = await db.write(queue.claim_page, world.project, world.labelers[1].id, 9, now_ms=NOW_MS)
        assert len(page.items) == todo
        assert sum(not held.draft.answer.is_empty for held in page.items) == drafts

    run(body)


def test_classes_are_added_while_paused_only(run: Run) -> None:
    """While the project runs the change is refused, and so is a class that is there already."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1)
        add = (label_changes.add_labels, OPERATOR, world.project)
        with pytest.raises(BadInput, match="Pause"):
            await db.write(*add, ["jay"], Afterwards.CONTINUE, now_ms=NOW_MS)
        await set_state(db, world, ProjectState.PAUSED)
        with pytest.raises(BadInput, match="already"):
            await db.write(*add, ["robin"], Afterwards.CONTINUE, now_ms=NOW_MS)

    run(body)


def test_rename_recolour_and_reorder(run: Run) -> None:
    """Ids stay, so answers keep their meaning; paths below follow; a taken path and a bad colour are refused."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1)
        at = {"now_ms": NOW_MS}
        renamed = await db.write(label_changes.rename_label, OPERATOR, world.project, "Owl", "Owls", **at)
        assert (renamed.id, renamed.path) == (world.labels[2], "Owls")
        await db.write(label_changes.recolor_label, OPERATOR, world.project, "Owls/Barn", "#ABCDEF", **at)
        await db.write(label_changes.move_label, OPERATOR, world.project, "Owls/Barn", 1, **at)
        labels = LabelSet(await db.read(projects.label_classes, world.project))
        assert [label.path for label in labels] == ["Owls/Barn", "robin", "wren", "Owls"]
        assert labels.by_number(1) is not None
        assert labels.by_path("Owls/Barn").color == "#abcdef"
        for act, args in (
            (label_changes.rename_label, ("wren", "robin")),
            (label_changes.rename_label, ("wren", "a/b")),
            (label_changes.recolor_label, ("wren", "blue")),
            (label_changes.move_label, ("wren", 5)),
        ):
            with pytest.raises(BadInput):
                await db.write(act, OPERATOR, world.project, *args, **at)  # type: ignore[arg-type]

    run(body)


def test_merged_while_a_page_is_open(run: Run) -> None:
    """Current answers, drafts and counts move to the class that stays; a page that was open goes in as that class."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=8, labelers=2, task_type=TaskType.MULTI_LABEL)
        one, two = (account.id for account in world.labelers)
        page = await db.write(queue.claim_page, world.project, one, 4, now_ms=NOW_MS)
        await db.write(
            submissions.submit, world.project, one, [world.submission(h, 0) for h in page.items], now_ms=NOW_MS
        )
        open_page = await db.write(queue.claim_page, world.project, two, 4, now_ms=NOW_MS)
        await set_state(db, world, ProjectState.PAUSED)
        merge = (label_merging.merge_labels, OPERATOR, world.project, "robin", "wren")
        assert await db.write(*merge, now_ms=NOW_MS) == 4
        await set_state(db, world, ProjectState.RUNNING)
        late = [world.submission(held, 0) for held in open_page.items]
        receipt = await db.write(submissions.submit, world.project, two, late, now_ms=NOW_MS)
        assert len(receipt.accepted) == 4
        assert await db.write(submissions.submit, world.project, two, late, now_ms=NOW_MS) == receipt
        counts = {label: n for label, n in (await db.read(label_counts, world.project)).items() if n}
        assert counts == {world.labels[1]: 8}
        found = await db.read(browse.browse, OPERATOR, world.project, Filter(label=world.labels[1]), limit=20)
        assert [item.answer for item in found.items] == [world.answer(1)] * 8
        past = await db.read(review.history, OPERATOR, world.project, page.items[0].item)
        assert past[0].body["answer"] == world.answer(0).to_json()

    run(body)


def test_retired_classes_stay_in_answers(run: Run) -> None:
    """A retired class can no longer be chosen, what has it keeps it, exports still know it, and adding brings it back."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=2)
        account, page = await claimed(db, world, 2)
        first, second = (world.submission(held, 0) for held in page.items)
        await db.write(submissions.submit, world.project, account, [first], now_ms=NOW_MS)
        assert await db.write(label_changes.retire_label, OPERATOR, world.project, "robin", now_ms=NOW_MS) == 1
        receipt = await db.write(submissions.submit, world.project, account, [second], now_ms=NOW_MS)
        assert "label" in receipt.refused[second.item]
        assert len(await db.read(projects.label_classes, world.project)) == 3
        assert len(await db.read(labels_in_use, world.project)) == 4
        await set_state(db, world, ProjectState.PAUSED)
        add = (label_changes.add_labels, OPERATOR, world.project, ["robin"], Afterwards.CONTINUE)
        await db.write(*add, now_ms=NOW_MS)
        assert world.labels[0] in LabelSet(await db.read(projects.label_classes, world.project))

    run(body)
