"""Answers that no project can take are refused one by one, in words, and stay with their labeler."""

from __future__ import annotations

import pytest

from core.annotation import Answer, SubmittedItem
from core.db.database import Database
from core.errors import NotFound
from core.ids import LabelId
from core.labeling.queue import claim_page, resume_pages
from core.labeling.submissions import submit
from core.labels import LabelSet
from core.project.projects import label_classes
from tests.builders import NOW_MS, make_world
from tests.conftest import Run


def test_an_unknown_label_is_refused_and_kept(run: Run) -> None:
    """A label that is no label of this project is not stored; the others of the page are taken, and the lease goes on."""

    async def story(db: Database) -> None:
        world = await make_world(db)
        labeler = world.labelers[0].id
        page = await db.write(claim_page, world.project, labeler, 2, now_ms=NOW_MS)
        good, bad = page.items
        answers = [world.submission(good), SubmittedItem(bad.item, bad.token, Answer((LabelId(99_999),)))]
        receipt = await db.write(submit, world.project, labeler, answers, now_ms=NOW_MS + 1)
        assert receipt.accepted == (good.item,)
        assert "label" in receipt.refused[bad.item]
        again = await db.write(resume_pages, world.project, labeler, now_ms=NOW_MS + 2)
        assert [held.item for held in again.items] == [bad.item]
        with pytest.raises(NotFound, match="robin, wren"):
            LabelSet(await db.read(label_classes, world.project)).by_path("robn")

    run(story)
