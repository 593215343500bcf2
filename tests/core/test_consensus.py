"""Consensus: what several answers come to, and what becomes of the item."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.annotation import Answer, Region, SubmittedItem
from core.consensus import Agreed, Conflict, MoreNeeded, Quorum, combine, decide
from core.counts.progress import label_counts, project_progress
from core.db.database import Database
from core.errors import BadInput
from core.geometry import Box, Polygon
from core.ids import ItemState, LabelId, TaskType
from core.labeling import corrections, queue, skipping, submissions
from core.transfer.items import item_counts
from tests.builders import NOW_MS, World, make_world, set_quorum
from tests.conftest import Run

CAT, DOG, OWL = LabelId(1), LabelId(2), LabelId(3)
QUORUM = Quorum(2, 3)


def classes(*labels: LabelId) -> list[Answer]:
    """One multi-class answer a labeler."""
    return [Answer((label,)) for label in labels]


def boxes(*found: tuple[LabelId, float, float]) -> Answer:
    """Boxes of 100 by 100 px at these places."""
    return Answer(regions=tuple(Region(label, Box(x, y, x + 100, y + 100)) for label, x, y in found))


@pytest.mark.parametrize(
    ("labels", "verdict"),
    [
        ((CAT,), MoreNeeded()),
        ((CAT, CAT), Agreed(Answer((CAT,)))),
        ((CAT, DOG), MoreNeeded()),
        ((CAT, DOG, DOG), Agreed(Answer((DOG,)))),
        ((CAT, DOG, OWL), Conflict()),
    ],
)
def test_classes_are_voted(labels: tuple[LabelId, ...], verdict: object) -> None:
    """More than half must agree; a tie asks one more, and three opinions of three go to a reviewer."""
    assert decide(TaskType.MULTI_CLASS, classes(*labels), QUORUM) == verdict


def test_labels_are_voted_one_by_one() -> None:
    """A label stands when more than half gave it; one that half gave is asked of another labeler."""
    both = [Answer((CAT, DOG)), Answer((DOG,))]
    assert decide(TaskType.MULTI_LABEL, both, QUORUM) == MoreNeeded()
    assert combine(TaskType.MULTI_LABEL, [*both, Answer((DOG, CAT))]) == Answer((CAT, DOG))
    assert decide(TaskType.MULTI_LABEL, classes(CAT, DOG, OWL), QUORUM) == Conflict()


def test_boxes_agree_by_overlap_and_label() -> None:
    """Boxes a little apart are one box, between them; another label, or a box that half drew, needs another look."""
    first, near, other = boxes((CAT, 0, 0)), boxes((CAT, 10, 4)), boxes((DOG, 0, 0))
    verdict = decide(TaskType.OBJECT_DETECTION, [first, near], QUORUM)
    assert verdict == Agreed(Answer(regions=(Region(CAT, Box(5, 2, 105, 102)),)))
    assert decide(TaskType.OBJECT_DETECTION, [first, other], QUORUM) == MoreNeeded()
    more = boxes((CAT, 0, 0), (DOG, 300, 300))
    assert decide(TaskType.OBJECT_DETECTION, [first, more], QUORUM) == MoreNeeded()
    assert combine(TaskType.OBJECT_DETECTION, [first, more, near]) == Answer(
        regions=(Region(CAT, Box(0, 0, 100, 100)),)
    )
    apart = [boxes((CAT, x, 0)) for x in (0, 200, 400)]
    assert decide(TaskType.OBJECT_DETECTION, apart, QUORUM) == Conflict()


def test_polygons_agree_by_area() -> None:
    """Of polygons that mean the same thing, the one nearest to the others stands, point for point."""
    shapes = [Polygon(((x, 0), (x + 90, 0), (x + 90, 90), (x, 90))) for x in (0.0, 8.0, 4.0)]
    drawn = [Answer(regions=(Region(OWL, shape),)) for shape in shapes]
    assert combine(TaskType.INSTANCE_SEGMENTATION, drawn) == drawn[2]


def test_nothing_there_can_be_agreed_on() -> None:
    """Two labelers who find no object agree that there is none."""
    assert decide(TaskType.OBJECT_DETECTION, [Answer(), Answer()], QUORUM) == Agreed(Answer())


shape = st.tuples(st.sampled_from([CAT, DOG]), st.floats(0, 500), st.floats(0, 500))


@given(st.lists(shape, max_size=5), st.integers(2, 5))
def test_equal_answers_always_agree(found: list[tuple[LabelId, float, float]], labelers: int) -> None:
    """Labelers who draw the same boxes agree on those boxes, however many they are and however they overlap."""
    answer = boxes(*found)
    agreed = combine(TaskType.OBJECT_DETECTION, [answer] * labelers)
    assert agreed is not None
    assert sorted(map(repr, agreed.regions)) == sorted(map(repr, answer.regions))


def test_impossible_quorums_are_refused() -> None:
    """A maximum under the minimum, or an IoU over 1, is refused in words."""
    with pytest.raises(BadInput, match="cannot be"):
        Quorum(3, 2)
    with pytest.raises(BadInput, match="IoU"):
        Quorum(1, 1, 1.5)


async def say(db: Database, world: World, labeler: int, number: int) -> Any:
    """One labeler answers the item that the queue gives them; None when it gives none."""
    account = world.labelers[labeler].id
    page = await db.write(queue.claim_page, world.project, account, 1, now_ms=NOW_MS)
    if not page.items:
        return None
    items = [world.submission(page.items[0], number)]
    return await db.write(submissions.submit, world.project, account, items, now_ms=NOW_MS)


async def counts(db: Database, world: World) -> dict[ItemState, int]:
    """Items by state, from the rows; the tally must say the same."""
    found = await db.read(item_counts, world.project)
    told = await db.read(project_progress, world.project)
    assert (told.todo, told.labeled) == (found.get(ItemState.TODO, 0), found.get(ItemState.LABELED, 0))
    assert (told.needs_review, told.skipped) == (
        found.get(ItemState.NEEDS_REVIEW, 0),
        found.get(ItemState.SKIPPED, 0),
    )
    return found


def test_an_item_goes_on_until_its_labelers_agree(run: Run) -> None:
    """Two are asked, a third only when they differ, nobody twice; then the majority's answer is the item's."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1, labelers=4)
        await set_quorum(db, world, 2, 3)
        assert (await say(db, world, 0, 0)).accepted
        assert await counts(db, world) == {ItemState.TODO: 1}
        assert await say(db, world, 0, 0) is None
        assert (await say(db, world, 1, 1)).accepted
        assert await counts(db, world) == {ItemState.TODO: 1}
        assert (await say(db, world, 2, 1)).accepted
        assert await counts(db, world) == {ItemState.LABELED: 1}
        assert await say(db, world, 3, 1) is None
        assert await db.read(label_counts, world.project) == {world.labels[1]: 1}

    run(body)


