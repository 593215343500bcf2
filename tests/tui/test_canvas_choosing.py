"""Letters on the region screen: what they choose, and what they leave alone."""

from __future__ import annotations

from pathlib import Path

from core.annotation import Answer, Region
from core.edits import PageDraft
from core.geometry import Box
from tests.tui.canvas import draw_box, play, regions, seated
from tests.tui.house import House


def test_hints_choose_a_region_and_locked_ones_stay(tmp_path: Path) -> None:
    """`h` and a letter choose; `l` locks what is there, and what is locked is neither changed nor deleted."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await draw_box(seat)
            await seat.press("j", "j", "space", "e", "e", "space", "escape", "escape")
            assert len(regions(screen)) == 2
            await seat.press("h", "a")
            assert screen._regions.chosen == 0
            await seat.press("l", "x")
            assert len(regions(screen)) == 2
            assert "locked" in seat.text
            await seat.press("l", "X", "y")
            await seat.until(lambda: regions(screen) == (), "all deleted")

    play(tmp_path, story)


def test_a_letter_too_many_neither_deletes_nor_skips(tmp_path: Path) -> None:
    """Once the grid is down to a pixel, more letters do nothing: `x` and `s` belong to pointing until Space or Esc."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await draw_box(seat)
            drawn, name = regions(screen), screen.page.items[0].path
            await seat.press("b", "b")
            while screen._pointer is not None and screen._pointer.grid is not None:
                await seat.press("m")
            at = screen._pointer
            await seat.press("x", "c", "s", "b", "l")
            assert (regions(screen), screen.page.items[0].path, screen._pointer) == (drawn, name, at)
            assert "Space puts the point" in seat.text
            assert seat.screen is screen

    play(tmp_path, story)


def test_letters_go_when_the_regions_under_them_do(tmp_path: Path) -> None:
    """`h`, then Ctrl+Z: the region is gone, and so is its letter; typing it draws no error and chooses nothing."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await draw_box(seat)
            await seat.press("escape", "h", "ctrl+z")
            assert (regions(screen), screen._hints) == ((), {})
            await seat.press("a", "ctrl+y", "h", "a")
            assert screen._regions.chosen == 0

    play(tmp_path, story)


def test_a_thousand_regions_have_hints_and_rows_that_are_made_once(tmp_path: Path) -> None:
    """Every one of a thousand regions has letters of its own, and moving the crosshair makes no row anew."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            wide, high = screen.page.items[0].size_wh
            label = screen._desk.labels.classes[0].id
            boxes = (Box(x * wide / 40, y * high / 25, (x + 0.9) * wide / 40, (y + 0.9) * high / 25)
                     for y in range(25) for x in range(40))  # fmt: skip
            answer = Answer((), tuple(Region(label, box) for box in boxes))
            screen._history = screen._history.changed(PageDraft(screen.page.items, (answer,)))
            screen._draw()
            await seat.press("h")
            assert len(screen._hints) == 1000
            text = next(text for text, n in screen._hints.items() if n == 999)
            await seat.press(*text)
            assert screen._regions.chosen == 999
            await seat.press("r")
            drawn = screen._desk.labels, screen._regions
            rows, still = screen._shown.rows(*drawn), screen._shown.still(*drawn)
            await seat.press("right", "down")
            assert screen._shown.rows(*drawn) is rows
            assert screen._shown.still(*drawn) is still

    play(tmp_path, story)


def test_the_next_region_is_named_without_changing_the_chosen_one(tmp_path: Path) -> None:
    """`n` and a digit: the header says what the next region will be; the one that is chosen keeps its label."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await draw_box(seat)
            before = regions(screen)
            await seat.press("escape", "n", "2")
            assert regions(screen) == before
            assert "the next region is dog" in seat.text
            await seat.press("r", "p", "p", "space", "e", "e", "space")
            assert [region.label for region in regions(screen)[1:]] == [screen._desk.labels.by_path("dog").id]

    play(tmp_path, story)
