"""Exports into the datastore: whole with the manifest last, in folders and containers, also in the background."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image

from core.background import jobs
from core.background.jobs import JobState
from core.db.database import Database
from core.ids import TaskType
from core.intake import imports
from core.intake.refresh import refresh
from core.team.access import OPERATOR
from core.upkeep.auditlog import Wanted, entries
from exporters import datastore
from exporters.datastore import EXPORTED, ask_export, export_to_datastore, work_one
from exporters.formats import FORMATS
from storage import open_store
from storage.base import StorageError
from tests.azurite import ACCOUNT, Azurite
from tests.builders import NOW_MS
from tests.conftest import Run
from tests.exporters.house import exported, label_some, make_project

WHEN = "2027-01-15T08-00-00"


def clock() -> int:
    """A time."""
    return NOW_MS


async def made(db: Database, store: str, task: TaskType = TaskType.OBJECT_DETECTION) -> Any:
    """A project with seven answers over that datastore."""
    project = await make_project(db, task, store=store)
    await label_some(db, project, 7)
    return project


def test_an_export_lies_in_the_datastore(run: Run, tmp_path: Path) -> None:
    """One file as it is, many as a zip; beside them a manifest with the right hash; two in one second have two folders."""

    async def body(db: Database) -> None:
        project = await made(db, f"local:{tmp_path}")
        where = await export_to_datastore(db, None, "Birds", FORMATS["coco"], now_ms=NOW_MS)
        assert where.folder == f"Labeling/export/coco/{WHEN}"
        data = (tmp_path / where.folder / "labels.json").read_bytes()
        assert data == await exported(db, "coco")
        manifest = orjson.loads((tmp_path / where.folder / "manifest.json").read_bytes())
        assert (manifest["images"], manifest["sha256"]) == (7, hashlib.sha256(data).hexdigest())
        again = await export_to_datastore(db, None, "Birds", FORMATS["coco"], now_ms=NOW_MS)
        assert again.folder == f"{where.folder}-2"
        many = await export_to_datastore(db, None, "Birds", FORMATS["yolo"], now_ms=NOW_MS)
        with zipfile.ZipFile(tmp_path / many.folder / "yolo.zip") as archive:
            assert "data.yaml" in archive.namelist()
        table = await export_to_datastore(db, None, "Birds", FORMATS["mltable"], now_ms=NOW_MS)
        assert (tmp_path / table.folder / "MLTable").is_file()
        said = await db.read(entries, OPERATOR, Wanted(project.id, what=EXPORTED), limit=9)
        assert [one.body["folder"] for one in said] == [table.folder, many.folder, again.folder, where.folder]

    run(body)


def test_an_export_goes_into_a_container(
    run_sqlite: Run, azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same over Azure Blob, under the same names."""
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection)
    monkeypatch.setenv("TAGLINE_CACHE", str(tmp_path / "cache"))

    async def body(db: Database, container: Any) -> None:
        await made(db, f"azure://{ACCOUNT}/{container.container_name}/photos")
        where = await export_to_datastore(db, None, "Birds", FORMATS["jsonl"], now_ms=NOW_MS)
        names = sorted(container.list_blob_names())
        assert names == [f"photos/{where.folder}/{name}" for name in ("labels.jsonl", "manifest.json")]
        sent = container.download_blob(names[0]).readall()
        assert sent == await exported(db, "jsonl")

    with azurite.container("exports") as container:
        run_sqlite(lambda db: body(db, container))


def test_what_was_exported_is_no_new_image(run_sqlite: Run, tmp_path: Path) -> None:
    """An image folder in the datastore, packed or unpacked, adds nothing at the next refresh."""

    async def body(db: Database) -> None:
        for n in range(9):
            path = tmp_path / f"day/{n:03}.jpg"
            path.parent.mkdir(exist_ok=True)
            Image.new("RGB", (640, 480)).save(path)
        project = await made(db, f"local:{tmp_path}", TaskType.MULTI_CLASS)
        where = await export_to_datastore(db, None, "Birds", FORMATS["folders"], now_ms=NOW_MS)
        with zipfile.ZipFile(io.BytesIO((tmp_path / where.folder / "folders.zip").read_bytes())) as archive:
            archive.extractall(tmp_path / where.folder)
        found = await refresh(db, OPERATOR, project.id, open_store(f"local:{tmp_path}"), now_ms=clock)
        assert (found.files, found.added) == (9, 0)

    run_sqlite(body)


def test_an_export_runs_in_the_background(run: Run, tmp_path: Path) -> None:
    """Asked for once, done by whichever worker is there, not twice at once; the same question later is a new export."""

    async def body(db: Database) -> None:
        project = await made(db, f"local:{tmp_path}")
        asked: Callable[..., Any] = ask_export
        job = await db.write(asked, OPERATOR, project, "coco", all_items=True, now_ms=NOW_MS)
        assert await db.write(asked, OPERATOR, project, "coco", all_items=True, now_ms=NOW_MS) is None
        assert not await imports.work_one(db, "w", now_ms=clock), "an export is no import"
        assert await work_one(db, "w", now_ms=clock)
        done = await db.read(jobs.find, job)
        assert done is not None
        assert done.state is JobState.DONE
        assert (tmp_path / f"Labeling/export/coco/{WHEN}/manifest.json").is_file()
        assert not await work_one(db, "w", now_ms=clock)
        assert await db.write(asked, OPERATOR, project, "coco", all_items=True, now_ms=NOW_MS) is not None

    run(body)


def test_a_datastore_that_fails_leaves_no_manifest(
    run_sqlite: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export that the datastore does not take is failed with the reason, and nothing says that it is whole."""

    async def body(db: Database) -> None:
        project = await made(db, f"local:{tmp_path}")
        job = await db.write(ask_export, OPERATOR, project, "mltable", all_items=False, now_ms=NOW_MS)
        store = open_store(f"local:{tmp_path}")
        put, calls = store.put_file, []

        def put_file(path: str, file: Path) -> Any:
            calls.append(path)
            if len(calls) > 1:
                raise StorageError("The disk is full.")
            return put(path, file)

        monkeypatch.setattr(store, "put_file", put_file)
        monkeypatch.setattr(datastore, "open_store", lambda _url: store)
        assert await work_one(db, "w", now_ms=clock)
        done = await db.read(jobs.find, job)
        assert done is not None
        assert (done.state, done.error) == (JobState.FAILED, "The disk is full.")

    run_sqlite(body)
    assert not list(tmp_path.rglob("manifest.json"))
