"""The data page as leads use it: keys in, verdicts in the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from core.errors import Forbidden
from core.ids import ItemState, TaskType
from core.labels import LabelSet
from core.oversight import review
from core.oversight.browse import Filter
from core.project.projects import project_by_id
from core.team import people
from tests.tui.house import House, run
from tests.tui.reviewing import (
    draw_box,
    items,
    label_some,
    labeled_page,
    labels_of,
    make_lead,
    open_data,
)
from tui.reviewer import Reviewer, open_reviewer
from tui.screens.review.data import DataScreen


def test_a_lead_pages_through_everything(tmp_path: Path) -> None:
    """Page by page to the end and back, each image is shown once; End jumps to the last one."""

    async def story(house: House) -> None:
        lead = await make_lead(house)
        async with house.session(lead, size=(80, 24)) as seat:
            screen = await open_data(seat)
            wanted = [item.item for item in await items(house)]
            seen = [item.item for item in screen._walk.page.items]
            assert len(seen) < len(wanted)
            while len(seen) < len(wanted):
                await seat.press("pagedown")
                seen += [item.item for item in screen._walk.page.items]
            assert seen == wanted
            await seat.press("home", "end")
            assert screen._walk.item is not None
            assert screen._walk.item.item == wanted[-1]
            await seat.press("home")
            assert screen._walk.item.item == wanted[0]

    run(tmp_path, story, images=30)


def test_a_filter_narrows_the_page(tmp_path: Path) -> None:
    """`/` and a few letters of a label show the images with that label only; Backspace in the empty line asks for less."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 3, 0)
        await label_some(house, house.other, 2, 1)
        async with house.session(house.admin) as seat:
            screen = await open_data(seat)
            await seat.press("slash", "d", "o", "g", "enter")
            await seat.until(lambda: len(screen._walk.page.items) == 2, "the dogs")
            assert "label dog" in seat.text
            await seat.press("slash", *"alice", "enter")
            await seat.until(lambda: not screen._walk.page.items, "no dog of alice's")
            await seat.press("slash")
            await seat.press("backspace", "backspace", "enter")
            await seat.until(lambda: len(screen._walk.page.items) == 12, "everything")

    run(tmp_path, story)


def test_many_are_approved_at_once(tmp_path: Path) -> None:
    """Space and arrows select, `y` approves what is selected and nothing else, under the reviewer's name."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 9)
        lead = await make_lead(house)
        async with labeled_page(house, 9, lead) as (seat, screen):
            await seat.press("space", "right", "space", "down", "y")
            await seat.until(lambda: "2 images approved" in seat.notices, "the receipt")
            reviewed = [item for item in await items(house) if item.reviewed]
            assert [item.item for item in reviewed] == [item.item for item in screen._walk.page.items[:2]]
            past = await house.db.read(review.history, house.admin, house.project, reviewed[0].item)
            assert [(one.what, one.name) for one in past][-1] == ("item-approved", "lea")

    run(tmp_path, story)


def test_a_rejection_wants_a_reason(tmp_path: Path) -> None:
    """`x` asks why and takes no empty answer; what is rejected is to do again, and the comment waits for its labeler."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 2)
        async with labeled_page(house, 2) as (seat, _screen):
            await seat.press("a", "x", "enter")
            await seat.until(lambda: "in a few words why" in seat.text, "the refusal")
            await seat.press(*"wren", "enter")
            await seat.until(lambda: "2 images sent back" in seat.notices, "the receipt")
            assert not [item for item in await items(house) if item.state is ItemState.LABELED]
            page = await house.claim(house.labeler, 2)
            assert [held.comment for held in page.items] == ["wren", "wren"]

    run(tmp_path, story)


