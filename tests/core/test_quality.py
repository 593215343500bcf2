"""Gold items, agreement, assignment, settings, refresh and the dashboard, on both engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.annotation import Answer, SubmittedItem
from core.counts.progress import project_progress
from core.counts.tally import pace_code, pace_ms
from core.db.database import Database
from core.errors import BadInput, Forbidden
from core.ids import ItemKind, ItemState, Role, TaskType
from core.intake.ingest import import_files
from core.intake.refresh import Found, refresh, take_due
from core.labeling import assigning, corrections, gold, queue, submissions
from core.labeling.assigning import Todo
from core.oversight import agreement, browse, dashboard
from core.oversight.browse import Filter
from core.project import projects, settings
from core.project.projects import NewProject
from core.team import people
from core.team.access import OPERATOR
from core.transfer.items import item_counts
from core.upkeep import auditlog
from core.upkeep.auditlog import Wanted
from storage import open_store
from tests.builders import NOW_MS, World, make_world, set_quorum
from tests.conftest import Run


async def work(db: Database, world: World, labeler: int, pages: int, number: int = 0) -> list[Any]:
    """A labeler answers so many pages of four with one label; returns what they were given."""
    account, given, after = world.labelers[labeler].id, [], {}
    for _ in range(pages):
        page = await db.write(queue.claim_page, world.project, account, 4, now_ms=NOW_MS, after=after)
        answers = [SubmittedItem(held.item, held.token, world.answer(number), active_ms=2000) for held in page.items]
        receipt = await db.write(submissions.submit, world.project, account, answers, now_ms=NOW_MS)
        assert not receipt.refused
        given += page.items
        after = page.cursor
    return given


def test_gold_is_mixed_in_unseen_and_measures_labelers(run: Run) -> None:
    """Gold looks like any other item, is given to each labeler once, counts for accuracy, and its answer stays."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=60)
        items = (await db.read(browse.browse, OPERATOR, world.project, Filter(), limit=3)).items
        known = {item.item: world.answer(1) for item in items}
        assert await db.write(gold.add_gold, OPERATOR, world.project, known, now_ms=NOW_MS) == 3
        assert (await db.read(project_progress, world.project)).todo == 57
        await db.write(settings.change_settings, OPERATOR, world.project, {"gold_rate": 0.25}, now_ms=NOW_MS)
        first = await work(db, world, 0, 5, number=0)
        met = [held for held in first if held.item in known]
        assert len(met) == 3
        assert {held.kind for held in first} == {ItemKind.MANUAL}
        assert len({held.item for held in first}) == 20
        await work(db, world, 1, 2, number=1)
        found = {one.name: one for one in await db.read(gold.accuracies, OPERATOR, world.project)}
        assert (found["labeler0"].answered, found["labeler0"].score) == (3, 0.0)
        assert (found["labeler1"].right, found["labeler1"].score) == (2, 1.0)
        seen = await db.read(browse.browse, OPERATOR, world.project, Filter(label=world.labels[1]), limit=50)
        assert {item.item for item in seen.items if item.is_gold} == set(known)
        states = await db.read(item_counts, world.project)
        assert states == {ItemState.LABELED: 17 + 6 + 3, ItemState.TODO: 34}
        mine = await db.read(
            corrections.my_submissions, world.project, world.labelers[0].id, before_ms=NOW_MS + 9, limit=50
        )
        again = next(held for held in mine if held.item in known)
        better = world.submission(again, 1)
        await db.write(corrections.correct, world.project, world.labelers[0].id, better, now_ms=NOW_MS)
        assert await db.read(item_counts, world.project) == states

    run(body)


