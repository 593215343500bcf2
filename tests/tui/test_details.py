"""The pages on which an admin changes a project: settings in place, refresh, members, assignment, the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.assist import settings as assist_settings
from core.assist.settings import Order
from core.ids import ProjectState, Role
from core.project import projects, settings
from core.team import people
from core.upkeep import auditlog
from core.upkeep.auditlog import Wanted
from exporters.datastore import work_one
from tests.janitor import janitor
from tests.tui.house import START_MS, House, Seat, make_photos, run
from tests.tui.test_dashboard import SMALL, open_dashboard
from tui.screens.manage.details import DetailsScreen
from tui.screens.manage.members import MembersScreen
from tui.widgets.row import Row


async def open_details(seat: Seat) -> None:
    """From the project list to the settings."""
    await open_dashboard(seat)
    await seat.press("e")
    await seat.until(lambda: isinstance(seat.screen, DetailsScreen) and "15 min" in seat.text, "the settings")


def row(seat: Seat, key: str) -> Any:
    """A line of the page."""
    return seat.screen.query_one(f"#row-{key}", Row)


async def go_to(seat: Seat, key: str) -> None:
    """Move to a line with the arrows."""
    for _ in range(30):
        if seat.screen.focused is row(seat, key):
            return
        await seat.press("down")
    raise AssertionError(f"the arrows never reach {key}")


async def type_over(seat: Seat, text: str) -> None:
    """Change the line in focus to a text, without the Enter that takes it."""
    await seat.press("enter", "ctrl+u", *["space" if char == " " else char for char in text])


async def log_of(house: House, what: str) -> list[Any]:
    """What the log has of a kind, newest first."""
    return list(await house.db.read(auditlog.entries, house.admin, Wanted(what=what), limit=20))


def test_a_setting_is_changed_in_place(tmp_path: Path) -> None:
    """Enter, a new value, Enter: the project has it, the line shows it, and the log holds it before and after."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_details(seat)
            await go_to(seat, "lease")
            await type_over(seat, "20 min")
            await seat.press("enter")
            await seat.until(lambda: row(seat, "lease").text == "20 min", "the new value")
            assert (await house.db.read(settings.settings_of, house.project)).lease_s == 1200
            [entry] = await log_of(house, "setting-changed")
            assert (entry.by, entry.body) == ("ada", {"lease_s": {"before": 900, "after": 1200}})

    run(tmp_path, story)


def test_a_bad_value_is_said_as_one_types_and_not_taken(tmp_path: Path) -> None:
    """What cannot be a value is said beside it before Enter, Enter does not take it, and Esc leaves what was there."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=(140, 48)) as seat:
            await open_details(seat)
            await go_to(seat, "lease")
            await type_over(seat, "soon")
            await seat.until(lambda: "Write a length of time" in seat.text, "the reason")
            await seat.press("enter")
            assert row(seat, "lease").is_editing
            await seat.press("escape")
            assert not row(seat, "lease").is_editing
            await go_to(seat, "gold")
            await type_over(seat, "80%")
            await seat.until(lambda: "between 0 and 0.5" in seat.text, "core's own reason")
            await seat.press("escape")
            assert isinstance(seat.screen, DetailsScreen), "Esc in a line ends the line only"
            assert await log_of(house, "setting-changed") == []

    run(tmp_path, story)


def test_consensus_waits_for_a_pause(tmp_path: Path) -> None:
    """Core refuses a change of consensus while the project runs; paused, it is taken."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_details(seat)
            await go_to(seat, "labelers")
            await type_over(seat, "2 to 3")
            await seat.press("enter")
            await seat.until(lambda: "Pause the project" in seat.notices, "the refusal")
            await seat.press("space")
            await seat.until(lambda: "paused" in seat.text.splitlines()[0], "the pause")
            await type_over(seat, "2 to 3")
            await seat.press("enter")
            await seat.until(lambda: row(seat, "labelers").text == "2 to 3", "the new value")

    run(tmp_path, story)


def test_every_setting_of_the_learning_worker_is_there(tmp_path: Path) -> None:
    """Order, backbone and DICOM are changed in place like the others; a word that is none of the choices is refused."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_details(seat)
            for key, text in (("order", "uncertain"), ("backbone", "plain"), ("dicom", "on")):
                await go_to(seat, key)
                await type_over(seat, text)
                await seat.press("enter")
                await seat.until(lambda key=key, text=text: row(seat, key).text == text, f"the new {key}")
            found = assist_settings.read((await house.db.read(settings.settings_of, house.project)).assist)
            assert (found.order, found.backbone, found.dicom) == (Order.UNCERTAIN, "plain", True)
            await type_over(seat, "perhaps")
            await seat.until(lambda: "Write on or off" in seat.text, "the refusal")

    run(tmp_path, story)


def test_labels_are_exported_by_keys(tmp_path: Path) -> None:
    """`x`, a format, which images: a run writes it into the datastore, and the line says where, and when it was done."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_details(seat)
            assert row(seat, "output").text == f"{house.folder}/Labeling/export/"
            await seat.press("x", "enter", "enter")
            await seat.until(lambda: "written into the datastore" in seat.notices, "the receipt")
            await seat.until(lambda: row(seat, "output").text.startswith("coco: waiting"), "the run")
            assert await work_one(house.db, "here", now_ms=house.clock)
            await seat.screen._refresh()
            assert row(seat, "output").text.startswith("coco: less than a minute ago")
            assert list((house.folder / "Labeling" / "export" / "coco").glob("*/manifest.json"))

    run(tmp_path, story)


