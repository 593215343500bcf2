"""The project list: fresh while it is seen, at rest while it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.house import House, run
from tui.screens import projects
from tui.screens.projects import ProjectsScreen


def test_the_list_rests_under_another_screen_and_is_fresh_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a page it asks the database nothing and draws nothing; back on top it shows what was handed in meanwhile."""
    monkeypatch.setattr(projects, "REFRESH_S", 0.02)

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            below = next(screen for screen in seat.app.screen_stack if isinstance(screen, ProjectsScreen))
            asked: list[str] = []
            look = below.desk.projects

            async def counted() -> object:
                asked.append("projects")
                return await look()

            monkeypatch.setattr(below.desk, "projects", counted)
            await seat.press("a", "1", "enter")
            await seat.until(lambda: "saved 4" in seat.line("header"), "the receipt")
            assert not below.is_current
            assert asked == []
            await seat.press("escape")
            await seat.until(lambda: "4 of 12 labeled" in seat.text, "what was handed in")
            before = len(asked)
            await seat.until(lambda: len(asked) > before, "the next look, without a key")

    run(tmp_path, story)