def test_agreement_by_label_and_labeler(run: Run) -> None:
    """Two who always agree and one who never does are told apart."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=8, labelers=3)
        await set_quorum(db, world, 3, 3)
        for n in range(3):
            held = []
            while (
                page := await db.write(queue.claim_page, world.project, world.labelers[n].id, 9, now_ms=NOW_MS)
            ).items:
                held += page.items
            wrong = int(n == 2)
            answers = [world.submission(one, (int(one.item) + wrong) % 2) for one in held]
            await db.write(submissions.submit, world.project, world.labelers[n].id, answers, now_ms=NOW_MS)
        found = await db.read(agreement.agreement, OPERATOR, world.project)
        assert found.items == 8
        by_name = {one.name: one for one in found.by_labeler}
        assert by_name["labeler0"].likeness == pytest.approx(0.5)
        assert by_name["labeler2"].likeness == 0
        assert by_name["labeler2"].kappa == pytest.approx(-1)
        assert by_name["labeler0"].kappa == pytest.approx(0)
        assert found.alpha is not None
        assert found.alpha < 0
        with pytest.raises(Forbidden):
            await db.read(agreement.agreement, world.labelers[0], world.project)

    run(body)


def test_items_are_dealt_out_to_labelers(run: Run) -> None:
    """Assigned items come to their labeler first and to nobody else, until they are given back to everybody."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=12)
        one, two = world.labelers
        deal = (assigning.assign, OPERATOR, world.project, Todo(text="0000"), [one, two])
        assert await db.write(*deal, now_ms=NOW_MS) == 10
        page = await db.write(queue.claim_page, world.project, one.id, 9, now_ms=NOW_MS)
        assert len(page.items) == 5
        assert all("0000" in held.path for held in page.items)
        stranger = await db.write(people.add_account, "stranger", Role.LABELER, by=None, now_ms=NOW_MS)
        with pytest.raises(BadInput, match="member"):
            await db.write(assigning.assign, OPERATOR, world.project, Todo(), [stranger], now_ms=NOW_MS)
        back = (assigning.assign, OPERATOR, world.project, Todo(assignee=two.id), [])
        assert await db.write(*back, now_ms=NOW_MS) == 5
        rest = await db.write(queue.claim_page, world.project, one.id, 9, now_ms=NOW_MS)
        assert len(rest.items) == 7

    run(body)


def test_each_setting_is_checked_and_logged(run: Run) -> None:
    """A change is in the log with what was before and after; impossible ones, and consensus of a running project, are not."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1)
        change = (settings.change_settings, OPERATOR, world.project)
        await db.write(*change, {"lease_s": 30, "instructions": "Look."}, now_ms=NOW_MS)
        await db.write(*change, {"lease_s": 30}, now_ms=NOW_MS)
        logged = await db.read(auditlog.entries, OPERATOR, Wanted(what="setting-changed"), limit=9)
        assert [entry.body for entry in logged] == [
            {"instructions": {"before": "", "after": "Look."}, "lease_s": {"before": 60, "after": 30}}
        ]
        for bad in ({"lease_s": 0}, {"gold_rate": 0.9}, {"refresh_every_s": 5}, {"nonsense": 1}, {"max_labelers": 3}):
            with pytest.raises(BadInput):
                await db.write(*change, bad, now_ms=NOW_MS)
        with pytest.raises(Forbidden):
            await db.write(settings.change_settings, world.labelers[0], world.project, {"lease_s": 9}, now_ms=NOW_MS)

    run(body)


def test_fewer_labelers_settle_what_waits(run: Run) -> None:
    """When consensus is lowered, items with enough answers are decided and the others ask for less."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        await set_quorum(db, world, 2, 3)
        await work(db, world, 0, 1)
        assert (await db.read(project_progress, world.project)).todo == 4
        await set_quorum(db, world, 1, 1)
        told = await db.read(project_progress, world.project)
        assert (told.labeled, told.todo) == (4, 0)

    run(body)


