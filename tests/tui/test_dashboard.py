"""The dashboard as a lead or an admin sees it: live figures, sections, and who may pause."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.annotation import Answer, SubmittedItem
from core.ids import ProjectState, Role
from core.labeling import submissions
from core.project import projects
from core.project.settings import change_settings
from core.team import people
from core.team.people import Account
from tests.tui.house import START_MS, House, Seat, run
from tui.picture.view import PictureView
from tui.screens.manage.chart_panel import ChartPanel
from tui.screens.manage.dashboard import DashboardScreen
from tui.terminal import Graphics

SMALL, LARGE = (80, 24), (140, 48)


async def label(house: House, account: Account, count: int) -> None:
    """Submit so many answers for somebody, the first label each, two seconds an image."""
    page = await house.claim(account, count)
    classes = await house.db.read(projects.label_classes, house.project)
    answers = [SubmittedItem(item.item, item.token, Answer((classes[0].id,)), active_ms=2000) for item in page.items]
    await house.db.write(submissions.submit, house.project, account.id, answers, now_ms=house.clock())


async def open_dashboard(seat: Seat) -> None:
    """From the project list to the dashboard with its figures."""
    await seat.until(lambda: "photos" in seat.text, "the project list")
    await seat.press("d")
    await seat.until(lambda: isinstance(seat.screen, DashboardScreen) and "done" in seat.text, "the dashboard")


def test_the_figures_are_live(tmp_path: Path) -> None:
    """What labelers submit while the dashboard is open appears without a key."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=LARGE) as seat:
            await open_dashboard(seat)
            assert "0% done" in seat.text
            await label(house, house.labeler, 6)
            await seat.until(lambda: "50% done" in seat.text, "the new figures")
            await seat.until(lambda: "alice" in seat.text and "2.0" in seat.text, "who it was, and the median seconds")

    run(tmp_path, story)


def test_a_small_terminal_shows_one_section_at_a_time(tmp_path: Path) -> None:
    """At 80 by 24 Tab and digits turn the sections, and each is whole within its 80 cells."""

    async def story(house: House) -> None:
        await label(house, house.labeler, 3)
        async with house.session(house.admin, size=SMALL) as seat:
            await open_dashboard(seat)
            assert "to do" in seat.text
            assert "Forecast" in seat.text
            await seat.press("tab")
            await seat.until(lambda: "Images a day" in seat.text and "Forecast" not in seat.text, "the charts")
            assert "\u25a0 labeled 25%" in seat.text
            assert "\u2588" in seat.text.splitlines()[-4], "today's column stands on the ground"
            await seat.press("tab")
            await seat.until(lambda: "cat" in seat.text and "Images a day" not in seat.text, "the labels")
            await seat.press("4")
            await seat.until(lambda: "alice" in seat.text, "the labelers")
            await seat.press("1")
            await seat.until(lambda: "Forecast" in seat.text, "the overview again")

    run(tmp_path, story)


def test_an_admin_pauses_and_resumes(tmp_path: Path) -> None:
    """Space pauses the project for everybody and lets it run again; the title says which."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_dashboard(seat)
            await seat.press("space")
            await seat.until(lambda: "paused" in seat.text.splitlines()[0], "the pause")
            assert (await house.db.read(projects.project_by_id, house.project)).state is ProjectState.PAUSED
            await seat.press("space")
            await seat.until(lambda: "running" in seat.text.splitlines()[0], "it runs")

    run(tmp_path, story)


def test_a_lead_sees_and_does_not_pause(tmp_path: Path) -> None:
    """A lead reads the dashboard of their project; pausing is refused in words and the project runs on."""

    async def story(house: House) -> None:
        lead = await house.db.write(people.add_account, "lena", Role.LEAD, by=None, now_ms=START_MS)
        await house.db.write(people.add_member, house.project, lead.id, Role.LEAD, by=None, now_ms=START_MS)
        async with house.session(lead, size=SMALL) as seat:
            await open_dashboard(seat)
            await seat.press("space")
            await seat.until(lambda: "Only an admin" in seat.notices, "the refusal")
            assert (await house.db.read(projects.project_by_id, house.project)).state is ProjectState.RUNNING

    run(tmp_path, story)


def test_a_labeler_sees_no_dashboard(tmp_path: Path) -> None:
    """`d` on a labeler's project list says whom the dashboard is for, and opens nothing."""

    async def story(house: House) -> None:
        async with house.session(size=SMALL) as seat:
            await seat.until(lambda: "photos" in seat.text, "the project list")
            await seat.press("d")
            await seat.until(lambda: "leads and admins" in seat.notices, "the refusal")
            assert not isinstance(seat.screen, DashboardScreen)

    run(tmp_path, story)


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_charts_are_a_picture_where_there_are_graphics(tmp_path: Path, size: tuple[int, int]) -> None:
    """The picture fits its place, and is made anew only when it would look different."""

    async def story(house: House) -> None:
        await label(house, house.labeler, 3)
        async with house.session(house.admin, size=size, graphics=Graphics.SIXEL) as seat:
            await open_dashboard(seat)
            await seat.press("2")
            view = seat.screen.query_one(ChartPanel).query_one(PictureView)
            await seat.until(lambda: view.picture is not None, "the picture")
            assert "labeled 25%" in seat.text
            first = view.picture
            await seat.screen._refresh()
            await seat.pilot.pause()
            assert view.picture is first
            await label(house, house.labeler, 3)
            await seat.until(lambda: view.picture not in (None, first), "another picture")
            assert "labeled 50%" in seat.text

    run(tmp_path, story)


def test_what_ml_assist_does_is_seen_and_asked_for(tmp_path: Path) -> None:
    """The section says that it is off; switched on, it shows the way to the next training, and `t` asks for one."""

    async def story(house: House) -> None:
        await label(house, house.labeler, 3)
        async with house.session(house.admin, size=SMALL) as seat:
            await open_dashboard(seat)
            await seat.press("6", "t")
            await seat.until(lambda: "off" in seat.notices, "why it cannot be")
            await house.db.write(
                change_settings, house.admin, house.project, {"assist": {"on": True}}, now_ms=house.clock()
            )
            await seat.until(lambda: "3 of 150 labels" in seat.text, "the way to the next training")
            await seat.press("t")
            await seat.until(lambda: "asked for" in seat.notices, "the receipt")
            await seat.press("T")
            await seat.until(lambda: "Stopped" in seat.notices, "the end of it")

    run(tmp_path, story)


def test_only_an_admin_exports_from_the_dashboard(tmp_path: Path) -> None:
    """`x` asks an admin for a format; a lead reads that only an admin exports."""

    async def story(house: House) -> None:
        async with house.session(house.admin, size=SMALL) as seat:
            await open_dashboard(seat)
            await seat.press("x")
            await seat.until(lambda: "Export photos as" in seat.text, "the question")
        lead = await house.db.write(people.add_account, "lea", Role.LEAD, by=None, now_ms=START_MS)
        await house.db.write(people.add_member, house.project, lead.id, Role.LEAD, by=None, now_ms=START_MS)
        async with house.session(lead, size=SMALL) as seat:
            await open_dashboard(seat)
            await seat.press("x")
            await seat.until(lambda: "Only an admin exports" in seat.notices, "the refusal")

    run(tmp_path, story)
