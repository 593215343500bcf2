"""One image in review: its history, conflicts settled over the picture, regions drawn right."""

from __future__ import annotations

from pathlib import Path

from core.annotation import Answer, Region
from core.geometry import Box
from core.ids import ItemState, TaskType
from core.oversight import review
from core.oversight.browse import Filter
from tests.tui.house import House, run
from tests.tui.reviewing import (
    ask_two,
    change_answer,
    draw_box,
    items,
    label_some,
    labeled_page,
    labels_of,
    open_data,
)
from tui.screens.review.correction import CorrectionScreen
from tui.screens.review.item import ItemScreen


def test_one_image_after_the_other(tmp_path: Path) -> None:
    """Enter opens the image in focus with its history; `y` approves it and goes on; back in the grid the focus came along."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 4)
        async with labeled_page(house, 4, size=(140, 48)) as (seat, screen):
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
        async with labeled_page(house, 3) as (seat, screen):
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
        for account, left in ((house.labeler, 2.0), (house.other, 30.0)):
            await draw_box(house, account, left)
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


def test_boxes_are_corrected_on_the_canvas(tmp_path: Path) -> None:
    """`e` opens the canvas with the labeler's boxes; Enter puts the corrected ones in place and goes back to the review."""

    async def story(house: House) -> None:
        await draw_box(house, house.labeler)
        async with labeled_page(house, 1, size=(140, 48)) as (seat, screen):
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
        async with labeled_page(house, 1, size=(140, 48)) as (seat, screen):
            await seat.press("e")
            await seat.until(lambda: isinstance(seat.screen, CorrectionScreen) and seat.screen._image, "the canvas")
            await change_answer(house, screen._walk.page.items[0].item, Answer())
            await seat.press("tab", "2", "enter")
            await seat.until(lambda: "its answer changed" in seat.notices, "the refusal")
            await seat.until(lambda: seat.screen.page.items, "the work again")
            assert seat.screen.page.answers[0].regions[0].label == (await labels_of(house))[1]
            await seat.press("escape")
            await seat.until(lambda: seat.screen is screen, "the grid")

    run(tmp_path, story, task_type=TaskType.OBJECT_DETECTION)


def test_a_conflict_that_changes_under_the_choice_is_not_settled(tmp_path: Path) -> None:
    """A labeler changes their answer to a conflict just before Enter takes it: it is refused by name, and nothing is settled."""

    async def story(house: House) -> None:
        await ask_two(house)
        await label_some(house, house.labeler, 1, 0)
        await label_some(house, house.other, 1, 1)
        labels = await labels_of(house)
        async with house.session(house.admin, size=(140, 48)) as seat:
            await open_data(seat)
            await seat.press("n")
            await seat.until(lambda: "alice: cat" in seat.text and "bob: dog" in seat.text, "both answers")
            await change_answer(house, (await items(house))[0].item, Answer((labels[2],)))
            await seat.screen._refresh()
            await seat.press("1", "enter")
            await seat.until(lambda: "was left as it is: its answer changed" in seat.notices, "the refusal")
            assert (await items(house))[0].state is ItemState.NEEDS_REVIEW
            await seat.press("1", "enter")
            await seat.until(lambda: "settled with alice's answer" in seat.notices, "the receipt")
            assert (await items(house))[0].answer.labels == (labels[2],)

    run(tmp_path, story, images=1)
