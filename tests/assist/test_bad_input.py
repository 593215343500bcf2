"""Whatever is wrong with what the worker is given, the dashboard says it in a sentence and people go on labeling."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Connection, update

from assist.classification import jobs as classification_jobs
from assist.classification.heads import Head
from assist.detection.fold_cache import FoldCache
from assist.device import NO_TORCH, Device, has_torch
from assist.errors import UnreadableModel
from assist.runtime import Runtime
from core.annotation import Answer, Region, SubmittedItem
from core.assist import learning
from core.assist.learning import RunState
from core.assist.schedule import TRAIN
from core.background import jobs
from core.background.jobs import Worker
from core.counts.progress import project_progress, queue_counts
from core.db.database import Database
from core.db.tables import MODEL_RUN
from core.errors import DiskFull
from core.geometry import Box
from core.ids import AccountId, ItemId, ItemKind, ProjectId, TaskType
from core.intake.refresh import refresh
from core.labeling import queue, submissions
from core.oversight.assist_status import assist_status
from core.team import people
from core.team.access import OPERATOR
from storage.local import LocalStore
from tests.assist.house import draw, open_studio
from tests.assist.regions import let_it_work, open_regions
from tests.builders import NOW_MS
from tests.conftest import Run

GARBAGE = (b"", b"no model", b"PK\x03\x04 cut off")
needs_torch = pytest.mark.skipif(
    not has_torch(), reason="needs PyTorch and the bundled weights: pip install tagline[assist]"
)


async def dashboard(db: Database, project: ProjectId, *, note: str = "") -> str:
    """The sentence that an admin reads, beside a worker that has been seen lately."""
    await db.write(jobs.report, Worker("here:1", "cpu", note, NOW_MS))
    admin = await db.read(people.account_by_name, "labeler")
    return (await db.read(assist_status, admin, project, now_ms=NOW_MS)).says


async def draw_boxes(db: Database, project: ProjectId, account: AccountId, count: int, *, label: int) -> None:
    """Label so many pictures, each with the same box."""
    for _ in range(count):
        held = (await db.write(queue.claim_page, project, account, 1, now_ms=NOW_MS)).items[0]
        answer = Answer(regions=(Region(label, Box(10, 10, 90, 90)),))  # type: ignore[arg-type]
        found = [SubmittedItem(held.item, held.token, answer)]
        assert not (await db.write(submissions.submit, project, account, found, now_ms=NOW_MS)).refused


async def first_label(db: Database, project: ProjectId) -> int:
    """The id of the project's first label."""
    from core.project.projects import label_classes

    return (await db.read(label_classes, project))[0].id


@needs_torch
@pytest.mark.parametrize("content", GARBAGE)
def test_a_corrupt_weights_file_is_said_and_people_label_on(
    run_sqlite: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """The bundled weights are damaged: the dashboard names the file and the cure; pages come as ever."""
    from assist import lite

    weights = tmp_path / "lite0.pth"
    weights.write_bytes(content)
    monkeypatch.setattr(lite, "_bundled", lambda: weights)

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=8, backbone="auto")
        await let_it_work(db, studio.runtime)
        said = await dashboard(db, studio.project)
        assert "lite0.pth cannot be used" in said
        assert "install it anew, then train now" in said
        assert await studio.label(9) == 9

    run_sqlite(body)


