"""Labeling that is interrupted: a lost connection, a second session, a pause, a file that cannot be read."""

from __future__ import annotations

from pathlib import Path

from core.ids import ProjectState
from core.project.label_changes import Afterwards, add_labels, retire_label
from tests.tui.house import House, run


def test_a_dropped_session_comes_back_to_the_same_page(tmp_path: Path) -> None:
    """After the connection is lost, the next login shows the same images with the same labels and selection."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            await seat.press("1", "right", "2", "right", "space")
            names, labels, selected = seat.names, seat.labels, seat.labeling.page.selected
        async with house.session() as seat:
            await seat.sit_down()
            assert (seat.names, seat.labels, seat.labeling.page.selected) == (names, labels, selected)

    run(tmp_path, story)


def test_a_killed_session_keeps_what_was_typed_a_second_ago(tmp_path: Path) -> None:
    """Work is saved while it is done, so that even a killed server gives it back."""

    async def story(house: House) -> None:
        async with house.session() as first:
            await first.sit_down()
            await first.press("a", "2")
            await first.until(lambda: first.labeling._save_timer is None, "the save began")
            await first.pilot.pause(0.3)
            async with house.session() as second:
                await second.sit_down()
                assert (second.names, second.labels) == (first.names, [("dog",)] * 4)

    run(tmp_path, story)


def test_a_newer_session_takes_over(tmp_path: Path) -> None:
    """The same user in a second window continues there; the first window says so and cannot write over it."""

    async def story(house: House) -> None:
        async with house.session() as first:
            await first.sit_down()
            await first.press("a", "1")
            await first.pilot.pause(0.7)
            async with house.session() as second:
                await second.sit_down()
                await second.press("2", "enter")
                await second.until(lambda: "4" in second.line("header"), "the receipt")
                await first.press("3")
                await first.until(lambda: "another of your sessions" in first.notices + first.text, "the notice")
            by_id = first.labeling._desk.labels.by_id
            found = await house.submitted(house.labeler)
            assert {by_id(item.draft.answer.labels[0]).name for item in found} == {"dog"}

    run(tmp_path, story)


def test_a_pause_is_told_at_once_and_loses_nothing(tmp_path: Path) -> None:
    """When an admin pauses the project, the labeler reads it within seconds; on resume the page is back with its labels."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            names = seat.names
            await seat.press("1", "right", "2")
            await house.set_state(ProjectState.PAUSED)
            await seat.until(lambda: "paused" in seat.text, "the pause")
            await house.set_state(ProjectState.RUNNING)
            await seat.until(lambda: seat.names == names, "the page")
            assert seat.labels[:2] == [("cat",), ("dog",)]

    run(tmp_path, story)


def test_labels_that_change_meanwhile_are_offered_on_the_open_page(tmp_path: Path) -> None:
    """A class that an admin adds, and one that is retired, show to who labels already; what was given stays in sight."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            await seat.press("2")
            await house.set_state(ProjectState.PAUSED)
            change = (house.admin, house.project)
            await house.db.write(add_labels, *change, ["fish"], Afterwards.CONTINUE, now_ms=house.clock())
            await house.db.write(retire_label, *change, "dog", now_ms=house.clock())
            await house.set_state(ProjectState.RUNNING)
            await seat.until(lambda: "3  fish" in seat.line("labels"), "the new label")
            await seat.until(lambda: seat.labels[0] == ("dog",), "the label given before")
            assert "dog" not in seat.line("labels")
            assert "labels of this project have changed" in seat.line("header")
            await seat.press("3")
            assert seat.labels[0] == ("fish",)

    run(tmp_path, story)


def test_a_submission_into_a_pause_comes_back_to_the_page(tmp_path: Path) -> None:
    """Enter in the moment of a pause takes nothing and loses nothing: the answers are there when the project runs again."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seat.sit_down()
            names = seat.names
            await seat.press("a", "3")
            await house.set_state(ProjectState.PAUSED)
            await seat.press("enter")
            await seat.until(lambda: "paused" in seat.text + seat.notices, "the pause")
            await house.set_state(ProjectState.RUNNING)
            await seat.until(lambda: seat.names == names, "the page")
            assert seat.labels == [("bird",)] * 4
            await seat.press("enter")
            await seat.until(lambda: "4" in seat.line("header"), "the receipt")

    run(tmp_path, story)


def test_an_unreadable_file_leaves_the_page(tmp_path: Path) -> None:
    """A file that breaks after the import is set aside with its reason; the other images stay with their labels."""

    async def story(house: House) -> None:
        broken = sorted(house.folder.iterdir())[:6]
        for path in broken:
            path.write_bytes(path.read_bytes()[:60])
        async with house.session() as seat:
            await seat.sit_down()
            await seat.press("a", "1")
            await seat.until(lambda: not {p.name for p in broken} & set(seat.names), "broken ones gone")
            for _ in range(8):
                if not seat.names:
                    break
                names = seat.names
                await seat.press("a", "a", "a", "2", "enter")
                await seat.pilot.pause(0.3)
                await seat.until(lambda names=names: seat.names != names, "the next page")  # type: ignore[misc]
            await seat.until(lambda: "queue is empty" in seat.text.lower(), "the end")
            progress = await house.progress()
            assert (progress.unreadable, progress.labeled, progress.todo) == (6, 6, 0)

    run(tmp_path, story)
