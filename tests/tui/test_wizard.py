"""A project is made on the screen, by keys alone: steps with Back and Next, a preview, a last look, and then it runs."""

from __future__ import annotations

from pathlib import Path

from textual import events

from core.errors import NotFound
from core.ids import ProjectState, Role, TaskType
from core.intake import imports
from core.project import projects
from core.project.projects import Project
from core.project.settings import settings_of
from core.team import people
from tests.tui.house import START_MS, House, Seat, make_photos, run
from tests.tui.test_dashboard import SMALL
from tui.screens.manage.wizard import WizardScreen
from tui.screens.projects import ProjectsScreen


async def open_wizard(seat: Seat) -> None:
    """From the project list to the first step."""
    await seat.until(lambda: "photos" in seat.text, "the project list")
    await seat.press("n")
    await seat.until(lambda: "1 of 9" in seat.text, "the first step")


def typed(text: str) -> list[str]:
    """The keys that type a text over what a line holds."""
    names = {" ": "space", "/": "slash", "\n": "enter", "-": "minus", "_": "underscore", "%": "percent_sign"}
    return ["ctrl+u", *[names.get(char, char) for char in text]]


async def paste(seat: Seat, text: str) -> None:
    """Put a long text over what the line in focus holds."""
    await seat.press("end", "ctrl+u")
    seat.screen.focused.post_message(events.Paste(text))
    await seat.pilot.pause()


async def step(seat: Seat, number: int) -> None:
    """Wait for a step."""
    await seat.until(lambda: f"{number} of 9" in seat.text, f"step {number}")
    await seat.pilot.pause()


async def to_the_data(seat: Seat, name: str, folder: Path) -> None:
    """Over the first two steps."""
    await seat.press(*typed(name), "enter")
    await step(seat, 2)
    await paste(seat, str(folder))


async def found(house: House, name: str) -> Project:
    """The project of that name."""
    return await house.db.read(projects.get_project, name)


def test_a_project_is_made_by_keys(tmp_path: Path) -> None:
    """Name, type, folder with its preview, labels, quality, members, a last look: then it loads, runs, and is in the list."""

    async def story(house: House) -> None:
        make_photos(tmp_path / "birds", 7)
        (tmp_path / "birds" / "notes.txt").write_text("no image")
        async with house.session(house.admin, size=SMALL) as seat:
            await open_wizard(seat)
            await seat.press(*typed("My birds"), "down", "down", "enter")
            await step(seat, 2)
            await paste(seat, str(tmp_path / "birds"))
            await seat.until(lambda: "7 images (7 .png)" in seat.text, "the preview")
            assert "1 other files" in seat.text
            assert "photo-00.png" in seat.text
            await seat.press("enter")
            await step(seat, 3)
            await seat.press(*typed("1 h"), "enter")
            await step(seat, 4)
            await seat.press(*typed("robin\nOwl/Barn"))
            await seat.until(lambda: "Barn" in seat.text and "3 " in seat.text, "the tree")
            await seat.press("ctrl+n")
            await step(seat, 5)
            await seat.press(*"Look", "ctrl+n")
            await step(seat, 6)
            await seat.press(*typed("2 to 3"), "enter")
            await step(seat, 7)
            await seat.press("enter")
            await step(seat, 8)
            await seat.press("space", "enter")
            await step(seat, 9)
            for part in ("My birds", "Multi-label", "7 images", "every 1 h", "robin, Owl, Owl/Barn", "alice"):
                assert part in seat.text, part
            await seat.press("enter")
            await seat.until(lambda: isinstance(seat.screen, ProjectsScreen) and "My birds" in seat.text, "the list")
            assert "looking at its files" in seat.text
            await imports.work_one(house.db, "janitor", now_ms=house.clock)
            await seat.until(lambda: "0 of 7 labeled" in seat.text, "the running project")
            made = await found(house, "My birds")
            assert (made.state, made.task_type) == (ProjectState.RUNNING, TaskType.MULTI_LABEL)
            settings = await house.db.read(settings_of, made.id)
            assert (settings.min_labelers, settings.max_labelers, settings.refresh_every_s) == (2, 3, 3600)
            assert settings.instructions == "Look"
            assert [one.name for one, _ in await house.db.read(people.members_of, made.id)] == ["alice"]

    run(tmp_path, story)


def test_a_name_that_was_ever_used_is_refused_as_one_types(tmp_path: Path) -> None:
    """The name of a project, also of a deleted one, and an empty name keep the wizard at its first step, with the reason."""

    async def story(house: House) -> None:
        await house.db.write(
            projects.set_state, house.project, ProjectState.DELETED, by=house.admin.id, now_ms=house.clock()
        )
        async with house.session(house.admin, size=SMALL) as seat:
            await seat.until(lambda: isinstance(seat.screen, ProjectsScreen), "the list")
            await seat.press("n")
            await step(seat, 1)
            await seat.press("enter")
            await seat.until(lambda: "1 to 128 printable" in seat.text, "the empty name")
            await seat.press(*typed("photos"))
            await seat.until(lambda: "once was, a project" in seat.text, "the taken name")
            await seat.press("enter")
            await seat.pilot.pause()
            assert "1 of 9" in seat.text

    run(tmp_path, story)


