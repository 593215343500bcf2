"""From one image of the region screen to the next, to an earlier one, and back after a lost connection."""

from __future__ import annotations

from pathlib import Path

from tests.tui.canvas import draw_box, hand_in_box, image, play, regions, seated
from tests.tui.house import House


def test_an_empty_image_is_submitted_only_when_meant(tmp_path: Path) -> None:
    """Enter on an image without regions asks once; Enter again says that there is nothing to mark."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seated(seat)
            await seat.press("enter")
            assert "nothing to mark" in seat.text
            await seat.press("enter")
            await seat.until(lambda: "saved 1" in seat.text, "the submission")
            (done,) = await house.submitted(house.labeler)
            assert done.draft.answer.regions == ()

    play(tmp_path, story)


def test_a_dropped_session_comes_back_to_its_regions(tmp_path: Path) -> None:
    """After the connection is lost, the next login shows the same image with the same regions."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await draw_box(seat)
            drawn, name = regions(screen), screen.page.items[0].path
        async with house.session() as seat:
            screen = await seated(seat)
            assert screen.page.items[0].path == name
            assert regions(screen) == drawn

    play(tmp_path, story)


def test_an_earlier_submission_is_corrected(tmp_path: Path) -> None:
    """`b` shows the last image with its regions; a change and Enter correct it."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await hand_in_box(seat, screen)
            await seat.press("escape", "b")
            await seat.until(lambda: "Earlier submission 1" in seat.text, "the earlier submission")
            await image(seat, screen)
            await seat.press("tab", "2", "enter")
            await seat.until(lambda: "corrected" in seat.text, "the correction")
            (done,) = await house.submitted(house.labeler)
            assert done.draft.answer.regions[0].label == screen._desk.labels.by_path("dog").id

    play(tmp_path, story)


def test_another_image_begins_with_nothing_placed_or_locked(tmp_path: Path) -> None:
    """A corner placed and a lock set on one image are not carried to an earlier one, whose regions can be changed."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await hand_in_box(seat, screen)
            await draw_box(seat)
            screen.action_lock()
            await seat.press("c", "c", "space")
            await screen.action_earlier()
            await image(seat, screen)
            assert (screen._hand.points, screen._regions.locked, screen._regions.chosen) == ((), frozenset(), None)
            await seat.press("escape", "tab", "x")
            assert regions(screen) == ()

    play(tmp_path, story)
