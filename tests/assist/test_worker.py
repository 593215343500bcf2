"""The learning worker learns from people, says what it is not sure of, and never overrules anybody."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PIL import Image

from assist.classification.embeddings import EmbeddingStore
from assist.worker import work
from core.annotation import Answer
from core.assist import learning
from core.assist.learning import RunState
from core.assist.schedule import FEATURIZE, KINDS, TRAIN
from core.background import jobs
from core.background.jobs import JobState
from core.counts import progress
from core.db.database import Database
from core.errors import DatabaseLocked, DiskFull, TaglineError
from core.ids import ItemId, ItemKind, ItemState, TaskType
from core.labeling import queue
from tests.assist.house import draw, open_studio
from tests.builders import NOW_MS
from tests.conftest import Run


def test_it_learns_from_answers_and_fills_in_the_rest(run: Run, tmp_path: Path) -> None:
    """After the first labels, pages come filled in, right as often as the project wants, and are quick to accept."""

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=100, target=0.9)
        await studio.let_it_work()
        counts = await db.read(progress.queue_counts, studio.project)
        assert counts[ItemKind.MANUAL] + counts[ItemKind.CLUSTERED] == 300
        await studio.label(120)
        await studio.let_it_work()
        run = await db.read(learning.active_run, studio.project)
        assert run is not None
        assert run.threshold is not None
        assert run.metrics["bound"] >= 0.9
        page = await db.write(queue.claim_page, studio.project, studio.labeler, 9, now_ms=NOW_MS)
        assert page.items[0].kind is ItemKind.PRELABELED
        right = [held.suggestion == studio.truth[held.path] for held in page.items]
        assert sum(right) >= 7
        assert all(held.score is not None and held.score >= run.threshold for held in page.items)

    run(body)


def test_labels_by_people_are_never_touched(run_sqlite: Run, tmp_path: Path) -> None:
    """However often it trains, every answer is the one that its labeler gave, wrong ones as well."""

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=40)
        await studio.let_it_work()
        first = next(iter(studio.truth.values()))
        await studio.label(20, answer=lambda _path: first)
        await studio.label(60)
        before = [s for s in await db.read(learning.seen_after, studio.project, ItemId(0), 500) if s.answer]
        await studio.let_it_work()
        after = {s.item: s for s in await db.read(learning.seen_after, studio.project, ItemId(0), 500)}
        assert len(before) == 80
        assert all(after[s.item].answer == s.answer and after[s.item].source == s.source for s in before)

    run_sqlite(body)


def test_a_model_that_people_correct_is_switched_off(run_sqlite: Run, tmp_path: Path) -> None:
    """Suggestions that people keep putting right stop coming, and the run says why."""

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=100, target=0.9)
        await studio.let_it_work()
        await studio.label(120)
        await studio.let_it_work()
        run = await db.read(learning.active_run, studio.project)
        assert run is not None
        other = {answer: next(a for a in studio.truth.values() if a != answer) for answer in studio.truth.values()}
        await studio.label(60, answer=lambda path: other[studio.truth[path]], kind=ItemKind.PRELABELED)
        await studio.let_it_work()
        off = await db.read(learning.run_by_id, run.id)
        assert off.state in (RunState.SWITCHED_OFF, RunState.REPLACED)
        assert "Switched off: people kept" in off.log

    run_sqlite(body)


@pytest.mark.parametrize("labels", [0, 2])
def test_train_now_with_too_few_labels_says_so(run_sqlite: Run, tmp_path: Path, labels: int) -> None:
    """Nobody has to guess why nothing happens: the job ends with a sentence."""

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=10)
        await studio.let_it_work()
        await studio.label(labels)
        await db.write(jobs.enqueue, TRAIN, "x", {}, now_ms=NOW_MS, project=studio.project)
        await studio.let_it_work()
        job = (await db.read(jobs.jobs_of, studio.project, [TRAIN]))[0]
        assert job.state is JobState.FAILED
        assert "labeled image" in str(job.error)
        assert (await db.read(learning.runs_of, studio.project, 1))[0].state is RunState.FAILED

    run_sqlite(body)


def test_one_class_only_says_so(run_sqlite: Run, tmp_path: Path) -> None:
    """All answers the same: a sentence, no model, and it does not try again at every label."""

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=30)
        await studio.let_it_work()
        first = next(iter(studio.truth.values()))
        await studio.label(60, answer=lambda _path: first)
        await studio.let_it_work()
        await studio.label(9, answer=lambda _path: first)
        await studio.let_it_work()
        found = await db.read(jobs.jobs_of, studio.project, [TRAIN])
        assert len(found) == 1
        assert "same one" in str(found[0].error)
        assert (await db.read(progress.queue_counts, studio.project))[ItemKind.PRELABELED] == 0

    run_sqlite(body)


def test_identical_images_say_so(run_sqlite: Run, tmp_path: Path) -> None:
    """A camera that always sent the same picture makes no model, and no crash."""

    async def body(db: Database) -> None:
        for n in range(80):
            folder = tmp_path / "pictures" / ("circle" if n % 2 else "cross")
            folder.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 64), "navy").save(folder / f"{n}.jpg")
        studio = await open_studio(db, tmp_path)
        await studio.let_it_work()
        await studio.label(60)
        await studio.let_it_work()
        assert "exactly the same" in str((await db.read(jobs.jobs_of, studio.project, [TRAIN]))[0].error)

    run_sqlite(body)


def test_broken_pictures_are_set_aside_with_the_reason(run_sqlite: Run, tmp_path: Path) -> None:
    """A picture that breaks after the import is marked; a missing one waits; the others are learned from."""

    async def body(db: Database) -> None:
        draw(tmp_path / "pictures", 12)
        studio = await open_studio(db, tmp_path)
        (tmp_path / "pictures" / "circle" / "000.jpg").write_bytes(b"\xff\xd8\xff broken")
        (tmp_path / "pictures" / "circle" / "001.jpg").unlink()
        await studio.let_it_work()
        found = await db.read(progress.project_progress, studio.project)
        assert (found.unreadable, found.todo) == (1, 35)
        runs = [r for r in await db.read(learning.runs_of, studio.project) if r.metrics.get("embedded")]
        assert (runs[0].metrics["embedded"], runs[0].metrics["absent"]) == (34, 1)

    run_sqlite(body)


def test_what_needs_torch_waits_for_a_worker_that_has_it(run_sqlite: Run, tmp_path: Path) -> None:
    """Without PyTorch the job stays in the queue and labeling goes on as ever."""

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=10, backbone="auto")
        await studio.let_it_work()
        assert [j.state for j in await db.read(jobs.jobs_of, studio.project, KINDS)] == [JobState.QUEUED]
        assert await studio.label(9) == 9

    run_sqlite(body)


@pytest.mark.parametrize("trouble", [DiskFull("The disk is full."), DatabaseLocked("The database is locked.")])
def test_trouble_that_passes_is_tried_again(
    run_sqlite: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: TaglineError
) -> None:
    """No room for embeddings, or no database for a while: the job waits with that reason, and goes on once it is over."""

    def failing(*_args: object) -> None:
        raise trouble

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=10)
        with monkeypatch.context() as patch:
            patch.setattr(EmbeddingStore, "append", failing)
            await studio.let_it_work()
        job = (await db.read(jobs.jobs_of, studio.project, [FEATURIZE]))[0]
        assert (job.state, job.attempt) == (JobState.QUEUED, 1)
        assert job.error == str(trouble)

    run_sqlite(body)


def test_a_worker_that_ends_is_not_waited_for(run_sqlite: Run, tmp_path: Path) -> None:
    """It is named while it is there; once it was stopped, the dashboard no longer counts on it."""

    async def body(db: Database) -> None:
        stop = asyncio.Event()
        working = asyncio.create_task(work(db, tmp_path, stop))
        while not await db.read(jobs.workers, seen_since_ms=0):  # noqa: ASYNC110 - the fact lies in the database
            await asyncio.sleep(0.01)
        stop.set()
        await working
        assert await db.read(jobs.workers, seen_since_ms=0) == ()

    run_sqlite(body)


def test_several_labels_an_image(run_sqlite: Run, tmp_path: Path) -> None:
    """In multi-label each label has a threshold of its own; what is suggested was sure enough."""

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=60, task_type=TaskType.MULTI_LABEL, target=0.85)
        await studio.let_it_work()
        circle, stripes = studio.truth["circle/000.jpg"].labels[0], studio.truth["stripes/000.jpg"].labels[0]
        await studio.label(
            110, answer=lambda p: Answer((circle, stripes)) if p.startswith("stripes") else studio.truth[p]
        )
        await studio.let_it_work()
        run = await db.read(learning.active_run, studio.project)
        assert run is not None
        assert len(run.metrics["thresholds"]) == 3
        page = await db.write(queue.claim_page, studio.project, studio.labeler, 9, now_ms=NOW_MS)
        assert page.items

    run_sqlite(body)


def test_new_files_are_placed_by_the_model_that_is_there(run_sqlite: Run, tmp_path: Path) -> None:
    """Pictures that arrive after a training are looked at without another one."""

    async def body(db: Database) -> None:
        from core.intake.refresh import refresh
        from core.team.access import OPERATOR
        from storage.local import LocalStore

        studio = await open_studio(db, tmp_path, each=60, target=0.8)
        await studio.let_it_work()
        await studio.label(100)
        await studio.let_it_work()
        trained = len(await db.read(learning.runs_of, studio.project, 50, TRAIN))
        draw(tmp_path / "pictures" / "more", 10, seed=9)
        store = LocalStore(tmp_path / "pictures")
        await refresh(db, OPERATOR, studio.project, store, now_ms=lambda: NOW_MS)
        await studio.let_it_work()
        seen = [
            s for s in await db.read(learning.seen_after, studio.project, ItemId(0), 500) if s.path.startswith("more")
        ]
        assert len(seen) == 30
        assert {s.state for s in seen} == {ItemState.TODO}
        assert any(s.kind is not ItemKind.MANUAL for s in seen)
        assert len(await db.read(learning.runs_of, studio.project, 50, TRAIN)) == trained

    run_sqlite(body)


def test_a_very_early_first_training_does_not_stall(run_sqlite: Run, tmp_path: Path) -> None:
    """Asked to learn from the first ten labels on, it knows little, says so, and prelabels before half of the work is done."""

    async def body(db: Database) -> None:
        studio = await open_studio(db, tmp_path, each=80, first=10, target=0.85)
        await studio.let_it_work()
        for _ in range(12):
            await studio.label(10)
            await studio.let_it_work()
        runs = await db.read(learning.runs_of, studio.project, 50, TRAIN)
        assert len(runs) >= 3
        assert runs[-1].labels == 10
        assert "audit" in runs[-1].log
        assert any(run.threshold is not None for run in runs)

    run_sqlite(body)
