"""Moving house: a project with its history goes from one database to another, on either engine, and nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy.exc import OperationalError

from core.annotation import Draft
from core.db.database import Database, open_database
from core.db.schema import migrate
from core.errors import BadInput, DatabaseLocked, DuplicateName
from core.ids import AccountId, ItemId, ProjectId, ProjectState, Role, TaskType
from core.labeling.gold import add_gold
from core.labeling.queue import claim_page, expire, resume_pages
from core.labeling.submissions import save_drafts
from core.oversight.review import history, reject
from core.project import projects
from core.project.projects import get_project
from core.team import people
from core.team.access import OPERATOR
from core.team.people import account_by_name
from core.transfer import arrival
from core.transfer.imported import targets_after
from exporters.archive import archive_project, restore_project
from tests.builders import NOW_MS, make_account
from tests.conftest import Run
from tests.exporters.house import answer_of, exported, label_some, make_member, make_project

LATER_MS = NOW_MS + 1000


async def lived_in(db: Database, task: TaskType) -> ProjectId:
    """A project with answers of two people, a rejected one, gold, a page in hand with a draft, and a member who left."""
    project = await make_project(db, task, items=30)
    await label_some(db, project, 9, "wilma")
    await label_some(db, project, 8, "fred")
    labels = [label.id for label in await db.read(projects.label_classes, project.id)]
    wilma = await db.read(account_by_name, "wilma")
    held = await db.write(claim_page, project.id, wilma.id, 4, now_ms=NOW_MS)
    draft = Draft(answer_of(task, 1, labels), selected=True)
    await db.write(save_drafts, wilma.id, {held.items[1].item: (held.items[1].token, draft)})
    rows = await db.read(targets_after, OPERATOR, project.id, ItemId(0), 100)
    done = [row.item for row in rows if row.state == 1]
    todo = [row.item for row in rows if row.state == 0 and row.item not in {one.item for one in held.items}]
    await db.write(reject, OPERATOR, project.id, {done[0]: NOW_MS}, "look again", now_ms=NOW_MS)
    await db.write(add_gold, OPERATOR, project.id, {todo[0]: answer_of(task, 1, labels)}, now_ms=NOW_MS)
    gone = await make_member(db, project, "gone")
    await db.write(people.remove_member, project.id, gone.id, by=None, now_ms=NOW_MS)
    return project.id


async def told(db: Database, project: ProjectId) -> list[Any]:
    """Each item with its whole history, ids of labels by their paths: what must be the same anywhere."""
    names = {label.id: label.path for label in await db.read(projects.label_classes, project)}

    def named(value: Any) -> Any:
        if isinstance(value, dict) and "regions" in value:
            regions = [(names[one["label"]], one["shape"]) for one in value["regions"]]
            return [names[one] for one in value["labels"]], regions
        return {key: named(one) for key, one in value.items()} if isinstance(value, dict) else value

    found = []
    for row in await db.read(targets_after, OPERATOR, project, ItemId(0), 100):
        past = await db.read(history, OPERATOR, project, row.item)
        answer = named(orjson.loads(row.raw)) if row.raw else None
        found.append(
            (row.path, row.state, row.gold, answer, [(p.at_ms, p.what, p.name, named(dict(p.body))) for p in past])
        )
    return found


async def elsewhere(url: str, visit: Callable[[Database], Awaitable[Any]]) -> Any:
    """Something done in another, empty database, which already has other people and another project."""
    await migrate(url)
    other = await open_database(url)
    try:
        await make_account(other, "somebody")
        await make_account(other, "fred")
        await make_project(other, TaskType.MULTI_LABEL, name="Other", items=3)
        return await visit(other)
    finally:
        await other.close()


@pytest.fixture
def other_url(database_url: str, sqlite_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database of the other engine."""
    if database_url == sqlite_url:
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'other.db'}"


