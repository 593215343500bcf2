"""Awkward terminals and a database in trouble, as the labeler meets them: said in words, and nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.errors import DiskFull
from tests.tui.house import open_house
from tui.screens import holding


@pytest.mark.parametrize("size", [(20, 5), (1000, 60)])
def test_any_terminal_can_label(tmp_path: Path, size: tuple[int, int]) -> None:
    """In a terminal of 20 by 5 cells or of 1,000 columns the keys work and the answers arrive."""

    async def story() -> None:
        async with open_house(tmp_path, images=4) as house:
            async with house.session(size=size) as seat:
                await seat.sit_down()
                await seat.press("a", "2", "question_mark", "escape", "enter")
                await seat.until(lambda: seat.labeling._holding.saved == 4, "four answers saved")
            assert len(await house.submitted(house.labeler)) == 4

    asyncio.run(story())


def test_a_full_disk_keeps_the_answers_and_sends_them_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The labeler reads that the disk is full and that the answers are kept; with room again they arrive by themselves."""
    monkeypatch.setattr(holding, "RETRY_S", 0.05)

    async def story() -> None:
        async with open_house(tmp_path, images=4) as house, house.session() as seat:
            await seat.sit_down()
            write, full = house.db.write, True

            async def writes(*args, **kwargs):  # type: ignore[no-untyped-def]
                if full:
                    raise DiskFull("The disk that holds the database is full; nothing was written. Free some room.")
                return await write(*args, **kwargs)

            monkeypatch.setattr(house.db, "write", writes)
            await seat.press("a", "1", "enter")
            await seat.until(lambda: "kept here and sent again" in seat.notices, "the notice")
            assert "disk" in seat.notices
            assert not await house.submitted(house.labeler)
            full = False
            await seat.until(lambda: seat.labeling._holding.saved == 4, "four answers saved")
            assert len(await house.submitted(house.labeler)) == 4

    asyncio.run(story())
