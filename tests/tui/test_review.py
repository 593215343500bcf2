"""The review screens as leads use them: keys in, verdicts in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from core import browse, people, review, submissions
from core.annotation import Answer, Region, SubmittedItem
from core.browse import Browsed, Filter
from core.geometry import Box
from core.ids import ItemState, LabelId, ProjectState, Role, TaskType
from core.people import Account
from core.projects import label_classes, set_state
from core.settings import change_settings
from tests.tui.house import House, Seat, open_house
from tui.screens.review.correction import CorrectionScreen
from tui.screens.review.data import DataScreen
from tui.screens.review.item import ItemScreen


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


async def ask_two(house: House) -> None:
    """Every image wants two labelers who agree; nobody else is asked."""
    at = {"by": house.admin.id, "now_ms": house.clock()}
    await house.db.write(set_state, house.project, ProjectState.PAUSED, **at)
    changes = {"min_labelers": 2, "max_labelers": 2}
    await house.db.write(change_settings, house.admin, house.project, changes, now_ms=house.clock())
    await house.db.write(set_state, house.project, ProjectState.RUNNING, **at)


def test_one_image_after_the_other(tmp_path: Path) -> None:
    """Enter opens the image in focus with its history; `y` approves it and goes on; back in the grid the focus came along."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 4)
        async with house.session(house.admin, size=(140, 48)) as seat:
            screen = await open_data(seat)
            await seat.press("slash", *"labeled", "enter")
            await seat.until(lambda: len(screen._walk.page.items) == 4, "the labeled ones")
            names = [item.path for item in screen._walk.page.items]
            await seat.press("right", "enter")
            await seat.until(lambda: isinstance(seat.screen, ItemScreen) and names[1] in seat.text, "the second image")
            assert "labeled: cat" in seat.text
            await seat.press("y")
            await seat.until(lambda: names[2] in seat.text, "the third image")
            await seat.press("left")
            await seat.until(lambda: "approved" in seat.text, "the second image, approved")
            await seat.press("pagedown", "pagedown")
            await seat.until(lambda: names[3] in seat.text, "the fourth image")
            await seat.press("escape")
            await seat.until(
                lambda: seat.screen is screen and screen._walk.at == 3, "the grid with the fourth in focus"
            )

    run(tmp_path, story)


def test_a_rejected_image_makes_room_for_the_next(tmp_path: Path) -> None:
    """A rejected image leaves what was filtered for, and the next one takes its place, never skipping one."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 3)
        async with house.session(house.admin) as seat:
            screen = await open_data(seat)
            await seat.press("slash", *"labeled", "enter")
            await seat.until(lambda: len(screen._walk.page.items) == 3, "the labeled ones")
            names = [item.path for item in screen._walk.page.items]
            await seat.press("enter")
            await seat.until(lambda: isinstance(seat.screen, ItemScreen), "the first image")
            await seat.press("x", *"blurred", "enter")
            await seat.until(lambda: names[1] in seat.text and names[0] not in seat.text, "the second image")

    run(tmp_path, story)


def test_a_conflict_is_settled_with_one_answer(tmp_path: Path) -> None:
    """`n` shows who said what; a digit and Enter take that labeler's answer, and the next conflict comes until none is left."""

    async def story(house: House) -> None:
        await ask_two(house)
        await label_some(house, house.labeler, 2, 0)
        await label_some(house, house.other, 2, 1)
        async with house.session(house.admin, size=(140, 48)) as seat:
            await open_data(seat)
            await seat.press("n")
            await seat.until(lambda: "alice: cat" in seat.text and "bob: dog" in seat.text, "both answers")
            await seat.press("enter")
            await seat.until(lambda: "Choose an answer" in seat.notices, "the question")
            await seat.press("2", "enter")
            await seat.until(lambda: "settled with bob's answer" in seat.notices, "the receipt")
            await seat.until(lambda: "1 of 1" in seat.text, "the next one")
            await seat.press("e", *"bird", "enter")
            await seat.until(lambda: "Nothing needs review" in seat.text, "the end")
            labels = await labels_of(house)
            labeled = await items(house, Filter(states=(ItemState.LABELED,)))
            assert sorted(item.answer.labels for item in labeled) == [(labels[1],), (labels[2],)]
            past = await house.db.read(review.history, house.admin, house.project, labeled[0].item)
            assert past[-1].what == "item-resolved"

    run(tmp_path, story)