def test_new_files_are_found_now(tmp_path: Path) -> None:
    """`r` looks into the datastore, says what it found, and the page keeps it."""

    async def story(house: House) -> None:
        make_photos(house.folder / "more", 3)
        async with janitor(house.db), house.session(house.admin, size=SMALL) as seat:
            await open_details(seat)
            await seat.press("r")
            await seat.until(lambda: "3 new" in row(seat, "found").text, "what it found")
            assert (await house.progress()).total == 15

    run(tmp_path, story)


def test_instructions_are_written_on_the_screen(tmp_path: Path) -> None:
    """A text of several lines is kept with Ctrl+S; given up with Esc it asks once, and nothing changes."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_details(seat)
            await go_to(seat, "instructions")
            await seat.press("enter")
            await seat.until(lambda: "Ctrl+S" in seat.text, "the page to write on")
            await seat.press("H", "i", "enter", "escape")
            assert "Esc again" in seat.text
            await seat.press("ctrl+s")
            await seat.until(lambda: "instructions are changed" in seat.notices, "the receipt")
            assert (await house.db.read(settings.settings_of, house.project)).instructions.startswith("Hi\n")

    run(tmp_path, story)


def test_a_project_is_deleted_only_by_its_name(tmp_path: Path) -> None:
    """`X` asks for the name; another text does nothing, the right one deletes it and leads back to the list."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_details(seat)
            await seat.press("X", *"phot", "enter")
            await seat.until(lambda: "not its name" in seat.text, "the refusal")
            assert (await house.db.read(projects.project_by_id, house.project)).state is ProjectState.RUNNING
            await seat.press("o", "s", "enter")
            await seat.until(lambda: "no project" in seat.text.lower() or len(seat.app.screen_stack) == 2, "the list")
            assert (await house.db.read(projects.project_by_id, house.project)).state is ProjectState.DELETED

    run(tmp_path, story)


def test_a_lead_cannot_open_the_settings(tmp_path: Path) -> None:
    """`e` tells a lead whose the settings are; nothing opens."""

    async def story(house: House) -> None:
        lead = await house.db.write(people.add_account, "lena", Role.LEAD, by=None, now_ms=START_MS)
        await house.db.write(people.add_member, house.project, lead.id, Role.LEAD, by=None, now_ms=START_MS)
        async with house.session(lead, size=SMALL) as seat:
            await open_dashboard(seat)
            await seat.press("e")
            await seat.until(lambda: "Only an admin" in seat.notices, "the refusal")
            assert not isinstance(seat.screen, DetailsScreen)

    run(tmp_path, story)


def test_whose_role_was_taken_while_the_page_was_open_changes_nothing(tmp_path: Path) -> None:
    """An admin who was disabled a moment ago is refused by core, whatever the screen still shows."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_details(seat)
            await house.db.write(people.set_disabled, house.admin.id, True, by=None, now_ms=house.clock())
            await go_to(seat, "max-items")
            await type_over(seat, "77")
            await seat.press("enter")
            await seat.until(lambda: "disabled" in seat.notices, "the refusal")
            assert (await house.db.read(settings.settings_of, house.project)).max_items != 77

    run(tmp_path, story)


def test_members_come_and_go(tmp_path: Path) -> None:
    """An admin gives the project to somebody, makes a labeler a lead and takes it from another, all by keys."""

    async def story(house: House) -> None:
        await house.db.write(people.add_account, "carol", Role.LABELER, by=None, now_ms=START_MS)
        async with house.session(house.admin, size=SMALL) as seat:
            await open_details(seat)
            await seat.press("m")
            await seat.until(lambda: isinstance(seat.screen, MembersScreen) and "bob" in seat.text, "the members")
            await seat.press("n")
            await seat.until(lambda: "carol" in seat.text, "who is none yet")
            await seat.press("space", "enter")
            await seat.until(lambda: isinstance(seat.screen, MembersScreen) and "carol" in seat.text, "the new one")
            await seat.press("enter", "down", "enter")  # alice
            await seat.until(lambda: "lead" in seat.text, "the new role")
            await seat.press("down", "x")
            await seat.until(lambda: "What they submitted stays" in seat.text, "the question")
            await seat.press("y")
            await seat.until(lambda: isinstance(seat.screen, MembersScreen) and "bob" not in seat.text, "bob gone")
            found = await house.db.read(people.members_of, house.project)
            assert {account.name: role for account, role in found} == {"alice": Role.LEAD, "carol": Role.LABELER}

    run(tmp_path, story)


def test_images_are_assigned(tmp_path: Path) -> None:
    """A part of the path and a number choose images; a labeler gets them and the screen says how many."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_dashboard(seat)
            await seat.press("a")
            await seat.until(lambda: "dealt out" in seat.text, "the questions")
            await seat.press(*"photo", "tab", "x", "enter")
            await seat.until(lambda: "whole number" in seat.text, "the refusal")
            await seat.press("backspace", "5", "tab", "space", "enter")
            await seat.until(lambda: "5 images given to alice" in seat.notices, "the receipt")
            [entry] = await log_of(house, "items-assigned")
            assert entry.body["items"] == 5

    run(tmp_path, story)


def test_ml_assist_is_switched_on_line_by_line(tmp_path: Path) -> None:
    """On or off, the first training and the precision wanted are lines of their own; a precision of 30% is refused."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=(140, 48)) as seat:
            await open_details(seat)
            for key, text in (("assist", "on"), ("first", "80"), ("target", "97%")):
                await go_to(seat, key)
                await type_over(seat, text)
                await seat.press("enter")
                await seat.until(lambda key=key, text=text: row(seat, key).text.startswith(text), text)  # type: ignore[misc]
            await type_over(seat, "30%")
            await seat.until(lambda: "between 0.5 and 1" in seat.text, "the reason")
            await seat.press("escape")
            stored = (await house.db.read(settings.settings_of, house.project)).assist
            assert stored == {"on": True, "first": 80, "target": 0.97}

    run(tmp_path, story)
