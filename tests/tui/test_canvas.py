"""The region screen as its labelers use it: keys in, boxes and polygons in the database."""

from __future__ import annotations

from pathlib import Path

import pytest

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