def test_boxes_that_differ_lie_over_the_picture(tmp_path: Path) -> None:
    """Each labeler's boxes are drawn, each labeler's in a colour of their own; the chosen one's thicker, under its label."""

    async def story(house: House) -> None:
        await ask_two(house)
        labels = await labels_of(house)
        for account, left in ((house.labeler, 2.0), (house.other, 30.0)):
            page = await house.claim(account, 1)
            answer = Answer((), (Region(labels[0], Box(left, 2, left + 12, 20)),))
            given = [SubmittedItem(held.item, held.token, answer) for held in page.items]
            await house.db.write(submissions.submit, house.project, account.id, given, now_ms=house.clock())
        async with house.session(house.admin, size=(140, 48)) as seat:
            await open_data(seat)
            await seat.press("n")
            await seat.until(lambda: isinstance(seat.screen, ItemScreen) and seat.screen._image, "the image")
            both = seat.screen._outlines()
            assert [outline.shape.x0 for outline in both] == [2.0, 30.0]
            assert both[0].color != both[1].color
            await seat.press("tab")
            await seat.until(lambda: [o.line for o in seat.screen._outlines()] == ["dashed", "chosen"], "the choice")
            assert seat.screen._outlines()[1].tag == "cat"
            await seat.press("y")
            await seat.until(lambda: "Nothing needs review" in seat.text, "the end")
            labeled = await items(house, Filter(states=(ItemState.LABELED,)))
            assert labeled[0].answer.regions[0].shape == Box(2.0, 2, 14.0, 20)

    run(tmp_path, story, task_type=TaskType.OBJECT_DETECTION)


async def draw_box(house: House, account: Account, left: float = 2.0) -> None:
    """Somebody draws one box of the first label on one image."""
    labels = await labels_of(house)
    page = await house.claim(account, 1)
    answer = Answer((), (Region(labels[0], Box(left, 2, left + 12, 20)),))
    given = [SubmittedItem(held.item, held.token, answer) for held in page.items]
    await house.db.write(submissions.submit, house.project, account.id, given, now_ms=house.clock())


def test_boxes_are_corrected_on_the_canvas(tmp_path: Path) -> None:
    """`e` opens the canvas with the labeler's boxes; Enter puts the corrected ones in place and goes back to the review."""

    async def story(house: House) -> None:
        await draw_box(house, house.labeler)
        async with house.session(house.admin, size=(140, 48)) as seat:
            screen = await open_data(seat)
            await seat.press("slash", *"labeled", "enter")
            await seat.until(lambda: len(screen._walk.page.items) == 1, "the labeled one")
            await seat.press("e")
            await seat.until(lambda: isinstance(seat.screen, CorrectionScreen) and seat.screen._image, "the canvas")
            await seat.press("tab", "2", "enter")
            await seat.until(lambda: "1 image corrected" in seat.notices, "the receipt")
            await seat.until(lambda: seat.screen is screen, "the grid")
            labels = await labels_of(house)
            found = (await items(house, Filter(states=(ItemState.LABELED,))))[0]
            assert found.answer == Answer((), (Region(labels[1], Box(2, 2, 14, 20)),))
            assert found.reviewed
            assert found.labelers == ("alice",)

    run(tmp_path, story, task_type=TaskType.OBJECT_DETECTION)


