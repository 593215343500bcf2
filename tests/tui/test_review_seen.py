"""A verdict is about what its reviewer has seen: what changed a moment before the key is not judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.annotation import Answer
from core.oversight import review
from tests.tui.house import House, run
from tests.tui.reviewing import (
    change_answer,
    items,
    label_some,
    labeled_page,
    labels_of,
)
from tui.noticed import MOMENT_MS


def test_an_answer_changed_meanwhile_is_refused_by_name(tmp_path: Path) -> None:
    """Between look and `y` a labeler corrects one image: that one is named and left alone, the others are approved."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 3)
        labels = await labels_of(house)
        async with labeled_page(house, 3) as (seat, _screen):
            await seat.press("a")
            held = (await house.submitted(house.labeler))[0]
            await change_answer(house, held.item, Answer((labels[1],)))
            await seat.press("y")
            await seat.until(lambda: "2 images approved" in seat.notices, "the receipt")
            assert f"{held.path} was left as it is: its answer changed" in seat.notices
            reviewed = {item.item for item in await items(house) if item.reviewed}
            assert len(reviewed) == 2
            assert held.item not in reviewed

    run(tmp_path, story)


@pytest.mark.parametrize("verdict", ["y", "x"])
def test_a_refresh_just_before_the_key_approves_nothing_unseen(tmp_path: Path, verdict: str) -> None:
    """An answer that a refresh showed a moment before the key is refused by name; after a moment, or a second key, it counts."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 1)
        labels = await labels_of(house)
        async with labeled_page(house, 1) as (seat, screen):
            item = screen._walk.page.items[0]
            keys = (verdict,) if verdict == "y" else (verdict, *"wren", "enter")
            await change_answer(house, item.item, Answer((labels[1],)))
            await screen._refresh()
            await seat.press(*keys)
            await seat.until(lambda: f"{item.path} was left as it is: its answer changed" in seat.notices, "refusal")
            assert (await items(house))[0].reviewed is False
            await seat.press(*keys)
            done = "1 image approved" if verdict == "y" else "1 image sent back"
            await seat.until(lambda: done in seat.notices, "the receipt of who looked again")

    run(tmp_path, story, images=1)


def test_what_has_stood_there_for_a_moment_was_seen(tmp_path: Path) -> None:
    """A reviewer who watches answers come in approves them with one key, as soon as they have stood there for a moment."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 1)
        labels = await labels_of(house)
        async with labeled_page(house, 1) as (seat, screen):
            await change_answer(house, screen._walk.page.items[0].item, Answer((labels[1],)))
            await screen._refresh()
            house.now_ms += MOMENT_MS
            await seat.press("y")
            await seat.until(lambda: "1 image approved" in seat.notices, "the receipt")

    run(tmp_path, story, images=1)


def test_an_image_that_slips_under_the_focus_is_not_judged(tmp_path: Path) -> None:
    """Another reviewer sends the image in focus back; the next one takes its place just before `y`: nothing is approved."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 2)
        async with labeled_page(house, 2) as (seat, screen):
            first = screen._walk.page.items[0]
            seen = {first.item: first.stamp_ms}
            await house.db.write(review.reject, house.admin, house.project, seen, "blurred", now_ms=house.clock())
            await screen._refresh()
            await seat.press("y")
            await seat.until(lambda: "has just taken the place" in seat.notices, "the warning")
            house.now_ms += MOMENT_MS
            await seat.press("y")
            await seat.until(lambda: "1 image approved" in seat.notices, "the receipt")

    run(tmp_path, story)
