"""What the tests of review share: a project labeled by its labelers, a lead, a look at the data."""

from __future__ import annotations

from typing import Any

from core.db.database import Database
from core.ids import ItemState, Role
from core.labeling import queue, submissions
from core.oversight import browse
from core.oversight.browse import Browsed, Filter, Page
from core.team import people
from core.team.access import OPERATOR
from core.team.people import Account
from tests.builders import NOW_MS, World, make_account

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