def test_a_refused_correction_of_boxes_is_kept(tmp_path: Path) -> None:
    """A labeler changes their boxes while a reviewer draws: the reviewer is told, and what they drew is still there."""

    async def story(house: House) -> None:
        await draw_box(house, house.labeler)
        async with house.session(house.admin, size=(140, 48)) as seat:
            screen = await open_data(seat)
            await seat.press("slash", *"labeled", "enter")
            await seat.until(lambda: len(screen._walk.page.items) == 1, "the labeled one")
            await seat.press("e")
            await seat.until(lambda: isinstance(seat.screen, CorrectionScreen) and seat.screen._image, "the canvas")
            held = (await house.submitted(house.labeler))[0]
            changed = SubmittedItem(held.item, held.token, Answer())
            await house.db.write(submissions.correct, house.project, house.labeler.id, changed, now_ms=house.clock())
            await seat.press("tab", "2", "enter")
            await seat.until(lambda: "its answer changed" in seat.notices, "the refusal")
            await seat.until(lambda: seat.screen.page.items, "the work again")
            assert seat.screen.page.answers[0].regions[0].label == (await labels_of(house))[1]
            await seat.press("escape")
            await seat.until(lambda: seat.screen is screen, "the grid")

    run(tmp_path, story, task_type=TaskType.OBJECT_DETECTION)


@pytest.mark.parametrize("task_type", [TaskType.MULTI_CLASS, TaskType.OBJECT_DETECTION])
def test_the_labeler_reads_why(tmp_path: Path, task_type: TaskType) -> None:
    """What was rejected comes first on its labeler's next page, with the reviewer's words over it."""

    async def story(house: House) -> None:
        await (draw_box(house, house.labeler) if task_type.has_regions else label_some(house, house.labeler, 1))
        found = (await items(house, Filter(states=(ItemState.LABELED,))))[0]
        seen = {found.item: found.stamp_ms}
        await house.db.write(
            review.reject, house.admin, house.project, seen, "two wrens, only one is marked", now_ms=house.clock()
        )
        async with house.session(house.labeler, size=(80, 24)) as seat:
            await seat.until(lambda: "photos" in seat.text, "the project list")
            await seat.press("enter")
            await seat.until(lambda: "go on" in seat.text, "the instructions")
            await seat.press("enter")
            await seat.until(lambda: "sent back: two wrens, only one is marked" in seat.text, "the reason")

    run(tmp_path, story, task_type=task_type)


def test_several_labels_are_marked_one_by_one(tmp_path: Path) -> None:
    """In a multi-label project `e` asks for any number of labels: Space marks, Enter takes them."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 1)
        async with house.session(house.admin) as seat:
            screen = await open_data(seat)
            await seat.press("slash", *"labeled", "enter")
            await seat.until(lambda: len(screen._walk.page.items) == 1, "the labeled one")
            await seat.press("e", "space", *"bir", "space", "enter")
            await seat.until(lambda: "1 image corrected" in seat.notices, "the receipt")
            labels = await labels_of(house)
            found = await items(house, Filter(states=(ItemState.LABELED,)))
            assert found[0].answer.labels == (labels[2],)

    run(tmp_path, story, task_type=TaskType.MULTI_LABEL)


def test_everything_that_a_filter_finds_is_selected(tmp_path: Path) -> None:
    """`A` selects over all pages; `y` then approves all of it in one go."""

    async def story(house: House) -> None:
        for _ in range(3):
            await label_some(house, house.labeler, 8)
        async with house.session(house.admin, size=(80, 24)) as seat:
            screen = await open_data(seat)
            await seat.press("slash", *"labeled", "enter")
            await seat.until(lambda: screen._walk.wanted.states, "the filter")
            await seat.press("A")
            await seat.until(lambda: "24 selected" in seat.text, "all of them")
            await seat.press("y")
            await seat.until(lambda: "24 images approved" in seat.notices, "the receipt")
            assert all(item.reviewed for item in await items(house, Filter(states=(ItemState.LABELED,))))

    run(tmp_path, story, images=30)


def test_the_dashboard_leads_to_the_data(tmp_path: Path) -> None:
    """`r` on a project's dashboard opens its data, too."""

    async def story(house: House) -> None:
        async with house.session(house.admin) as seat:
            await seat.until(lambda: "photos" in seat.text, "the project list")
            await seat.press("d")
            await seat.until(lambda: len(seat.app.screen_stack) > 2, "the dashboard")
            await seat.press("r")
            await seat.until(lambda: isinstance(seat.screen, DataScreen) and seat.screen._walk.page.items, "the data")

    run(tmp_path, story)
