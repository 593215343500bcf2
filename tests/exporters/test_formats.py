"""What exports promise: every format holds every label, counts agree with the database's, and a failed one leaves nothing."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest
from pydicom.data import get_testdata_file

from core.annotation import SubmittedItem
from core.db.database import Database
from core.errors import BadInput
from core.ids import TaskType
from core.intake.ingest import NewItem, add_items
from core.labeling.queue import claim_page
from core.labeling.submissions import submit
from core.project import projects
from exporters import items
from exporters import run as running
from exporters.formats import FORMATS
from exporters.manifest import ExportMismatch
from exporters.output import safe_name
from exporters.run import export_to_path, export_to_pipe
from storage.images import decode
from tests.builders import NOW_MS
from tests.conftest import Run
from tests.exporters.house import answer_of, exported, label_some, make_member, make_project

REGION_FORMATS = ("coco", "coco-aml", "jsonl", "mltable", "csv", "parquet", "yolo", "voc")
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LABEL_FORMATS = ("coco", "coco-aml", "jsonl", "mltable", "csv", "parquet", "voc")


async def _labeled(db: Database, task: TaskType) -> int:
    """A project of nine items with seven answers; how many annotations those hold."""
    project = await make_project(db, task)
    await label_some(db, project, 7)
    begun = await db.read(items.open_export, "Birds", all_items=False, now_ms=NOW_MS)
    assert begun.items == 7
    return begun.annotations


@pytest.mark.parametrize("task", list(TaskType))
def test_every_format_holds_what_the_database_counts(run: Run, task: TaskType, tmp_path: Path) -> None:
    """The manifest of each format has the database's own number of images and annotations, labeled only and all."""

    async def body(db: Database) -> None:
        annotations = await _labeled(db, task)
        for format in REGION_FORMATS if task.has_regions else LABEL_FORMATS:
            for all_items, images in ((False, 7), (True, 9)):
                path = tmp_path / f"{format}-{all_items}"
                done = await export_to_path(db, "Birds", FORMATS[format], path, all_items=all_items, now_ms=NOW_MS)
                assert (done.images, done.annotations) == (images, annotations), format
                assert path.exists()

    run(body)


@on_sqlite
def test_a_zip_carries_hashes_that_can_be_checked(run: Run) -> None:
    """Every file of a YOLO export stands in SHA256SUMS with its hash, and the manifest says how many there are."""

    async def body(db: Database) -> None:
        await _labeled(db, TaskType.OBJECT_DETECTION)
        with zipfile.ZipFile(io.BytesIO(await exported(db, "yolo"))) as archive:
            sums = dict(reversed(line.split("  ")) for line in archive.read("SHA256SUMS").decode().splitlines())
            assert sums == {
                name: hashlib.sha256(archive.read(name)).hexdigest()
                for name in archive.namelist()
                if name not in ("SHA256SUMS", "manifest.json")
            }
            manifest = orjson.loads(archive.read("manifest.json"))
            assert (manifest["images"], manifest["files"]) == (7, len(sums))

    run(body)


@on_sqlite
def test_tables_read_as_pandas_and_csv_readers_expect(run: Run) -> None:
    """Parquet has a row an image with lists of labels and regions; CSV a row an annotation with the same numbers."""

    async def body(db: Database) -> None:
        annotations = await _labeled(db, TaskType.INSTANCE_SEGMENTATION)
        table = pq.read_table(io.BytesIO(await exported(db, "parquet"))).to_pylist()
        assert len(table) == 7
        from_parquet = [(row["file_name"], r["label"], r["polygon"]) for row in table for r in row["regions"]]
        rows = list(csv.DictReader(io.StringIO((await exported(db, "csv")).decode())))
        from_csv = [(row["file_name"], row["label"], orjson.loads(row["polygon"])) for row in rows if row["label"]]
        assert from_parquet == from_csv
        assert len(from_csv) == annotations

    run(body)


