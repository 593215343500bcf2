"""The region screen as its labelers use it: keys in, boxes and polygons in the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.annotation import Answer, Region
from core.edits import PageDraft
from core.geometry import Box, Polygon
from core.ids import TaskType
from tests.tui.canvas import draw_box, image, play, regions, seated
from tests.tui.fuzz import fuzz
from tests.tui.house import House


def test_a_box_is_drawn_by_letters_and_submitted(tmp_path: Path) -> None:
    """`r`, two letters, Space, two letters, Space, a digit and Enter: the database holds that box with that label."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await draw_box(seat)
            await seat.press("2")
            (drawn,) = regions(screen)
            name = screen.page.items[0].path
            await seat.press("enter")
            await seat.until(lambda: "saved 1" in seat.text, "the submission")
            (done,) = await house.submitted(house.labeler)
            assert done.path == name
            assert done.draft.answer.regions == (drawn,)
            assert isinstance(drawn.shape, Box)
            assert drawn.label == screen._desk.labels.by_path("dog").id
            await image(seat, screen)
            assert screen._hand.tool == "rectangle", "the tool stays in hand for the next image"

    play(tmp_path, story)


def test_a_box_without_size_is_refused_with_the_reason(tmp_path: Path) -> None:
    """Both corners on one point: nothing is drawn, and the header says why; Esc leaves no stub."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("r", "b", "b", "space", "space")
            assert regions(screen) == ()
            assert "the region has no area" in seat.text
            await seat.press("c", "c", "space", "escape", "escape")
            assert regions(screen) == ()
            assert screen._hand.points == ()

    play(tmp_path, story)


def test_everything_can_be_undone_and_done_again(tmp_path: Path) -> None:
    """Drawing, relabeling, moving, duplicating and deleting: Ctrl+Z goes back over all of it, Ctrl+Y forward."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await draw_box(seat)
            await seat.press("3", "escape", "m", "right", "down", "tab", "left", "escape", "c", "x")
            (last,) = regions(screen)
            count = len(screen._history.past)
            assert count == 7
            await seat.press(*["ctrl+z"] * count)
            assert regions(screen) == ()
            await seat.press(*["ctrl+y"] * count)
            assert regions(screen) == (last,)

    play(tmp_path, story)


def test_a_polygon_is_drawn_closed_and_reshaped(tmp_path: Path) -> None:
    """Four points and Enter; `u` moves a point, Space adds one, Backspace takes it away; crossing edges are refused."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            for letters in ("bb", "tb", "tt", "bt"):
                await seat.press(*(("p",) if letters == "bb" else ()), *letters, "space")
            await seat.press("enter")
            (drawn,) = regions(screen)
            assert isinstance(drawn.shape, Polygon)
            assert len(drawn.shape.points) == 4
            await seat.press("escape", "u", "space", "right")
            assert len(regions(screen)[0].shape.points) == 5  # type: ignore[union-attr]
            await seat.press("backspace", "escape")
            assert len(regions(screen)[0].shape.points) == 4  # type: ignore[union-attr]
            for letters in ("bb", "tt", "tb", "bt"):
                await seat.press(*(("p",) if letters == "bb" else ()), *letters, "space")
            await seat.press("enter")
            assert len(regions(screen)) == 1
            assert "cross" in seat.text

    play(tmp_path, story, TaskType.INSTANCE_SEGMENTATION)


def test_a_round_polygon_takes_few_points(tmp_path: Path) -> None:
    """`P` draws a round line through the points; begun with `p` they stay; Backspace takes one back, Enter closes."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("p", "h", "b", "space", "n", "h", "space", "c", "c", "space", "backspace")
            await seat.press("P", "h", "n", "space")
            assert len(screen._hand.points) == 3
            await seat.press("b", "h", "space", "enter")
            (drawn,) = regions(screen)
            assert isinstance(drawn.shape, Polygon)
            assert len(drawn.shape.points) > 8
            assert screen._hand.tool == "round polygon", "the tool stays in hand"

    play(tmp_path, story, TaskType.INSTANCE_SEGMENTATION)


def test_a_region_is_snapped_while_the_tool_points(tmp_path: Path) -> None:
    """`E` snaps what was just drawn, though a small `e` would name a place for the next corner."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await draw_box(seat)
            drawn = regions(screen)
            await seat.press("E")
            await seat.until(lambda: "no clear edge" in seat.text, "the answer")
            assert regions(screen) == drawn
            assert screen._hand.tool == "rectangle"

    play(tmp_path, story)


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
            await draw_box(seat)
            await seat.press("enter")
            await seat.until(lambda: "saved 1" in seat.text, "the submission")
            await image(seat, screen)
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
            await draw_box(seat)
            await seat.press("enter")
            await seat.until(lambda: "saved 1" in seat.text, "the submission")
            await image(seat, screen)
            await draw_box(seat)
            screen.action_lock()
            await seat.press("c", "c", "space")
            await screen.action_earlier()
            await image(seat, screen)
            assert (screen._hand.points, screen._regions.locked, screen._regions.chosen) == ((), frozenset(), None)
            await seat.press("escape", "tab", "x")
            assert regions(screen) == ()

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


def test_zoom_turn_and_brightness_change_no_region(tmp_path: Path) -> None:
    """Looking at an image from near, turned or brighter leaves what is stored as it is."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await draw_box(seat)
            before = regions(screen)
            await seat.press("escape", "plus", "plus", "v", ">", ")", "right", "0", "o", "o", "=", "minus")
            assert regions(screen) == before

    play(tmp_path, story)


@pytest.mark.parametrize("task_type", [TaskType.OBJECT_DETECTION, TaskType.INSTANCE_SEGMENTATION])
def test_no_keys_make_an_impossible_region(tmp_path: Path, task_type: TaskType) -> None:
    """A thousand random keys on the tools: no exception, no region that could not be stored."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await fuzz(seat, screen, 1000, seed=3)

    play(tmp_path, story, task_type, images=40)
