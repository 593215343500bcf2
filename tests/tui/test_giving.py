"""Images that are still to do are given to labelers from the data page."""

from __future__ import annotations

from pathlib import Path

from core.ids import ItemState
from tests.tui.house import House, run
from tests.tui.reviewing import label_some, make_lead, open_data
from tui.screens.manage.ask import AskMany


def test_what_is_selected_is_given_to_a_labeler(tmp_path: Path) -> None:
    """A lead selects all that a filter finds and gives it to alice: she gets it first; what is done already is left out and said."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 2)
        async with house.session(await make_lead(house), size=(80, 24)) as seat:
            screen = await open_data(seat)
            await seat.press("A", "t")
            await seat.until(lambda: isinstance(seat.screen, AskMany) and "alice" in seat.text, "the question")
            await seat.press("space", "enter")
            await seat.until(lambda: "6 images given to alice" in seat.notices, "the receipt")
            assert "The other 2 are not to do any more" in seat.notices
            todo = {one.item for one in screen._walk.page.items if one.state is ItemState.TODO}
            mine = await house.claim(house.labeler, 8)
            assert {held.item for held in mine.items} == todo

    run(tmp_path, story, images=8)
