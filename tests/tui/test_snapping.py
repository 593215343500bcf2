"""A segmenter on the region screen: what it sees is shown dashed, and becomes a region only when it is asked to."""

from __future__ import annotations

from pathlib import Path

from core.errors import Unavailable
from core.geometry import Box, Polygon
from core.ids import TaskType
from core.pixels.prompted import Prompt
from storage.pyramid import Pyramid
from tests.tui.canvas import draw_box, play, regions, seated
from tests.tui.house import House

TRIANGLE = Polygon(((2.0, 2.0), (30.0, 4.0), (12.0, 28.0)))


class Known:
    """A segmenter that always sees the same triangle, and remembers what it was asked."""

    def __init__(self, trouble: str = "") -> None:
        self.asked: list[Prompt] = []
        self._trouble = trouble

    def outline(self, image: Pyramid, prompt: Prompt) -> Polygon | None:
        self.asked.append(prompt)
        if self._trouble:
            raise Unavailable(self._trouble)
        return TRIANGLE


def test_an_outline_is_taken_only_when_asked(tmp_path: Path) -> None:
    """`E` on a drawn region shows the model's outline; Enter does not submit over it, Esc drops it, `E` again takes it."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen, known = await seated(seat), Known()
            screen._desk.desk.pictures.segmenter = known
            await draw_box(seat)
            drawn = regions(screen)
            for keys in (("enter", "escape"), ()):
                await seat.press("E")
                await seat.until(lambda: "E takes this outline" in seat.text, "the outline")
                await seat.press(*keys)
                assert regions(screen) == drawn
            await seat.press("E")
            assert [region.shape for region in regions(screen)] == [TRIANGLE]
            assert known.asked == [drawn[0].shape.bounds] * 2
            await seat.press("ctrl+z")
            assert regions(screen) == drawn

    play(tmp_path, story, TaskType.INSTANCE_SEGMENTATION)


def test_the_crosshair_asks_for_what_is_under_it(tmp_path: Path) -> None:
    """With no region yet, `E` at the crosshair shows an object; taken, a project of boxes gets its box."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen, known = await seated(seat), Known()
            screen._desk.desk.pictures.segmenter = known
            await seat.press("r", "b", "b", "E")
            await seat.until(lambda: "E takes this outline" in seat.text, "the outline")
            assert not isinstance(known.asked[0], Box)
            assert regions(screen) == ()
            await seat.press("E")
            assert [region.shape for region in regions(screen)] == [TRIANGLE.bounds]

    play(tmp_path, story)


def test_without_a_working_model_the_pixels_are_asked(tmp_path: Path) -> None:
    """The labeler reads once why there is no segmenter, and `E` does what it does without one."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            screen._desk.desk.pictures.segmenter = Known("The segmenter's file e.onnx is not there.")
            await draw_box(seat)
            for _ in range(2):
                await seat.press("E")
                await seat.until(lambda: "no clear edge" in seat.text, "the answer of the pixels")
            assert seat.notices.count("e.onnx is not there") == 1

    play(tmp_path, story)
