"""Window and level of DICOM images by keys, and no word about the patient."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from storage.base import Unreachable
from storage.dicom import Window
from storage.local import LocalStore
from tests.tui.canvas import play, seated
from tests.tui.house import House, Seat
from tui import picture_files
from tui.screens.canvas.screen import CanvasScreen

FILES = Path(pydicom.__file__).parent / "data" / "test_files"


async def changed(seat: Seat, screen: CanvasScreen, *keys: str) -> Any:
    """The picture after these keys, which must be another one."""
    before = screen._image
    assert before is not None
    await seat.press(*keys)
    await seat.until(lambda: screen._image is not before, "another picture")
    assert screen._image is not None
    return screen._image.levels[0]


def scan(name: str) -> dict[str, Any]:
    """A project of one DICOM file."""

    def put(folder: Path) -> None:
        shutil.copy(FILES / name, folder / "scan.dcm")

    return {"images": 0, "files": put}


def test_a_window_is_chosen_by_keys(tmp_path: Path) -> None:
    """`w`, then letters for presets, arrows, `i` and `r`: each shows other values; Esc gives the keys back, the window stays."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            first = screen._image.levels[0]  # type: ignore[union-attr]
            await seat.press("w")
            assert "lung" in seat.text
            assert "i invert" in seat.text
            lung = await changed(seat, screen, "b")
            assert screen._window == Window(-600, 1500)
            turned = await changed(seat, screen, "i")
            assert np.array_equal(turned, 255 - lung)
            await changed(seat, screen, "i")
            await changed(seat, screen, "right")
            assert screen._window == Window(-600, 1560)
            await changed(seat, screen, "shift+up")
            assert screen._window == Window(-600 + 5 * 62.4, 1560)
            again = await changed(seat, screen, "r")
            assert np.abs(again.astype(int) - first).max() <= 2
            await changed(seat, screen, "c")
            await seat.press("escape")
            assert "lung" not in seat.text
            assert screen._window == Window(400, 1800)
            await seat.press("r")
            assert "rectangle" in seat.text, "r is the tool again"

    play(tmp_path, story, **scan("CT_small.dcm"))


@pytest.mark.parametrize(("name", "says"), [("examples_ybr_color.dcm", "in colour"), ("", "no DICOM image")])
def test_what_has_no_window_says_so(tmp_path: Path, name: str, says: str) -> None:
    """A colour image and a photo refuse `w` in words, and letters stay what they were."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("w")
            assert says in seat.text
            assert screen._leveling is None

    play(tmp_path, story, **(scan(name) if name else {}))


def test_a_datastore_that_does_not_answer_is_not_called_a_colour_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for the window then reads why it cannot be had, and nothing untrue of the image; later `w` shows it."""

    def gone(_store: LocalStore, _path: str) -> bytes:
        raise Unreachable("The datastore does not answer.")

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            with monkeypatch.context() as patch:
                patch.setattr(picture_files, "AWAY_S", 0.0)
                patch.setattr(LocalStore, "get", gone)
                await seat.press("w")
                assert "does not answer" in seat.notices
                assert "in colour" not in seat.text
                assert screen._leveling is None
            await seat.press("w")
            assert "lung" in seat.text

    play(tmp_path, story, **scan("CT_small.dcm"))


def test_nothing_of_the_patient_is_on_the_screen(tmp_path: Path) -> None:
    """Of a file whose header names a patient, neither name nor number is shown."""
    dataset = pydicom.dcmread(FILES / "CT_small.dcm")
    told = [str(dataset.PatientName), str(dataset.PatientID), str(dataset.StudyDate)]
    assert all(told)

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seated(seat)
            for keys in (("w",), ("b",), ("question_mark",)):
                await seat.press(*keys)
                assert not [text for text in told if text in seat.text]

    play(tmp_path, story, **scan("CT_small.dcm"))