@pytest.mark.parametrize("task", [TaskType.MULTI_CLASS, TaskType.OBJECT_DETECTION])
def test_a_project_moves_between_engines(run: Run, other_url: str, tmp_path: Path, task: TaskType) -> None:
    """From SQLite to PostgreSQL and the other way: the same answers, history, export and members; it is paused there."""
    file = tmp_path / "birds.zip"

    async def body(db: Database) -> None:
        project = await lived_in(db, task)
        await archive_project(db, "Birds", file, now_ms=LATER_MS)
        before, labels = await told(db, project), await exported(db, "coco", all_items=True)

        async def visit(other: Database) -> None:
            done = await restore_project(other, file, now_ms=LATER_MS)
            here = await other.read(get_project, "Birds")
            assert (here.id, here.state) == (done.project, ProjectState.PAUSED)
            assert done.strangers == ("wilma", "gone")
            assert (await other.read(account_by_name, "wilma")).disabled
            assert not (await other.read(account_by_name, "fred")).disabled
            assert await told(other, here.id) == before
            assert await exported(other, "coco", all_items=True) == labels
            await goes_on(other, here.id)

        await elsewhere(other_url, visit)

    run(body)


async def goes_on(db: Database, project: ProjectId) -> None:
    """The page that was in hand is given back with its draft; the project runs, and fred, who is known here, labels on."""
    await db.write(expire, now_ms=LATER_MS)
    await db.write(projects.set_state, project, ProjectState.RUNNING, by=None, now_ms=LATER_MS)
    wilma = await db.read(account_by_name, "wilma")
    await db.write(people.set_disabled, wilma.id, False, by=None, now_ms=LATER_MS)
    back = await db.write(resume_pages, project, wilma.id, now_ms=LATER_MS)
    assert [one.draft.answer.is_empty for one in back.items] == [False]
    fred = await db.read(account_by_name, "fred")
    assert (await db.write(claim_page, project, fred.id, 4, now_ms=LATER_MS)).items


def test_an_archive_of_a_restored_project_is_the_same(run: Run, tmp_path: Path) -> None:
    """Archived, restored, archived, restored, archived: from the second on every table has the same bytes."""

    async def body(db: Database) -> None:
        await lived_in(db, TaskType.OBJECT_DETECTION)
        await archive_project(db, "Birds", tmp_path / "0.zip", now_ms=LATER_MS)
        for n in (1, 2):

            async def visit(other: Database, n: int = n) -> None:
                await restore_project(other, tmp_path / f"{n - 1}.zip", now_ms=LATER_MS)
                await archive_project(other, "Birds", tmp_path / f"{n}.zip", now_ms=LATER_MS)

            await elsewhere(f"sqlite:///{tmp_path / f'{n}.db'}", visit)

    run(body)
    with zipfile.ZipFile(tmp_path / "1.zip") as one, zipfile.ZipFile(tmp_path / "2.zip") as two:
        assert one.namelist() == two.namelist()
        for name in one.namelist():
            lines = two.read(name).splitlines()
            if name == "event.jsonl":
                lines = lines[:-1]  # that it was restored once more
            if name == "manifest.json":
                continue
            assert lines == one.read(name).splitlines(), name


def test_no_secret_is_in_an_archive(run_sqlite: Run, tmp_path: Path) -> None:
    """Neither password hashes nor keys leave the house."""

    async def body(db: Database) -> None:
        project = await lived_in(db, TaskType.MULTI_CLASS)
        await db.write(people.add_account, "rich", Role.ADMIN, password_hash="$argon2id$x", by=None, now_ms=NOW_MS)
        rich = await db.read(account_by_name, "rich")
        await db.write(people.add_member, project, rich.id, Role.ADMIN, by=rich.id, now_ms=NOW_MS)
        await archive_project(db, "Birds", tmp_path / "a.zip", now_ms=LATER_MS)

    run_sqlite(body)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"argon2" not in everything
    assert b"rich" in everything


