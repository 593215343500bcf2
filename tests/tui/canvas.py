"""What the tests of the region screen share: a house with one story in it, and a labeler sitting at the canvas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.annotation import Region
from core.ids import TaskType
from tests.tui.house import Seat, Story, run
from tui.screens.canvas.screen import CanvasScreen


def play(folder: Path, story: Story, task_type: TaskType = TaskType.OBJECT_DETECTION, **made: Any) -> None:
    """A story in a house of regions; `made` is for `open_house`."""
    run(folder, story, task_type=task_type, **{"images": 4, **made})


async def seated(seat: Seat) -> CanvasScreen:
    """Past the project list and the instructions, an image on the canvas."""
    await seat.until(lambda: "photos" in seat.text, "the project list")
    await seat.press("enter")
    await seat.until(lambda: any(isinstance(s, CanvasScreen) for s in seat.app.screen_stack), "the region screen")
    screen: Any = next(s for s in seat.app.screen_stack if isinstance(s, CanvasScreen))
    await seat.until(lambda: seat.screen is not screen or screen.page.items, "a page or the instructions")
    if seat.screen is not screen:
        await seat.press("enter")
    await image(seat, screen)
    return screen


async def image(seat: Seat, screen: CanvasScreen) -> None:
    """Wait until the image is there."""
    await seat.until(lambda: seat.screen is screen and screen._image is not None and screen._viewport, "an image")


def regions(screen: CanvasScreen) -> tuple[Region, ...]:
    """What is drawn."""
    return screen.page.answers[0].regions


async def draw_box(seat: Seat) -> None:
    """From the cell at `bb` to a cell of what is left."""
    await seat.press("r", "b", "b", "space", "h", "h", "space")


async def hand_in_box(seat: Seat, screen: CanvasScreen) -> None:
    """Draw a box, hand the image in, and wait for the next one."""
    await draw_box(seat)
    await seat.press("enter")
    await seat.until(lambda: "saved 1" in seat.text, "the submission")
    await image(seat, screen)
