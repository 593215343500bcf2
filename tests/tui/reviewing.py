"""What happens in a house before its answers are reviewed, and the way to the data page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.annotation import Answer, Region, SubmittedItem
from core.geometry import Box
from core.ids import ItemId, LabelId, ProjectState, Role
from core.labeling import corrections, submissions
from core.oversight import browse
from core.oversight.browse import Browsed, Filter
from core.project.projects import label_classes, set_state
from core.project.settings import change_settings
from core.team import people
from core.team.people import Account
from tests.tui.house import SIZE, House, Seat
from tui.screens.review.data import DataScreen


async def labels_of(house: House) -> list[LabelId]:
    """The project's labels."""
    return [label.id for label in await house.db.read(label_classes, house.project)]


async def label_some(house: House, account: Account, count: int, number: int = 0) -> None:
    """Somebody labels so many images alike."""
    labels = await labels_of(house)
    page = await house.claim(account, count)
    answers = [SubmittedItem(held.item, held.token, Answer((labels[number],))) for held in page.items]
    await house.db.write(submissions.submit, house.project, account.id, answers, now_ms=house.clock())


async def make_lead(house: House) -> Account:
    """A lead of the project."""
    lead = await house.db.write(people.add_account, "lea", Role.LEAD, by=None, now_ms=house.clock())
    await house.db.write(people.add_member, house.project, lead.id, Role.LEAD, by=house.admin.id, now_ms=house.clock())
    return lead


async def items(house: House, wanted: Filter | None = None) -> tuple[Browsed, ...]:
    """What the database says."""
    page = await house.db.read(browse.browse, house.admin, house.project, wanted or Filter(), limit=100)
    return page.items


async def open_data(seat: Seat) -> DataScreen:
    """From the project list to the data page."""
    await seat.until(lambda: "photos" in seat.text, "the project list")
    await seat.press("r")
    await seat.until(lambda: isinstance(seat.screen, DataScreen) and seat.screen._walk.page.items, "the data page")
    return seat.screen  # type: ignore[no-any-return]


@asynccontextmanager
async def labeled_page(
    house: House, count: int, who: Account | None = None, *, size: tuple[int, int] = SIZE
) -> AsyncIterator[tuple[Seat, DataScreen]]:
    """A reviewer at the data page, filtered to the `count` labeled images that it then shows."""
    async with house.session(who or house.admin, size=size) as seat:
        screen = await open_data(seat)
        await seat.press("slash", *"labeled", "enter")
        await seat.until(lambda: screen._walk.wanted.states and len(screen._walk.page.items) == count, "the labeled")
        yield seat, screen


async def change_answer(house: House, item: ItemId, answer: Answer) -> None:
    """Alice changes her earlier answer to an image."""
    held = next(one for one in await house.submitted(house.labeler) if one.item == item)
    changed = SubmittedItem(held.item, held.token, answer)
    await house.db.write(corrections.correct, house.project, house.labeler.id, changed, now_ms=house.clock())


async def ask_two(house: House) -> None:
    """Every image wants two labelers who agree; nobody else is asked."""
    at = {"by": house.admin.id, "now_ms": house.clock()}
    await house.db.write(set_state, house.project, ProjectState.PAUSED, **at)
    changes = {"min_labelers": 2, "max_labelers": 2}
    await house.db.write(change_settings, house.admin, house.project, changes, now_ms=house.clock())
    await house.db.write(set_state, house.project, ProjectState.RUNNING, **at)


async def draw_box(house: House, account: Account, left: float = 2.0) -> None:
    """Somebody draws one box of the first label on one image."""
    labels = await labels_of(house)
    page = await house.claim(account, 1)
    answer = Answer((), (Region(labels[0], Box(left, 2, left + 12, 20)),))
    given = [SubmittedItem(held.item, held.token, answer) for held in page.items]
    await house.db.write(submissions.submit, house.project, account.id, given, now_ms=house.clock())
