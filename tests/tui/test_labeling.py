"""The labeling page as its labelers use it: keys in, answers in the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.ids import TaskType
from tests.tui.house import House, Seat, run
from tui.widgets.tile import Tile


async def label_all(seat: Seat) -> None:
    """Page by page, until the queue is empty."""
    for _ in range(3):
        names = seat.names
        await seat.press("a", "1", "enter")
        await seat.until(lambda names=names: seat.names != names, "the next page")  # type: ignore[misc]
    await seat.until(lambda: "queue is empty" in seat.text.lower(), "the end")


def test_a_page_is_labeled_and_submitted_by_keys(tmp_path: Path) -> None:
    """Four digits with arrows between and Enter: the database holds exactly what was typed, for each image."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            names = seat.names
            assert len(names) == 4
            await seat.press("1", "right", "2", "down", "3", "left", "1")
            assert seat.labels == [("cat",), ("dog",), ("cat",), ("bird",)]
            await seat.press("enter")
            await seat.until(lambda: seat.names and seat.names != names, "the next page")
            await seat.until(lambda: "4" in seat.line("header"), "the receipt")
            expected = dict(zip(names, ["cat", "dog", "cat", "bird"], strict=True))
            labels = seat.labeling._desk.labels
            found = {
                item.path: labels.by_id(item.draft.answer.labels[0]).name
                for item in await house.submitted(house.labeler)
            }
            assert found == expected

    run(tmp_path, story)


def test_a_page_with_a_gap_is_not_submitted(tmp_path: Path) -> None:
    """Enter on a page with an unlabeled image submits nothing, says how many are missing, and goes to the first of them."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            await seat.press("1", "right", "right", "down", "2", "enter")
            assert seat.labeling.page.focus == 1 or seat.labeling.page.focus == 2
            assert seat.labeling.page.focus in seat.labeling.page.missing
            assert "2 images" in seat.line("header")
            assert (await house.progress()).labeled == 0

    run(tmp_path, story)


def test_select_all_labels_a_whole_page_with_two_keys(tmp_path: Path) -> None:
    """`a` and a digit label every image; an arrow, after `a` again, and another digit change the odd one out."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            await seat.press("a", "2", "a", "right", "3")
            assert seat.labels == [("dog",), ("bird",), ("dog",), ("dog",)]

    run(tmp_path, story)


def test_multi_label_toggles(tmp_path: Path) -> None:
    """In a multi-label project digits add up and the same digit again removes; the database holds the set."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            await seat.press("a", "1", "2", "3", "1")
            assert seat.labels == [("dog", "bird")] * 4
            await seat.press("enter")
            await seat.until(lambda: "4" in seat.line("header"), "the receipt")
            assert all(len(item.draft.answer.labels) == 2 for item in await house.submitted(house.labeler))

    run(tmp_path, story, task_type=TaskType.MULTI_LABEL)


def test_undo_and_redo(tmp_path: Path) -> None:
    """Ctrl+Z takes labels and selections back one by one, Ctrl+Y brings them again."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            await seat.press("a", "1", "2", "ctrl+z")
            assert seat.labels == [("cat",)] * 4
            await seat.press("ctrl+z", "ctrl+z")
            assert seat.labels == [()] * 4
            assert not seat.labeling.page.selected
            await seat.press("ctrl+y", "ctrl+y", "ctrl+y")
            assert seat.labels == [("dog",)] * 4

    run(tmp_path, story)


@pytest.mark.parametrize("presses", [1, 2, 3, 4])
def test_another_layout_keeps_the_work(tmp_path: Path, presses: int) -> None:
    """`g` changes how many images a page has; images labeled already stay in hand with their labels, and none is given twice."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            names = seat.names
            await seat.press("1", "right", "2")
            for _ in range(presses):
                await seat.press("g")
            size = (6, 9, 1, 4)[presses - 1]
            await seat.until(lambda: len(seat.names) == size, f"a page of {size}")
            kept = dict(zip(seat.names, seat.labels, strict=True))
            held = {item.path: item.draft.answer for item in seat.labeling._holding.waiting}
            assert set(names) <= set(kept) | set(held)
            assert kept[names[0]] == ("cat",)
            assert size == 1 or kept[names[1]] == ("dog",)
            assert not set(kept) & set(held)

    run(tmp_path, story)


def test_fast_mode_submits_with_the_digit(tmp_path: Path) -> None:
    """With `f`, each digit labels, submits and shows the next image, as fast as one types; every answer arrives."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            await seat.press("f")
            await seat.until(lambda: len(seat.names) == 1, "one image")
            for n in range(6):
                name = seat.names[0]
                await seat.press("123"[n % 3])
                await seat.until(lambda name=name: seat.names and seat.names[0] != name, "the next image")  # type: ignore[misc]
            await seat.until(lambda: "6" in seat.line("header"), "six receipts")
            assert (await house.progress()).labeled == 6

    run(tmp_path, story)