def test_data_that_may_not_be_or_is_not_there(tmp_path: Path) -> None:
    """A folder outside of what the operator allows, one that is missing and one without images are said; nothing goes on."""

    async def story(house: House) -> None:
        (tmp_path / "empty").mkdir()
        async with house.session(house.admin, size=SMALL) as seat:
            await open_wizard(seat)
            for folder, words in (
                ("/etc", "From here a project's images lie below"),
                (tmp_path / "nowhere", "does not exist"),
                (tmp_path / "empty", "No image"),
                ("birds", "Write a folder of the server"),
            ):
                if "1 of 9" in seat.text:
                    await to_the_data(seat, "Birds", Path(folder))
                else:
                    await paste(seat, str(folder))
                await seat.until(lambda words=words: words in " ".join(seat.text.split()), words)  # type: ignore[misc]
                await seat.press("enter")
                await seat.pilot.pause()
                assert "2 of 9" in seat.text

    run(tmp_path, story)


def test_back_keeps_what_was_typed_and_the_end_is_asked(tmp_path: Path) -> None:
    """Esc goes a step back with everything in place; from the first step it asks before it gives up, and makes nothing."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_wizard(seat)
            await to_the_data(seat, "Birds", house.folder)
            await seat.until(lambda: "12 images" in seat.text, "the preview")
            await seat.press("enter")
            await step(seat, 3)
            await seat.press("escape")
            await step(seat, 2)
            assert str(house.folder)[-20:] in seat.text
            await seat.press("escape")
            await step(seat, 1)
            assert "Birds" in seat.text
            await seat.press("escape")
            await seat.until(lambda: "Give up" in seat.text, "the question")
            await seat.press("n")
            assert isinstance(seat.screen, WizardScreen)
            await seat.press("escape")
            await seat.until(lambda: "Give up" in seat.text, "the question")
            await seat.press("y")
            await seat.until(lambda: isinstance(seat.screen, ProjectsScreen), "the list")
            assert [s.project.name for s in await house.db.read(projects.list_projects, house.admin)] == ["photos"]

    run(tmp_path, story)


def test_a_project_needs_labels(tmp_path: Path) -> None:
    """No label, a label twice, and seven levels are refused on the step of labels."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_wizard(seat)
            await to_the_data(seat, "Birds", house.folder)
            await seat.press("enter")
            await step(seat, 3)
            await seat.press("enter")
            await step(seat, 4)
            for text, words in (("", "at least one label"), ("cat\ncat", "named twice"), ("a/b/c/d/e/f/g", "7 levels")):
                await seat.press("ctrl+home", *["delete"] * 12, *typed(text))
                await seat.until(lambda words=words: words in seat.text, words)  # type: ignore[misc]
                await seat.press("ctrl+n")
                await seat.pilot.pause()
                assert "4 of 9" in seat.text

    run(tmp_path, story)


def test_only_admins_make_projects(tmp_path: Path) -> None:
    """A lead and a labeler are told so; an admin who was disabled meanwhile is refused by core at the last step."""

    async def story(house: House) -> None:
        lead = await house.db.write(people.add_account, "lena", Role.LEAD, by=None, now_ms=START_MS)
        await house.db.write(people.add_member, house.project, lead.id, Role.LEAD, by=None, now_ms=START_MS)
        for account in (lead, house.labeler):
            async with house.session(account, size=SMALL) as seat:
                await seat.until(lambda seat=seat: "photos" in seat.text, "the list")  # type: ignore[misc]
                await seat.press("n")
                await seat.until(lambda seat=seat: "Only an admin" in seat.notices, "the refusal")  # type: ignore[misc]
        async with house.session(house.admin, size=SMALL) as seat:
            await open_wizard(seat)
            await seat.press(*typed("Birds"))
            await house.db.write(people.set_disabled, house.admin.id, True, by=None, now_ms=house.clock())
            await seat.press("enter")
            await seat.until(lambda: "disabled" in seat.text, "the refusal")
            assert "1 of 9" in seat.text
        try:
            await found(house, "Birds")
            raise AssertionError("made by a disabled admin")
        except NotFound:
            pass

    run(tmp_path, story)


def test_a_failed_import_is_said_in_the_list(tmp_path: Path) -> None:
    """Files that went away between the preview and the import: the list says why the project does not get on."""

    async def story(house: House) -> None:
        (tmp_path / "gone").mkdir()
        new = projects.NewProject("Gone", TaskType.MULTI_CLASS, f"local:{tmp_path / 'gone'}", ("cat",))
        await house.db.write(imports.make_project, house.admin, new, {}, [], now_ms=house.clock())
        async with house.session(house.admin, size=SMALL) as seat:
            await seat.until(lambda: "looking at its files" in seat.text, "the new project")
            await imports.work_one(house.db, "janitor", now_ms=house.clock)
            await seat.until(lambda: "Nothing to label" in seat.text, "the reason")

    run(tmp_path, story)
