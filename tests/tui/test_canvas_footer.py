"""The last line of the region screen: the keys that do something now, in the words of the key table."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from core.geometry import Box, Polygon
from tests.tui.canvas import play, seated
from tests.tui.house import House
from tui.canvas.footer import words_now
from tui.canvas.tools import Hand, Tool
from tui.keymap import keys_of
from tui.screens.canvas.screen import CanvasScreen
from tui.widgets.line import Line

BOX, TRIANGLE = Box(0, 0, 9, 9), Polygon(((0, 0), (9, 0), (0, 9)))


@pytest.mark.parametrize(("has_letters", "is_pointing", "takes_polygons"), list(product((False, True), repeat=3)))
def test_every_key_named_is_in_the_table(has_letters: bool, is_pointing: bool, takes_polygons: bool) -> None:
    """Whatever the hand holds, the line names keys that the screen has; `a-z` stands for the letters that lie on the picture."""
    known = {word for key in keys_of(*CanvasScreen.SCOPES) for word in (key.shown, *key.shown.split())}
    for tool, chosen, count in product(Tool, (None, BOX, TRIANGLE), (0, 1, 3)):
        words = words_now(
            Hand(tool, ((1.0, 1.0),) * count), chosen,
            has_letters=has_letters, is_pointing=is_pointing, takes_polygons=takes_polygons,
        )  # fmt: skip
        named = {one for key, _ in words for one in key.split()}
        assert words
        assert named - known <= {"a-z"}


def test_the_line_follows_the_hand(tmp_path: Path) -> None:
    """It names the tools first, then what points, then what can be done with the region that was drawn."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            line = screen.query_one("#keys", Line)
            assert line.plain.startswith(" r t k draw")
            await seat.press("r")
            assert line.plain.startswith(" a-z to a cell")
            await seat.press("b", "b", "space", "h", "h", "space", "escape")
            assert line.plain.startswith(" 1-9 relabel  x delete")
            await seat.press("h")
            assert line.plain.startswith(" a-z choose")

    play(tmp_path, story)