@on_sqlite
def test_the_retired_services_profile_is_in_fractions(run: Run) -> None:
    """Boxes lie between 0 and 1, the area is 0, and images carry AmlDatastore URLs."""

    async def body(db: Database) -> None:
        await _labeled(db, TaskType.OBJECT_DETECTION)
        coco = orjson.loads(await exported(db, "coco-aml"))
        assert all(0 <= v <= 1 for a in coco["annotations"] for v in a["bbox"])
        assert {a["area"] for a in coco["annotations"]} == {0.0}
        assert coco["images"][0]["coco_url"] == f"AmlDatastore://photos/{coco['images'][0]['file_name']}"

    run(body)


@on_sqlite
def test_azure_ml_lines_follow_its_schema(run: Run) -> None:
    """A box has topX to bottomY between 0 and 1 and isCrowd; the MLTable names the lines."""

    async def body(db: Database) -> None:
        await _labeled(db, TaskType.OBJECT_DETECTION)
        with zipfile.ZipFile(io.BytesIO(await exported(db, "mltable"))) as archive:
            assert b"./labels.jsonl" in archive.read("MLTable")
            lines = [orjson.loads(line) for line in archive.read("labels.jsonl").splitlines()]
        boxes = [box for line in lines for box in line["label"]]
        assert boxes
        assert all(set(box) == {"label", "isCrowd", "topX", "topY", "bottomX", "bottomY"} for box in boxes)
        assert all(0 <= box["topX"] < box["bottomX"] <= 1 for box in boxes)
        assert lines[0]["image_details"] == {"format": "jpg", "width": "640px", "height": "480px"}

    run(body)


@on_sqlite
def test_voc_and_yolo_name_files_by_the_image(sqlite_url: str, run: Run) -> None:
    """`day/001.jpg` has `day/001.xml` and `day/001.txt`; an image labeled empty has a file without objects."""

    async def body(db: Database) -> None:
        await _labeled(db, TaskType.OBJECT_DETECTION)
        with zipfile.ZipFile(io.BytesIO(await exported(db, "voc"))) as archive:
            for name in archive.namelist()[:7]:
                root = ET.fromstring(archive.read(name))
                assert name == f"Annotations/{root.findtext('path', '')[:-4]}.xml"
        with zipfile.ZipFile(io.BytesIO(await exported(db, "yolo"))) as archive:
            files = [name for name in archive.namelist() if name.startswith("labels/day/")]
            assert len(files) == 7
            assert any(archive.read(name) == b"" for name in files)

    run(body)


@on_sqlite
def test_folders_hold_the_images_themselves(run: Run, tmp_path: Path) -> None:
    """A classification project becomes a folder a label with the pictures; one that is gone is named in metadata.csv."""

    async def body(db: Database) -> None:
        photos = tmp_path / "photos"
        (photos / "day").mkdir(parents=True)
        for n in range(1, 9):
            (photos / f"day/{n:03}.jpg").write_bytes(b"picture %d" % n)
        project = await make_project(db, TaskType.MULTI_CLASS, store=f"local:{photos}")
        await label_some(db, project, 9)
        await export_to_path(db, "Birds", FORMATS["folders"], tmp_path / "out", now_ms=NOW_MS)
        assert (tmp_path / "out/wren/day/001.jpg").read_bytes() == b"picture 1"
        rows = list(csv.DictReader((tmp_path / "out/metadata.csv").read_text().splitlines()))
        assert len(rows) == 9
        assert "no file" in next(row["problem"] for row in rows if row["source"] == "day/000.jpg")

    run(body)