def make_picture(path: Path) -> None:
    """A small real JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), (200, 40, 40)).save(path)


def test_refresh_finds_new_missing_and_returned_files(run: Run, tmp_path: Path) -> None:
    """New files become items, a removed file's item is missing and keeps its answer, and stands as before when it is back."""

    async def body(db: Database) -> None:
        folder = tmp_path / "pictures"
        for n in range(3):
            make_picture(folder / f"{n}.jpg")
        store = open_store(f"local:{folder}")
        new = NewProject("P", TaskType.MULTI_CLASS, store.url, ("cat",), seed=1)
        project = (await db.write(projects.create_project, new, by=None, now_ms=NOW_MS)).id
        await import_files(db, project, store, by=None, now_ms=lambda: NOW_MS)
        account = await db.write(people.add_account, "a", Role.ADMIN, by=None, now_ms=NOW_MS)
        page = await db.write(queue.claim_page, project, account.id, 4, now_ms=NOW_MS)
        label = (await db.read(projects.label_classes, project))[0].id
        cat = Answer((label,))
        done = next(held for held in page.items if held.path == "0.jpg")
        answers = [SubmittedItem(done.item, done.token, cat)]
        await db.write(submissions.submit, project, account.id, answers, now_ms=NOW_MS)

        async def look() -> Found:
            return await refresh(db, OPERATOR, project, store, now_ms=lambda: NOW_MS)

        assert await look() == Found(3, 0, 0, 0, 0, 0, 0)
        for name in ("0.jpg", "1.jpg"):
            (folder / name).rename(tmp_path / name)
        make_picture(folder / "3.jpg")
        assert await look() == Found(2, 1, 0, 2, 0, 0, 0)
        states = await db.read(item_counts, project)
        assert states == {ItemState.MISSING: 2, ItemState.TODO: 2}
        for name in ("0.jpg", "1.jpg"):
            (tmp_path / name).rename(folder / name)
        assert (await look()).returned == 2
        assert await db.read(item_counts, project) == {ItemState.LABELED: 1, ItemState.TODO: 3}
        told = await db.read(project_progress, project)
        assert (told.labeled, told.todo, told.missing) == (1, 3, 0)
        for path in folder.iterdir():
            path.unlink()
        with pytest.raises(BadInput, match="Nothing was found"):
            await look()
        assert (await db.read(project_progress, project)).missing == 0

    run(body)


def test_a_due_refresh_is_taken_once(run: Run) -> None:
    """Of several janitors one refreshes a project, when its interval has passed and not before."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=1)
        assert await db.write(take_due, now_ms=NOW_MS) is None
        await db.write(settings.change_settings, OPERATOR, world.project, {"refresh_every_s": 60}, now_ms=NOW_MS)
        assert await db.write(take_due, now_ms=NOW_MS) is not None
        assert await db.write(take_due, now_ms=NOW_MS + 59_000) is None
        assert await db.write(take_due, now_ms=NOW_MS + 60_000) is not None

    run(body)


def test_the_dashboard_tells_what_happened(run: Run) -> None:
    """States, queue, labels, labelers with pace, and when it will be done; not for labelers."""

    async def body(db: Database) -> None:
        world = await make_world(db, items=20)
        await work(db, world, 0, 2)
        found = await db.read(dashboard.dashboard, OPERATOR, world.project, now_ms=NOW_MS)
        assert (found.progress.labeled, found.queue[ItemKind.MANUAL], sum(found.queue.values())) == (8, 12, 12)
        assert found.labels == {world.labels[0]: 8}
        assert [(one.name, one.done) for one in found.labelers] == [("labeler0", 8)]
        assert found.labelers[0].median_s == pytest.approx(2.0, rel=0.05)
        assert found.forecast.per_day == 8
        assert found.forecast.finish_ms == NOW_MS + 86_400_000 * 12 // 8
        with pytest.raises(Forbidden):
            await db.read(dashboard.dashboard, world.labelers[0], world.project, now_ms=NOW_MS)

    run(body)


def test_paces_are_kept_within_five_percent() -> None:
    """A median read from counted buckets is near the true one, from a tenth of a second to an hour."""
    for ms in (100, 850, 4_321, 60_000, 3_600_000):
        assert pace_ms(pace_code(ms)) == pytest.approx(ms, rel=0.05)
