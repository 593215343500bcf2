"""The page of label classes: added with the three choices, renamed, recoloured, ordered, merged, retired, all by keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.ids import ProjectState
from core.project import projects
from tests.tui.house import House, Seat, run
from tests.tui.test_dashboard import SMALL, label
from tests.tui.test_details import open_details
from tui.screens.manage.classes import ClassesScreen

TREE = ("Animal/Cat", "Animal/Dog", "plane")


async def open_classes(seat: Seat) -> None:
    """From the project list to the label classes."""
    await open_details(seat)
    await seat.press("c")
    await seat.until(lambda: isinstance(seat.screen, ClassesScreen) and "images" in seat.text, "the label classes")


async def paths(house: House) -> list[str]:
    """The project's labels in their order."""
    return [one.path for one in await house.db.read(projects.label_classes, house.project)]


async def state(house: House) -> ProjectState:
    """Whether it runs."""
    return (await house.db.read(projects.project_by_id, house.project)).state


@pytest.mark.parametrize(("downs", "left"), [(0, 6), (1, 0), (2, 0)], ids=["continue", "defaults", "start over"])
def test_a_label_is_added_while_paused(tmp_path: Path, downs: int, left: int) -> None:
    """`n` pauses a running project, asks the label and what becomes of those so far, and does what was chosen."""

    async def story(house: House) -> None:
        await label(house, house.labeler, 6)
        async with house.session(house.admin, size=SMALL) as seat:
            await open_classes(seat)
            await seat.press("n")
            await seat.until(lambda: "Pause it" in seat.text, "the question to pause")
            await seat.press("y")
            await seat.until(lambda: "New label" in seat.text, "the question for the label")
            await seat.press(*"fish/eel", "enter")
            await seat.until(lambda: "labels given so far" in seat.text and "6" in seat.text, "the three choices")
            await seat.press(*["down"] * downs, "enter")
            await seat.until(lambda: "Added fish/eel" in seat.notices, "the receipt")
            assert await paths(house) == ["cat", "dog", "bird", "fish", "fish/eel"]
            assert (await house.progress()).labeled == left
            assert await state(house) is ProjectState.PAUSED
            await seat.press("space")
            await seat.until(lambda: "running" in seat.text.splitlines()[0], "it runs again")

    run(tmp_path, story)


def test_a_label_that_cannot_be_is_refused_as_one_types(tmp_path: Path) -> None:
    """Seven levels, an empty name and a label that is there are said before Enter; nothing is added."""

    async def story(house: House) -> None:
        await house.set_state(ProjectState.PAUSED)
        async with house.session(house.admin, size=SMALL) as seat:
            await open_classes(seat)
            await seat.press("n")
            await seat.until(lambda: "New label" in seat.text, "the question")
            await seat.press(*"a/b/c/d/e/f/g")
            await seat.until(lambda: "7 levels deep" in seat.text, "the depth")
            await seat.press("ctrl+u", *"cat", "enter")
            await seat.until(lambda: "has this label already" in seat.text, "the label that is there")
            await seat.press("ctrl+u", "enter")
            await seat.until(lambda: "empty name" in seat.text, "the empty name")
            await seat.press("escape")
            assert await paths(house) == ["cat", "dog", "bird"]

    run(tmp_path, story)


def test_the_tree_is_seen_and_renamed(tmp_path: Path) -> None:
    """Children stand below their parents; renaming a parent keeps them, and a name with a slash is refused."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_classes(seat)
            assert "  Cat" in seat.text
            assert "Animal/Cat" not in seat.text
            await seat.press("enter")
            await seat.until(lambda: "New name" in seat.text, "the question")
            await seat.press("ctrl+u", *"Be/ast")
            await seat.until(lambda: "no '/'" in seat.text, "the refusal")
            await seat.press("ctrl+u", *"Beast", "enter")
            await seat.until(lambda: "Beast" in seat.text and isinstance(seat.screen, ClassesScreen), "the name")
            assert await paths(house) == ["Beast", "Beast/Cat", "Beast/Dog", "plane"]

    run(tmp_path, story, labels=TREE)


def test_order_and_number_keys(tmp_path: Path) -> None:
    """Shift and an arrow moves a label, a digit gives it that key, and the mark stays on it."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_classes(seat)
            await seat.press("shift+down")
            await seat.until(lambda: seat.text.index("dog") < seat.text.index("cat"), "the new order")
            assert await paths(house) == ["dog", "cat", "bird"]
            await seat.press("3")
            await seat.until(lambda: seat.text.index("bird") < seat.text.index("cat"), "the third place")
            assert await paths(house) == ["dog", "bird", "cat"]
            await seat.press("shift+up")
            await seat.until(lambda: seat.text.index("cat") < seat.text.index("bird"), "back up")

    run(tmp_path, story)


def test_a_label_gets_another_colour(tmp_path: Path) -> None:
    """`o` offers colours that all can tell apart, and any other as #rrggbb."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_classes(seat)
            await seat.press("o", "down", "down", "enter")

            async def color() -> str:
                return (await house.db.read(projects.label_classes, house.project))[0].color

            await seat.until(lambda: isinstance(seat.screen, ClassesScreen), "the list")
            await seat.pilot.pause()
            assert await color() == "#009e73"
            await seat.press("o", "end", "enter")
            await seat.until(lambda: "Colour as" in seat.text, "the line for it")
            await seat.press("ctrl+u", *"red", "enter")
            await seat.until(lambda: "Write a colour" in seat.text, "the refusal")
            await seat.press("ctrl+u", "number_sign", *"0a0B0c", "enter")
            await seat.until(lambda: isinstance(seat.screen, ClassesScreen), "the list")
            await seat.pilot.pause()
            assert await color() == "#0a0b0c"

    run(tmp_path, story)


def test_two_labels_are_merged(tmp_path: Path) -> None:
    """`m` asks into which one, says how many answers change, and every answer follows."""

    async def story(house: House) -> None:
        await label(house, house.labeler, 6)
        await house.set_state(ProjectState.PAUSED)
        async with house.session(house.admin, size=SMALL) as seat:
            await open_classes(seat)
            await seat.press("m", *"dog", "enter")
            await seat.until(lambda: "6 answers change" in seat.text, "the question")
            await seat.press("y")
            await seat.until(lambda: "6 images had it" in seat.notices, "the receipt")
            assert await paths(house) == ["dog", "bird"]

    run(tmp_path, story)


def test_a_label_is_retired_but_not_the_last(tmp_path: Path) -> None:
    """A retired label leaves the choice and is still listed while answers have it; a project keeps at least one."""

    async def story(house: House) -> None:
        await label(house, house.labeler, 2)
        async with house.session(house.admin, size=SMALL) as seat:
            await open_classes(seat)
            for name in ("cat", "dog"):
                await seat.press("home", "x")
                await seat.until(lambda name=name: f"Take {name}" in seat.text, f"the question for {name}")  # type: ignore[misc]
                await seat.press("y")
                await seat.until(lambda: isinstance(seat.screen, ClassesScreen), "the list")
            await seat.until(lambda: "retired" in seat.text and "dog" not in seat.text, "the retired one")
            await seat.press("home", "x")
            await seat.until(lambda: "Take bird" in seat.text, "the question")
            await seat.press("y")
            await seat.until(lambda: "at least one label" in seat.notices, "the refusal")
            assert await paths(house) == ["bird"]

    run(tmp_path, story)
