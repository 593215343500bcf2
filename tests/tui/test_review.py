"""The review screens as leads use them: keys in, verdicts in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from core import browse, people, review, submissions
from core.annotation import Answer, SubmittedItem
from core.browse import Browsed, Filter
from core.ids import ItemState, LabelId, Role
from core.people import Account
from core.projects import label_classes
from tests.tui.house import House, Seat, open_house
from tui.screens.review.data import DataScreen


def run(folder: Path, story: Callable[[House], Awaitable[None]], **options: Any) -> None:
    """Play a story in a house of its own."""

    async def play() -> None:
        async with open_house(folder, **options) as house, asyncio.timeout(60):
            await story(house)

    asyncio.run(play())


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


def test_a_lead_pages_through_everything(tmp_path: Path) -> None:
    """Page by page to the end and back, each image is shown once; End jumps to the last one."""

    async def story(house: House) -> None:
        lead = await make_lead(house)
        async with house.session(lead, size=(80, 24)) as seat:
            screen = await open_data(seat)
            wanted = [item.item for item in await items(house)]
            seen = [item.item for item in screen._walk.page.items]
            assert len(seen) < len(wanted)
            while len(seen) < len(wanted):
                await seat.press("pagedown")
                seen += [item.item for item in screen._walk.page.items]
            assert seen == wanted
            await seat.press("home", "end")
            assert screen._walk.item is not None
            assert screen._walk.item.item == wanted[-1]
            await seat.press("home")
            assert screen._walk.item.item == wanted[0]

    run(tmp_path, story, images=30)


def test_a_filter_narrows_the_page(tmp_path: Path) -> None:
    """`/` and a few letters of a label show the images with that label only; Backspace in the empty line asks for less."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 3, 0)
        await label_some(house, house.other, 2, 1)
        async with house.session(house.admin) as seat:
            screen = await open_data(seat)
            await seat.press("slash", "d", "o", "g", "enter")
            await seat.until(lambda: len(screen._walk.page.items) == 2, "the dogs")
            assert "label dog" in seat.text
            await seat.press("slash", *"alice", "enter")
            await seat.until(lambda: not screen._walk.page.items, "no dog of alice's")
            await seat.press("slash")
            await seat.press("backspace", "backspace", "enter")
            await seat.until(lambda: len(screen._walk.page.items) == 12, "everything")

    run(tmp_path, story)


def test_many_are_approved_at_once(tmp_path: Path) -> None:
    """Space and arrows select, `y` approves what is selected and nothing else, under the reviewer's name."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 9)
        lead = await make_lead(house)
        async with house.session(lead) as seat:
            screen = await open_data(seat)
            await seat.press("slash", *"labeled", "enter")
            await seat.until(lambda: len(screen._walk.page.items) == 9, "the labeled ones")
            await seat.press("space", "right", "space", "down", "y")
            await seat.until(lambda: "2 images approved" in seat.notices, "the receipt")
            reviewed = [item for item in await items(house) if item.reviewed]
            assert [item.item for item in reviewed] == [item.item for item in screen._walk.page.items[:2]]
            past = await house.db.read(review.history, house.admin, house.project, reviewed[0].item)
            assert [(one.what, one.name) for one in past][-1] == ("item-approved", "lea")

    run(tmp_path, story)


def test_a_rejection_wants_a_reason(tmp_path: Path) -> None:
    """`x` asks why and takes no empty answer; what is rejected is to do again, and the comment waits for its labeler."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 2)
        async with house.session(house.admin) as seat:
            screen = await open_data(seat)
            await seat.press("slash", *"labeled", "enter")
            await seat.until(lambda: len(screen._walk.page.items) == 2, "the labeled ones")
            await seat.press("a", "x", "enter")
            await seat.until(lambda: "in a few words why" in seat.text, "the refusal")
            await seat.press(*"wren", "enter")
            await seat.until(lambda: "2 images sent back" in seat.notices, "the receipt")
            assert not [item for item in await items(house) if item.state is ItemState.LABELED]
            page = await house.claim(house.labeler, 2)
            assert [held.comment for held in page.items] == ["wren", "wren"]

    run(tmp_path, story)


def test_many_are_corrected_at_once(tmp_path: Path) -> None:
    """`e` and a label's name put that label on everything that is selected."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 4)
        async with house.session(house.admin) as seat:
            screen = await open_data(seat)
            await seat.press("slash", *"labeled", "enter")
            await seat.until(lambda: len(screen._walk.page.items) == 4, "the labeled ones")
            await seat.press("a", "e", *"bird", "enter")
            await seat.until(lambda: "4 images corrected" in seat.notices, "the receipt")
            bird = (await labels_of(house))[2]
            labeled = await items(house, Filter(states=(ItemState.LABELED,)))
            assert [item.answer.labels for item in labeled] == [(bird,)] * 4

    run(tmp_path, story)


def test_an_answer_changed_meanwhile_is_refused_by_name(tmp_path: Path) -> None:
    """Between look and `y` a labeler corrects one image: that one is named and left alone, the others are approved."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 3)
        labels = await labels_of(house)
        async with house.session(house.admin) as seat:
            screen = await open_data(seat)
            await seat.press("slash", *"labeled", "enter")
            await seat.until(lambda: len(screen._walk.page.items) == 3, "the labeled ones")
            await seat.press("a")
            held = (await house.submitted(house.labeler))[0]
            changed = SubmittedItem(held.item, held.token, Answer((labels[1],)))
            await house.db.write(submissions.correct, house.project, house.labeler.id, changed, now_ms=house.clock())
            await seat.press("y")
            await seat.until(lambda: "2 images approved" in seat.notices, "the receipt")
            assert f"{held.path} was left as it is: its answer changed" in seat.notices
            reviewed = {item.item for item in await items(house) if item.reviewed}
            assert len(reviewed) == 2
            assert held.item not in reviewed

    run(tmp_path, story)


def test_labelers_do_not_review(tmp_path: Path) -> None:
    """`r` shows a labeler one clear sentence and no data."""

    async def story(house: House) -> None:
        async with house.session(house.labeler) as seat:
            await seat.until(lambda: "photos" in seat.text, "the project list")
            await seat.press("r")
            await seat.until(lambda: "may not review labels" in seat.notices, "the refusal")
            assert not isinstance(seat.screen, DataScreen)

    run(tmp_path, story)