def test_three_opinions_go_to_a_reviewer_and_a_change_of_mind_settles_it(run: Run) -> None:
    """At the maximum the item needs review; a labeler who goes back and agrees with another settles it."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1, labelers=3)
        await set_quorum(db, world, 2, 3)
        for n in range(3):
            await say(db, world, n, n)
        assert await counts(db, world) == {ItemState.NEEDS_REVIEW: 1}
        account = world.labelers[2].id
        mine = await db.read(corrections.my_submissions, world.project, account, before_ms=NOW_MS + 1, limit=9)
        better = SubmittedItem(mine[0].item, mine[0].token, world.answer(0))
        await db.write(corrections.correct, world.project, account, better, now_ms=NOW_MS)
        assert await counts(db, world) == {ItemState.LABELED: 1}
        assert {k: v for k, v in (await db.read(label_counts, world.project)).items() if v} == {world.labels[0]: 1}

    run(body)


def test_two_labelers_hold_an_item_at_once_only_for_consensus(run: Run) -> None:
    """With a minimum of two, two labelers are given the same item and a third is not."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1, labelers=3)
        await set_quorum(db, world, 2, 3)
        given_to = []
        for labeler in world.labelers:
            page = await db.write(queue.claim_page, world.project, labeler.id, 1, now_ms=NOW_MS)
            given_to.append(len(page.items))
        assert given_to == [1, 1, 0]

    run(body)


def test_with_consensus_a_skip_asks_somebody_else(run: Run) -> None:
    """One labeler's skip gives the item to another; as many skips as would have to agree set it aside."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1, labelers=3)
        await set_quorum(db, world, 2, 3)
        for n, state in ((0, ItemState.TODO), (1, ItemState.SKIPPED)):
            account = world.labelers[n].id
            held = (await db.write(queue.claim_page, world.project, account, 1, now_ms=NOW_MS)).items[0]
            await db.write(skipping.skip, world.project, account, held.item, held.token, "dark", now_ms=NOW_MS)
            assert await counts(db, world) == {state: 1}

    run(body)
