"""What people seem to have mislabeled comes to reviewers as a list; nothing is changed by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assist.calibrate import Threshold
from assist.classification import confident_learning
from assist.detection import evaluate
from assist.detection.detections import Detection
from core.annotation import Answer, Region
from core.db.database import Database
from core.geometry import Box
from core.ids import ItemId, LabelId
from core.oversight import review
from core.oversight.browse import Filter, browse
from core.team import people
from tests.assist.house import open_studio
from tests.builders import NOW_MS
from tests.conftest import Run


def test_a_confident_other_answer_is_a_doubt() -> None:
    """As sure of another class as that class usually makes it: in doubt. Unsure rows, and right ones, are not."""
    chance = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9], [0.95, 0.05], [0.45, 0.55]])
    given = np.array([0, 0, 1, 1, 1, 0])
    assert [(row, said) for row, said, _ in confident_learning.of_classes(chance, given)] == [(4, 0)]


def test_each_of_several_labels_is_asked_by_itself() -> None:
    """A label that is surely missing is put in, the others stay as they were given."""
    chance = np.array([[0.95, 0.9], [0.9, 0.1], [0.1, 0.9], [0.05, 0.1]])
    given = np.array([[True, False], [True, False], [False, True], [False, False]])
    found = confident_learning.of_labels(chance, given)
    assert [(row, said.tolist()) for row, said, _ in found] == [(0, [True, True])]


def test_a_sure_find_that_nobody_drew_is_a_doubt() -> None:
    """Of a label that may be trusted only."""
    found = [Detection(0, 0.9, Box(0, 0, 9, 9)), Detection(1, 0.9, Box(50, 0, 59, 9))]
    evaluated = [evaluate.evaluate(ItemId(7), found, [], (LabelId(1), LabelId(2)))]
    trusted = Threshold(0.5, 1.0, 1.0, 0.95, 30)
    doubts = evaluate.doubts(evaluated, [trusted, None], (LabelId(1), LabelId(2)))
    assert [(d.item, d.answer) for d in doubts] == [(7, Answer(regions=(Region(LabelId(1), Box(0, 0, 9, 9)),)))]


def test_mislabeled_images_come_to_reviewers(run: Run, tmp_path: Path) -> None:
    """A careless minute of a labeler is found again, stays as it is, and is off the list once a reviewer has seen it."""

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=60)
        await studio.let_it_work()
        await studio.label(60)
        answers = sorted(set(studio.truth.values()), key=lambda answer: answer.labels)
        wrong: set[str] = set()

        def careless(path: str) -> Answer:
            wrong.add(path)
            return next(answer for answer in answers if answer != studio.truth[path])

        await studio.label(8, answer=careless)
        await studio.label(60)
        await studio.let_it_work()
        admin = await db.read(people.account_by_name, "labeler")
        page = await db.read(browse, admin, studio.project, Filter(doubted=True), limit=100)
        hits = [item for item in page.items if item.path in wrong]
        assert len(hits) >= 6
        assert len(page.items) - len(hits) <= 8
        assert all(one.doubt is not None and one.doubt.answer == studio.truth[one.path] for one in hits[:3])
        assert all(one.answer != studio.truth[one.path] for one in hits)
        seen = hits[0]
        await db.write(review.approve, admin, studio.project, {seen.item: seen.stamp_ms}, now_ms=NOW_MS + 5)
        left = await db.read(browse, admin, studio.project, Filter(doubted=True), limit=100)
        assert seen.item not in {item.item for item in left.items}
        assert len(left.items) == len(page.items) - 1

    run(body)