def rewritten(source: Path, to: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """An archive with something changed in it."""
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(to, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return to


def resealed(parts: dict[str, bytes]) -> None:
    """Hashes and counts made right again, as somebody would who forges an archive."""
    import hashlib

    manifest = orjson.loads(parts["manifest.json"])
    for name, data in parts.items():
        if name.endswith(".jsonl"):
            manifest["sha256"][name[:-6]] = hashlib.sha256(data).hexdigest()
            manifest["rows"][name[:-6]] = data.count(b"\n")
    parts["manifest.json"] = orjson.dumps(manifest)


def _line(parts: dict[str, bytes], name: str, **changes: Any) -> None:
    first, _, rest = parts[name].partition(b"\n")
    parts[name] = orjson.dumps(orjson.loads(first) | changes) + b"\n" + rest
    resealed(parts)


def _recount(parts: dict[str, bytes]) -> None:
    rows = [orjson.loads(line) for line in parts["tally.jsonl"].splitlines()]
    next(row for row in rows if row["what"] == "item")["n"] += 1
    parts["tally.jsonl"] = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    resealed(parts)


CHANGES: dict[str, tuple[Callable[[dict[str, bytes]], Any], str]] = {
    "cut rows": (lambda parts: parts.update({"item.jsonl": parts["item.jsonl"][:300]}), "damaged"),
    "path outside": (lambda parts: parts.update({"../../evil": b"x"}), "other files"),
    "missing part": (lambda parts: parts.pop("event.jsonl"), "other files"),
    "newer": (lambda parts: parts.update({"manifest.json": parts["manifest.json"].replace(b'"schema": "0', b'"schema": "9')}), "newer"),
    "no manifest": (lambda parts: parts.pop("manifest.json"), "no archive"),
    "unknown column": (lambda parts: _line(parts, "item.jsonl", evil=1), "does not know"),
    "impossible state": (lambda parts: _line(parts, "item.jsonl", state=77), "cannot be"),
    "foreign label": (lambda parts: _line(parts, "item_label.jsonl", label_id=999), "cannot be"),
    "number too large": (lambda parts: _line(parts, "item.jsonl", bytes=2**64 - 1), "cannot be"),
    "event without facts": (lambda parts: _line(parts, "event.jsonl", body=None), "cannot be"),
    "text like a driver's": (lambda parts: _line(parts, "item.jsonl", state=77, path="disk is full"), "cannot be"),
    "wrong counts": (lambda parts: _recount(parts), "do not add up"),
    "no text": (lambda parts: _line(parts, "project.jsonl", pattern=None), "cannot be"),
}  # fmt: skip


@pytest.mark.parametrize("what", list(CHANGES))
def test_spoiled_archives_leave_nothing(run: Run, tmp_path: Path, what: str) -> None:
    """Damaged, forged, newer or hostile: refused in words, and the database is as it was."""
    change, says = CHANGES[what]

    async def body(db: Database) -> None:
        await lived_in(db, TaskType.MULTI_CLASS)
        await archive_project(db, "Birds", tmp_path / "good.zip", now_ms=LATER_MS)
        bad = await asyncio.to_thread(rewritten, tmp_path / "good.zip", tmp_path / "bad.zip", change)
        with pytest.raises(BadInput, match=says):
            await restore_project(db, bad, name="Again", now_ms=LATER_MS)
        admin = people.Account(AccountId(0), "operator", Role.ADMIN)
        assert [one.project.name for one in await db.read(projects.list_projects, admin)] == ["Birds"]
        await restore_project(db, tmp_path / "good.zip", name="Again", now_ms=LATER_MS)
        assert await exported(db, "csv", name="Again") == await exported(db, "csv")

    run(body)


def test_a_locked_database_is_not_blamed_on_the_archive(
    run_sqlite: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who restores is told to try again, not that a row of a good archive cannot be."""

    def locked(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked"))

    async def body(db: Database) -> None:
        await lived_in(db, TaskType.MULTI_CLASS)
        await archive_project(db, "Birds", tmp_path / "birds.zip", now_ms=LATER_MS)
        with monkeypatch.context() as patch:
            patch.setattr(arrival, "refuse_taken_name", locked)
            with pytest.raises(DatabaseLocked):
                await restore_project(db, tmp_path / "birds.zip", name="Again", now_ms=LATER_MS)
        await restore_project(db, tmp_path / "birds.zip", name="Again", now_ms=LATER_MS)

    run_sqlite(body)


def test_a_name_that_was_used_is_refused(run_sqlite: Run, tmp_path: Path) -> None:
    """A project is restored beside itself only under another name; a file that is no zip is said to be none."""

    async def body(db: Database) -> None:
        await lived_in(db, TaskType.MULTI_CLASS)
        await archive_project(db, "Birds", tmp_path / "a.zip", now_ms=LATER_MS)
        with pytest.raises(DuplicateName):
            await restore_project(db, tmp_path / "a.zip", now_ms=LATER_MS)
        await asyncio.to_thread((tmp_path / "b.zip").write_bytes, b"no zip")
        with pytest.raises(BadInput, match="is no archive"):
            await restore_project(db, tmp_path / "b.zip", now_ms=LATER_MS)

    run_sqlite(body)
