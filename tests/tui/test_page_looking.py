"""Looking at the images of a classification page, and at DICOM files wherever they are shown: by the same keys."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image

from storage.dicom import Window
from tests.tui.house import House, Seat, run
from tests.tui.reviewing import label_some, labeled_page
from tui.picture.prepare import Prepared
from tui.screens.review.item import ItemScreen
from tui.widgets.tile import Tile

FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def scans(folder: Path) -> None:
    """Two scans, and a DICOM file of several frames."""
    for n in range(2):
        shutil.copy(FILES / "CT_small.dcm", folder / f"scan-{n}.dcm")
    shutil.copy(FILES / "rtdose.dcm", folder / "frames.dcm")


def quarters(folder: Path) -> None:
    """A picture whose left upper quarter is white."""
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:32, :48] = 255
    Image.fromarray(pixels).save(folder / "quarters.png")


def tile(seat: Seat, place: int) -> Tile:
    """The tile at a place of the page."""
    return list(seat.labeling.query(Tile))[place]


def shown(seat: Seat, place: int = 0) -> Prepared | None:
    """The picture at a place, None while there is none."""
    return tile(seat, place).view._picture


async def changed(seat: Seat, *keys: str, place: int = 0) -> np.ndarray[Any, Any]:
    """The picture at a place after these keys, which must be another one."""
    await seat.until(lambda: shown(seat, place) is not None, "a picture")
    before = shown(seat, place)
    await seat.press(*keys)
    await seat.until(lambda: shown(seat, place) not in (before, None), "another picture")
    found = shown(seat, place)
    assert found is not None
    assert found.pixels is not None
    return found.pixels


async def focus(seat: Seat, name: str) -> int:
    """Move to the image of this name."""
    place = seat.names.index(name)
    await seat.press(*["tab"] * place)
    return place


def test_a_window_is_chosen_on_a_page(tmp_path: Path) -> None:
    """On a page of several scans `w` is about the one in focus: presets, arrows, invert, reset; the others stay, labels too."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            place = await focus(seat, "scan-0.dcm")
            screen, item = seat.labeling, seat.labeling.page.items[place].item
            await seat.until(lambda: all(shown(seat, n) for n in range(3)), "three pictures")
            others = [shown(seat, n) for n in range(3) if n != place]
            await seat.press("1", "w")
            assert "lung" in seat.text
            lung = await changed(seat, "b", place=place)
            assert screen._viewings[item].window == Window(-600, 1500)
            turned = await changed(seat, "i", place=place)
            assert (lung != turned).any()
            await changed(seat, "right", place=place)
            assert screen._viewings[item].window == Window(-600, 1560, inverted=True)
            assert screen.page.focus == place, "the arrows are the window's"
            first = await changed(seat, "r", place=place)
            await seat.press("escape")
            assert "lung" not in seat.text
            assert seat.labels[place] == ("cat",)
            await changed(seat, "w", "c", "escape", place=place)
            assert (await changed(seat, "w", "r", "escape", place=place) == first).all()
            assert [shown(seat, n) for n in range(3) if n != place] == others

    run(tmp_path, story, images=0, files=scans)


def test_keys_typed_ahead_are_the_windows(tmp_path: Path) -> None:
    """`w`, `s`, `b` in one go neither skip the image nor go back: they are letters of the window."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            await focus(seat, "scan-1.dcm")
            names = seat.names
            await seat.press("w", "s", "b", "escape")
            assert seat.screen is seat.labeling
            assert seat.names == names
            assert (await house.progress()).skipped == 0

    run(tmp_path, story, images=0, files=scans)


def test_the_window_ends_with_its_image(tmp_path: Path) -> None:
    """Tab to another image ends the choice; the footer names `w` over a DICOM image only."""

    def mixed(folder: Path) -> None:
        shutil.copy(FILES / "CT_small.dcm", folder / "scan.dcm")

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            await focus(seat, "scan.dcm")
            assert "w window" in seat.line("keys")
            await seat.press("w")
            assert "invert" in seat.line("labels")
            await seat.press("tab")
            assert "invert" not in seat.line("labels")
            assert "w window" not in seat.line("keys")
            await seat.press("w")
            assert "no DICOM image" in seat.text

    run(tmp_path, story, images=1, files=mixed)


def test_frames_are_paged_through(tmp_path: Path) -> None:
    """`]` shows the next frame of the image in focus and says which; a file of one page says so."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            place = await focus(seat, "frames.dcm")
            await changed(seat, "right_square_bracket", place=place)
            assert "page 2 of 15" in seat.line("header")
            await seat.press("tab", "right_square_bracket")
            assert "one page" in seat.line("header")

    run(tmp_path, story, images=0, files=scans)


def test_an_image_of_a_page_is_looked_at(tmp_path: Path) -> None:
    """Zoom, arrows over what is enlarged, 100%, turn, brightness and contrast, and `0` shows all again."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            first = await changed(seat, "v", "v", "v", "v", "greater_than_sign")
            plain = await changed(seat, "less_than_sign")
            assert first.sum() > plain.sum()
            assert (await changed(seat, "left_parenthesis") != plain).any()
            await changed(seat, "right_parenthesis")
            near = await changed(seat, "plus", "plus", "plus")
            assert "%" in seat.line("header")
            moved = await changed(seat, "left", "up")
            assert moved.mean() > near.mean(), "toward the white quarter"
            await changed(seat, "equals_sign")
            turned = await changed(seat, "0", "v")
            assert (turned != plain).any()
            again = await changed(seat, "v", "v", "v")
            assert (again == plain).all()

    run(tmp_path, story, images=0, files=quarters)


def test_a_window_is_chosen_in_review(tmp_path: Path) -> None:
    """A reviewer sees a scan through another window by the same keys; its history and verdict stay where they are."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 1)
        async with labeled_page(house, 1, size=(140, 48)) as (seat, _screen):
            await seat.press("enter")
            await seat.until(lambda: isinstance(seat.screen, ItemScreen) and seat.screen._image is not None, "a scan")
            screen, footer = seat.screen, seat.text.splitlines()[-1]
            assert "w window" in footer
            before = screen._image
            await seat.press("w", "b")
            await seat.until(lambda: screen._image is not before, "another picture")
            assert screen._window == Window(-600, 1500)
            assert "lung" in seat.text.splitlines()[-1]
            await seat.press("x", "escape")
            assert seat.screen is screen, "no comment was asked for"
            assert seat.text.splitlines()[-1] == footer

    run(tmp_path, story, images=0, files=lambda folder: shutil.copy(FILES / "CT_small.dcm", folder / "scan.dcm"))