def test_all_is_labeled_and_the_end_is_said(tmp_path: Path) -> None:
    """When nothing is left, the screen says so instead of showing an empty page, and nothing stays in hand."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            await label_all(seat)
            progress = await house.progress()
            assert (progress.labeled, progress.todo, progress.in_hand) == (12, 0, 0)
            assert "earlier" in seat.line("keys")
            assert "submit" not in seat.line("keys"), "keys that need a picture are not offered without one"
            assert not seat.line("labels").strip()

    run(tmp_path, story)


def test_at_the_end_earlier_submissions_are_seen_again(tmp_path: Path) -> None:
    """From the empty queue `b` brings the last image back, with its picture, name and label."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            await label_all(seat)
            await seat.press("b")
            await seat.until(lambda: seat.names and seat.names[0] in seat.text, "its name")
            assert " cat " in seat.text
            await seat.until(lambda: seat.labeling.query(Tile).first().view.picture is not None, "its picture")
            assert "submit" in seat.line("keys")

    run(tmp_path, story)


def test_what_others_hold_is_told_at_the_end(tmp_path: Path) -> None:
    """An empty queue that others still work on says how many images they hold, and what comes back appears by itself."""

    async def story(house: House) -> None:
        theirs = await house.claim(house.other, 8)
        async with house.session() as seat:
            await seat.sit_down()
            await seat.press("a", "1", "enter")
            await seat.until(lambda: "8 images" in seat.text, "what is left")
            tokens = {item.item: item.token for item in theirs.items}
            from core.labeling import queue

            await house.db.write(queue.release, house.project, house.other.id, tokens)
            await seat.until(lambda: len(seat.names) == 4, "the page that came back")

    run(tmp_path, story)


def test_a_skip_takes_a_reason_or_none(tmp_path: Path) -> None:
    """`s` and Enter set the focused image aside; Esc instead keeps it. The others keep their labels."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            names = seat.names
            await seat.press("1", "right", "2", "s")
            await seat.until(lambda: seat.screen is not seat.labeling, "the question")
            await seat.press("escape")
            await seat.until(lambda: seat.screen is seat.labeling, "the page again")
            assert seat.names == names
            await seat.press("s", *"blurred", "enter")
            await seat.until(lambda: names[1] not in seat.names, "the image gone")
            assert names[0] in seat.names
            assert seat.labels[seat.names.index(names[0])] == ("cat",)
            assert (await house.progress()).skipped == 1

    run(tmp_path, story)


def test_back_through_own_submissions_corrects_them(tmp_path: Path) -> None:
    """`b` shows the last submission with its label; another digit and Enter correct it, then the page in progress is back."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            await seat.press("a", "1", "enter")
            await seat.until(lambda: "4" in seat.line("header"), "the receipt")
            await seat.until(lambda: seat.labels == [()] * 4, "the next page")
            names = seat.names
            await seat.press("2", "b")
            await seat.until(lambda: len(seat.names) == 1, "the earlier one")
            earlier = seat.names[0]
            assert seat.labels == [("cat",)]
            await seat.press("3", "enter")
            await seat.until(lambda: seat.names == names, "the page again")
            assert seat.labels[0] == ("dog",)
            found = {item.path: item.draft.answer.labels[0] for item in await house.submitted(house.labeler)}
            assert seat.labeling._desk.labels.by_id(found[earlier]).name == "bird"
            assert len(found) == 4

    run(tmp_path, story)


def test_a_search_labels_by_name(tmp_path: Path) -> None:
    """`/`, part of a name and Enter give the label, also one beyond the nine number keys."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            await seat.press("slash")
            await seat.until(lambda: seat.screen is not seat.labeling, "the search")
            await seat.press(*"kind-11")
            await seat.press("enter")
            await seat.until(lambda: seat.screen is seat.labeling, "the page again")
            assert seat.labels[0] == ("kind-11",)

    run(tmp_path, story, labels=tuple(f"kind-{n:02}" for n in range(14)))