@needs_torch
def test_a_corrupt_weights_file_is_said_for_boxes_too(
    run_sqlite: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where a detector would be trained."""
    from assist import lite

    weights = tmp_path / "lite0.pth"
    weights.write_bytes(b"no model")
    monkeypatch.setattr(lite, "_bundled", lambda: weights)

    async def body(db: Database) -> None:
        project, account, _ = await open_regions(
            db, tmp_path / "pictures", 16, TaskType.OBJECT_DETECTION, ("disc",), first=12
        )
        label = await first_label(db, project)
        runtime = Runtime(Device("cpu", "test", 4), tmp_path / "assist", {})
        await let_it_work(db, runtime)
        await draw_boxes(db, project, account, 12, label=label)
        await let_it_work(db, runtime)
        assert "lite0.pth cannot be used" in await dashboard(db, project)
        await draw_boxes(db, project, account, 1, label=label)

    run_sqlite(body)


@pytest.mark.parametrize("task_type", [TaskType.MULTI_CLASS, TaskType.OBJECT_DETECTION])
def test_without_pytorch_the_dashboard_says_what_to_install(
    run_sqlite: Run, tmp_path: Path, task_type: TaskType
) -> None:
    """A worker without PyTorch lets such a project wait, and the sentence is the cure."""

    async def body(db: Database) -> None:
        if task_type.has_regions:
            project, _, _ = await open_regions(db, tmp_path / "pictures", 6, task_type, ("disc",))
        else:
            project = (await open_studio(db, tmp_path, each=4, backbone="auto")).project
        assert await dashboard(db, project, note=NO_TORCH) == NO_TORCH

    run_sqlite(body)


def test_a_damaged_stored_model_is_switched_off_and_the_next_one_works(run_sqlite: Run, tmp_path: Path) -> None:
    """Its suggestions leave the queue with a sentence; the next training brings others."""

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=60, target=0.8)
        await studio.let_it_work()
        await studio.label(80)
        await studio.let_it_work()
        old = await db.read(learning.active_run, studio.project)
        assert old is not None

        def damage(conn: Connection) -> None:
            conn.execute(update(MODEL_RUN).where(MODEL_RUN.c.id == old.id).values(weights=b"PK\x03\x04 cut off"))

        await db.write(damage)
        draw(tmp_path / "pictures" / "more", 3, seed=9)
        await refresh(db, OPERATOR, studio.project, LocalStore(tmp_path / "pictures"), now_ms=lambda: NOW_MS)
        await studio.let_it_work()
        off = await db.read(learning.run_by_id, old.id)
        assert off.state is RunState.SWITCHED_OFF
        assert "cannot be read" in off.log
        assert not (await db.read(queue_counts, studio.project)).get(ItemKind.PRELABELED, 0)
        await db.write(jobs.enqueue, TRAIN, "x", {}, now_ms=NOW_MS, project=studio.project)
        await studio.let_it_work()
        assert await db.read(learning.active_run, studio.project) is not None

    run_sqlite(body)


@pytest.mark.parametrize("content", GARBAGE)
def test_damaged_models_of_both_kinds_are_told_from_good_ones(content: bytes) -> None:
    """Whatever lies in the row, reading it ends with the one error that has the model switched off."""
    with pytest.raises(UnreadableModel, match="until the next training"):
        Head.from_bytes(content)
    if has_torch():
        from assist.detection.train import read_trained

        with pytest.raises(UnreadableModel):
            read_trained(content)


@needs_torch
def test_identical_pictures_of_one_label_some_unreadable_train_a_detector(
    run_sqlite: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing to learn from, and files that broke after the import: a run ends, the open ones are set aside with the reason."""
    from assist.detection import letterbox, train

    for name, value in (("LEAST_STEPS", 2), ("MOST_STEPS", 2), ("MOST_SAMPLES_AN_IMAGE", 1)):
        monkeypatch.setattr(train, name, value)
    monkeypatch.setattr(letterbox, "LONG_SIDE_PX", 96)

    async def body(db: Database) -> None:
        root = tmp_path / "pictures"
        project, account, _ = await open_regions(db, root, 24, TaskType.OBJECT_DETECTION, ("disc",), first=14)
        for path in root.iterdir():
            Image.new("RGB", (256, 192), "navy").save(path)
        label = await first_label(db, project)
        runtime = Runtime(Device("cpu", "test", 4), tmp_path / "assist", {})
        await let_it_work(db, runtime)
        await draw_boxes(db, project, account, 14, label=label)
        seen = await db.read(learning.seen_after, project, ItemId(0), 99)
        labeled = [one.path for one in seen if one.answer is not None]
        still = [one.path for one in seen if one.answer is None and not one.audit]
        for path in (*labeled[:3], still[0]):
            (root / path).write_bytes(b"\x89PNG broken")
        await let_it_work(db, runtime)
        run = (await db.read(learning.runs_of, project, 1, TRAIN))[0]
        assert (run.state, run.metrics["labels"]) == (RunState.ACTIVE, 11)
        assert "0 prelabeled" in await dashboard(db, project)
        assert (await db.read(project_progress, project)).unreadable == 1

    run_sqlite(body)


def test_too_few_readable_pictures_say_so(run_sqlite: Run, tmp_path: Path) -> None:
    """Most labeled pictures broke: a sentence instead of a model."""
    if not has_torch():
        pytest.skip("needs PyTorch")

    async def body(db: Database) -> None:
        root = tmp_path / "pictures"
        project, account, _ = await open_regions(db, root, 16, TaskType.OBJECT_DETECTION, ("disc",), first=12)
        runtime = Runtime(Device("cpu", "test", 4), tmp_path / "assist", {})
        await let_it_work(db, runtime)
        await draw_boxes(db, project, account, 12, label=await first_label(db, project))
        for path in root.iterdir():
            path.write_bytes(b"\x89PNG broken")
        await let_it_work(db, runtime)
        assert "Only 0 labeled images can be read" in await dashboard(db, project)

    run_sqlite(body)


def test_a_full_disk_while_folds_are_kept_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training of boxes that finds no room says so; the worker tries it again."""

    def full(*_args: object) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskFull, match="goes on by itself"):
        FoldCache(tmp_path, 1).write(0, [ItemId(1)], [[]])


def test_an_error_that_nobody_expected_is_a_sentence_and_the_worker_lives(
    run_sqlite: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library fails in a way of its own: the run is over with its words, and the next job is done."""

    def broken(*_args: object, **_kwargs: object) -> Any:
        raise RuntimeError("CUDA error: device-side assert triggered\nand much more")

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=30)
        await studio.let_it_work()
        await studio.label(60)
        with monkeypatch.context() as patch:
            patch.setattr(classification_jobs, "learn", broken)
            await studio.let_it_work()
        said = await dashboard(db, studio.project)
        assert "RuntimeError: CUDA error: device-side assert triggered)" in said
        assert "Labels are untouched" in said
        await db.write(jobs.enqueue, TRAIN, "x", {}, now_ms=NOW_MS, project=studio.project)
        await studio.let_it_work()
        assert await db.read(learning.active_run, studio.project) is not None

    run_sqlite(body)