def test_many_are_corrected_at_once(tmp_path: Path) -> None:
    """`e` and a label's name put that label on everything that is selected."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 4)
        async with labeled_page(house, 4) as (seat, _screen):
            await seat.press("a", "e", *"bird", "enter")
            await seat.until(lambda: "4 images corrected" in seat.notices, "the receipt")
            bird = (await labels_of(house))[2]
            labeled = await items(house, Filter(states=(ItemState.LABELED,)))
            assert [item.answer.labels for item in labeled] == [(bird,)] * 4

    run(tmp_path, story)


def test_labelers_do_not_review(tmp_path: Path) -> None:
    """`r` shows a labeler one clear sentence and no data."""

    async def story(house: House) -> None:
        async with house.session(house.labeler) as seat:
            await seat.until(lambda: "photos" in seat.text, "the project list")
            await seat.press("r")
            await seat.until(lambda: "may not review labels" in seat.notices, "the refusal")
            assert not isinstance(seat.screen, DataScreen)

    run(tmp_path, story)


@pytest.mark.parametrize("task_type", [TaskType.MULTI_CLASS, TaskType.OBJECT_DETECTION])
def test_the_labeler_reads_why(tmp_path: Path, task_type: TaskType) -> None:
    """What was rejected comes first on its labeler's next page, with the reviewer's words over it."""

    async def story(house: House) -> None:
        await (draw_box(house, house.labeler) if task_type.has_regions else label_some(house, house.labeler, 1))
        found = (await items(house, Filter(states=(ItemState.LABELED,))))[0]
        seen = {found.item: found.stamp_ms}
        await house.db.write(
            review.reject, house.admin, house.project, seen, "two wrens, only one is marked", now_ms=house.clock()
        )
        async with house.session(house.labeler, size=(80, 24)) as seat:
            await seat.until(lambda: "photos" in seat.text, "the project list")
            await seat.press("enter")
            await seat.until(lambda: "go on" in seat.text, "the instructions")
            await seat.press("enter")
            await seat.until(lambda: "sent back: two wrens, only one is marked" in seat.text, "the reason")

    run(tmp_path, story, task_type=task_type)


def test_several_labels_are_marked_one_by_one(tmp_path: Path) -> None:
    """In a multi-label project `e` asks for any number of labels: Space marks, Enter takes them."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 1)
        async with labeled_page(house, 1) as (seat, _screen):
            await seat.press("e", "space", *"bir", "space", "enter")
            await seat.until(lambda: "1 image corrected" in seat.notices, "the receipt")
            labels = await labels_of(house)
            found = await items(house, Filter(states=(ItemState.LABELED,)))
            assert found[0].answer.labels == (labels[2],)

    run(tmp_path, story, task_type=TaskType.MULTI_LABEL)


def test_everything_that_a_filter_finds_is_selected(tmp_path: Path) -> None:
    """`A` selects over all pages; `y` then approves all of it in one go."""

    async def story(house: House) -> None:
        for _ in range(3):
            await label_some(house, house.labeler, 8)
        async with house.session(house.admin, size=(80, 24)) as seat:
            screen = await open_data(seat)
            await seat.press("slash", *"labeled", "enter")
            await seat.until(lambda: screen._walk.wanted.states, "the filter")
            await seat.press("A")
            await seat.until(lambda: "24 selected" in seat.text, "all of them")
            await seat.press("y")
            await seat.until(lambda: "24 images approved" in seat.notices, "the receipt")
            assert all(item.reviewed for item in await items(house, Filter(states=(ItemState.LABELED,))))

    run(tmp_path, story, images=30)


def test_the_dashboard_leads_to_the_data(tmp_path: Path) -> None:
    """`r` on a project's dashboard opens its data, too."""

    async def story(house: House) -> None:
        async with house.session(house.admin) as seat:
            await seat.until(lambda: "photos" in seat.text, "the project list")
            await seat.press("d")
            await seat.until(lambda: len(seat.app.screen_stack) > 2, "the dashboard")
            await seat.press("r")
            await seat.until(lambda: isinstance(seat.screen, DataScreen) and seat.screen._walk.page.items, "the data")

    run(tmp_path, story)


@pytest.mark.parametrize("who", ["labeler", "stranger", "disabled"])
def test_every_way_to_core_asks_for_the_role(tmp_path: Path, who: str) -> None:
    """Whatever a screen believes, no reviewer's action is done for labelers, leads of other projects, or disabled leads."""

    async def story(house: House) -> None:
        await label_some(house, house.labeler, 1)
        account = house.labeler if who == "labeler" else await make_lead(house)
        if who == "stranger":
            await house.db.write(people.remove_member, house.project, account.id, by=None, now_ms=house.clock())
        if who == "disabled":
            await house.db.write(people.set_disabled, account.id, True, by=None, now_ms=house.clock())
        async with house.session(account) as seat:
            project = await house.db.read(project_by_id, house.project)
            reviewer = Reviewer(seat.app.desk, project, LabelSet(()), LabelSet(()), ())
            seen = (await items(house, Filter(states=(ItemState.LABELED,))))[0]
            acts: dict[str, Callable[[], Awaitable[object]]] = {
                "open": lambda: open_reviewer(seat.app.desk, project),
                "page": lambda: reviewer.page(Filter(), 9),
                "known": lambda: reviewer.known(seen.path),
                "counts": reviewer.counts,
                "approve": lambda: reviewer.approve([seen]),
                "reject": lambda: reviewer.reject([seen], "no"),
                "correct": lambda: reviewer.correct([seen], seen.answer),
                "resolve": lambda: reviewer.resolve(seen, house.labeler.id),
            }
            for act in acts.values():
                with pytest.raises(Forbidden):
                    await act()
            assert (await items(house, Filter(states=(ItemState.LABELED,)))) == (seen,)

    run(tmp_path, story)
