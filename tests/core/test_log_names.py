"""The log as people read it: names of labels and of users where entries keep their ids, on both engines."""

from __future__ import annotations

from core.db.database import Database
from core.labeling import queue, submissions
from core.project import label_changes
from core.team import people
from core.team.access import OPERATOR
from core.upkeep import auditlog
from core.upkeep.auditlog import Wanted
from core.upkeep.lognames import named_entries
from tests.builders import NOW_MS, make_world
from tests.conftest import Run


def test_the_log_names_labels_and_users(run: Run) -> None:
    """An entry says the label's name of today and the user's; what it keeps is unchanged."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1)
        account = world.labelers[0]
        page = await db.write(queue.claim_page, world.project, account.id, 1, now_ms=NOW_MS)
        answers = [world.submission(page.items[0], 0)]
        await db.write(submissions.submit, world.project, account.id, answers, now_ms=NOW_MS)
        rename = (label_changes.rename_label, OPERATOR, world.project, "robin", "redbreast")
        await db.write(*rename, now_ms=NOW_MS)
        await db.write(people.set_disabled, account.id, True, by=None, now_ms=NOW_MS)
        kept = await db.read(auditlog.entries, OPERATOR, Wanted(what="item-submitted"), limit=9)
        named = await db.read(named_entries, OPERATOR, Wanted(), limit=99)
        told = {entry.what: entry.body for entry in named}
        assert told["item-submitted"]["answer"]["labels"] == ["redbreast"]
        assert kept[0].body["answer"]["labels"] == list(world.answer(0).labels)
        assert told["user-disabled"]["account"] == account.name

    run(body)
