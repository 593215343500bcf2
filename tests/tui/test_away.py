"""A datastore that does not answer while people label: they are told, lose nothing, and the pictures come by themselves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.ids import TaskType
from storage.base import Unreachable
from storage.local import LocalStore
from tests.tui.house import House, Seat, run
from tui import picture_files
from tui.screens import coming
from tui.screens.instructions import InstructionsScreen


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """While a word is in it, no file can be had."""
    gone: list[str] = []
    get = LocalStore.get

    def may_get(store: LocalStore, path: str) -> bytes:
        if gone:
            raise Unreachable("The datastore does not answer.")
        return get(store, path)

    monkeypatch.setattr(LocalStore, "get", may_get)
    monkeypatch.setattr(coming, "ASK_AGAIN_S", 0.05)
    monkeypatch.setattr(picture_files, "AWAY_S", 0.05)
    return gone


def pictures(seat: Seat) -> int:
    """How many pictures are on the page."""
    from tui.widgets.tile import Tile

    return sum(tile.view.picture is not None for tile in seat.labeling.query(Tile))


def test_a_page_without_its_pictures_says_so_and_gets_them(tmp_path: Path, away: list[str]) -> None:
    """The labeler reads that the datastore does not answer; labels given meanwhile stay, and go in; then the pictures come."""

    async def story(house: House) -> None:
        away.append("gone")
        async with house.session() as seat:
            await seat.sit_down()
            await seat.until(lambda: "datastore does not answer" in seat.notices, "a notice")
            assert pictures(seat) == 0
            assert seat.text.count("the datastore does not answer") == 4, "in each picture's place"
            await seat.press("a", "1")
            away.clear()
            await seat.until(lambda: pictures(seat) == 4, "the pictures")
            assert seat.labels == [("cat",)] * 4
            await seat.press("enter")
            await seat.until(lambda: "saved 4" in seat.line("header"), "the receipt")

    run(tmp_path, story)


def test_a_picture_to_draw_on_comes_later(tmp_path: Path, away: list[str]) -> None:
    """The region screen tells, goes on telling in its header, and asks again as well."""

    async def story(house: House) -> None:
        away.append("gone")
        async with house.session() as seat:
            await seat.until(lambda: "photos" in seat.text, "the project list")
            await seat.press("enter")
            await seat.until(lambda: isinstance(seat.screen, InstructionsScreen), "the instructions")
            await seat.press("enter")
            await seat.until(lambda: "datastore does not answer" in seat.notices, "a notice")
            assert seat.screen._image is None
            assert "the datastore does not answer" in seat.text, "for as long as it lasts"
            away.clear()
            await seat.until(lambda: seat.screen._image is not None, "the picture")
            await seat.until(lambda: "the datastore does not answer" not in seat.text, "the words gone")

    run(tmp_path, story, task_type=TaskType.OBJECT_DETECTION)


def test_a_refusal_is_not_called_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    """A datastore that refuses at once is said not to answer for as long as that lasts."""
    monkeypatch.setattr(coming, "LOADING_AFTER_S", 0.0)
    monkeypatch.setattr(coming, "ASK_AGAIN_S", 0.01)
    answers, told = ["the picture", None, None], list[str]()

    async def get() -> str:
        if (found := answers.pop()) is None:
            raise Unreachable("The datastore does not answer.")
        return found

    assert asyncio.run(coming.once_there(get, told.append)) == "the picture"
    assert told == [coming.AWAY_NOTE] * 2