@on_sqlite
def test_folders_tell_nothing_of_a_patient(run: Run, tmp_path: Path) -> None:
    """A DICOM file is copied with its pixels and without the patient's name; a broken one is named with the reason instead."""
    scan = Path(str(get_testdata_file("CT_small.dcm"))).read_bytes()
    assert b"CompressedSamples^CT1" in scan

    async def body(db: Database) -> None:
        photos = tmp_path / "photos"
        photos.mkdir()
        (photos / "0.dcm").write_bytes(scan)
        (photos / "1.dcm").write_bytes(b"CompressedSamples^CT1")
        project = await make_project(db, TaskType.MULTI_CLASS, store=f"local:{photos}", items=0)
        rows = [NewItem(f"{n}.dcm", "1", 100, (128, 128)) for n in range(2)]
        await db.write(add_items, project.id, project.seed, rows)
        await label_some(db, project, 2)
        await export_to_path(db, "Birds", FORMATS["folders"], tmp_path / "out", now_ms=NOW_MS)
        (copy,) = (tmp_path / "out").rglob("0.dcm")
        assert np.array_equal(decode(copy.read_bytes(), path="0.dcm"), decode(scan, path="0.dcm"))
        everything = b"".join(file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file())
        assert b"CompressedSamples" not in everything
        assert b"cannot be taken out" in everything

    run(body)


@on_sqlite
def test_formats_say_what_they_cannot_hold(run: Run, tmp_path: Path) -> None:
    """YOLO of a classification project and folders of boxes are refused in words, and no file is left."""

    async def body(db: Database) -> None:
        await make_project(db, TaskType.MULTI_CLASS)
        await make_project(db, TaskType.OBJECT_DETECTION, name="Boxes")
        for name, format in (("Birds", "yolo"), ("Boxes", "folders")):
            with pytest.raises(BadInput, match="instead"):
                await export_to_path(db, name, FORMATS[format], tmp_path / "out", now_ms=NOW_MS)

    run(body)
    assert not list(tmp_path.glob("out*"))


def test_labels_that_arrive_meanwhile_change_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export holds the labels of the moment at which it began, however busy the labelers are."""

    async def body(db: Database) -> None:
        project = await make_project(db, TaskType.MULTI_CLASS)
        await label_some(db, project, 5)
        late = await make_member(db, project, "late")
        labels = [label.id for label in await db.read(projects.label_classes, project.id)]

        async def label_another(done: int, _total: int) -> None:
            held = (await db.write(claim_page, project.id, late.id, 1, now_ms=NOW_MS)).items[0]
            answer = answer_of(project.task_type, 0, labels)
            await db.write(submit, project.id, late.id, [SubmittedItem(held.item, held.token, answer)], now_ms=NOW_MS)

        monkeypatch.setattr(running, "BATCH", 2)
        pieces: list[bytes] = []

        async def write(data: bytes) -> None:
            pieces.append(data)

        done = await export_to_pipe(db, "Birds", FORMATS["coco"], write, now_ms=NOW_MS, on_progress=label_another)
        assert done.images == 5
        assert len(orjson.loads(b"".join(pieces))["images"]) == 5
        assert len(orjson.loads(await exported(db, "coco"))["images"]) == 9

    run(body)


@on_sqlite
def test_a_wrong_count_sends_nothing(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When what was written does not add up, the export fails, no byte is sent and no file is left."""

    async def body(db: Database) -> None:
        await _labeled(db, TaskType.MULTI_CLASS)
        real: Any = items.items_after
        monkeypatch.setattr(running, "items_after", lambda *a, **k: real(*a, **k)[:-1])
        sent: list[bytes] = []

        async def write(data: bytes) -> None:
            sent.append(data)

        with pytest.raises(ExportMismatch, match="6 images"):
            await export_to_pipe(db, "Birds", FORMATS["coco"], write, now_ms=NOW_MS)
        with pytest.raises(ExportMismatch):
            await export_to_path(db, "Birds", FORMATS["coco"], tmp_path / "labels.json", now_ms=NOW_MS)
        assert not sent

    run(body)
    assert not list(tmp_path.glob("labels*"))


@pytest.mark.parametrize(
    ("path", "safe"), [("../a", "_/a"), ("/etc/x", "etc/x"), ("a/./b", "a/_/b"), ("..\\x", ".._x"), ("", "_")]
)
def test_names_never_leave_the_folder(path: str, safe: str) -> None:
    """A file or label with a hostile name is written inside the export's folder."""
    assert safe_name(path) == safe
