"""What ML assist saves a labeler, and whether it can be trusted: real images with known answers, from zero to done.

The real queue, the real worker's jobs and a labeler who presses real keys, seed after seed. Embeddings are made once.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np

from assist.calibrate import lower_bound, upper_bound
from assist.device import choose_device, has_torch, stay_modest
from assist.runtime import Runtime
from assist.worker import ask_for_due, take_one
from benchmarks.rig.assist_team import Labeler
from benchmarks.rig.truth import data_folder, photos
from core.annotation import Answer
from core.assist import learning
from core.assist.schedule import FEATURIZE, KINDS
from core.background import jobs
from core.db.database import Database, open_database
from core.db.schema import migrate
from core.ids import LabelId, ProjectId, ProjectState, Role, TaskType
from core.intake.ingest import NewItem, add_items, import_files
from core.project import projects
from core.project.projects import NewProject
from core.project.settings import change_settings
from core.team import people
from core.team.access import OPERATOR
from storage.local import LocalStore

KEYS_TARGET = 0.38
COCO_TARGET = 0.9
NOW_MS = 1_800_000_000_000
MS_A_KEY = 1500
PROVIDES = ("torch",)

Make = Callable[[Database, int], Awaitable[tuple[ProjectId, Labeler]]]


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Hand signs, multi-class."""
    if not has_torch() or data_folder() is None:
        return {"skipped": "PyTorch (tagline[assist]) and the folder of real data are needed"}
    stay_modest(1)
    seeds = range(args.items or 3)
    with tempfile.TemporaryDirectory(prefix="tagline-assist-") as folder:
        runs = [asyncio.run(one_seed(Path(folder), seed, make_signs)) for seed in seeds]
        several = asyncio.run(one_seed(Path(folder), 0, make_coco))
    keys = [found["keys_an_image"] for found in runs]
    return {
        "set": "sign-digits, 2,062 images, 10 classes, one labeler",
        "several_labels": several,
        "runs": runs,
        "keys_an_image": {"mean": round(float(np.mean(keys)), 3), "worst": max(keys), "by_hand": 1.0},
        "met": {
            "keys_an_image": float(np.mean(keys)) <= KEYS_TARGET,
            "precision_never_significantly_under_target": all(f["prelabels"]["not_under_target"] for f in runs),
        },
    }


async def one_seed(folder: Path, seed: int, make: Make) -> dict[str, Any]:
    """One project from zero to done."""
    data = folder / f"{make.__name__}-{seed}"
    data.mkdir()
    url = f"sqlite:///{data / 'tagline.db'}"
    await migrate(url)
    db = await open_database(url)
    try:
        project, labeler = await make(db, seed)
        runtime = Runtime(choose_device(), folder, {})
        started = time.perf_counter()
        history = await label_all(db, runtime, labeler)
        return await report(db, project, labeler, history, time.perf_counter() - started)
    finally:
        await db.close()


async def make_signs(db: Database, seed: int, **settings: Any) -> tuple[ProjectId, Labeler]:
    """The hand signs as a running project with ML assist, and its labeler."""
    shared = data_folder()
    assert shared is not None
    root = shared / "sign-digits"
    names = sorted(p.name for p in root.iterdir() if p.is_dir())
    new = NewProject("Signs", TaskType.MULTI_CLASS, f"local:{root}", tuple(names), pattern="**", seed=seed)
    project = await db.write(projects.create_project, new, by=None, now_ms=NOW_MS)
    await import_files(db, project.id, LocalStore(root), by=None, now_ms=lambda: NOW_MS)
    account = await db.write(people.add_account, "labeler", Role.ADMIN, by=None, now_ms=NOW_MS)
    changes = {"assist": {"on": True, **settings}}
    await db.write(change_settings, OPERATOR, project.id, changes, now_ms=NOW_MS)
    labels = {label.name: label.id for label in await db.read(projects.label_classes, project.id)}
    paths = [p.relative_to(root).as_posix() for name in names for p in (root / name).iterdir()]
    truth = {path: Answer((LabelId(labels[path.split("/")[0]]),)) for path in paths}
    return project.id, Labeler(db, project.id, account.id, truth)


async def make_coco(db: Database, seed: int) -> tuple[ProjectId, Labeler]:
    """coco-tiny with the ten most frequent classes as labels of the whole image; images without one of them are left out."""
    shared = data_folder()
    assert shared is not None
    root = shared / "coco-tiny"
    found = {photo.path: {truth.label for truth in photo.truths} for photo in photos("coco-tiny", 400)}
    names = [name for name, _ in Counter(label for labels in found.values() for label in labels).most_common(10)]
    chosen = {path: sorted(labels & set(names)) for path, labels in found.items() if labels & set(names)}
    new = NewProject("Photos", TaskType.MULTI_LABEL, f"local:{root}", tuple(names), seed=seed)
    project = await db.write(projects.create_project, new, by=None, now_ms=NOW_MS)
    items = [NewItem(path.relative_to(root).as_posix(), "1", 1, (640, 480)) for path in chosen]
    await db.write(add_items, project.id, project.seed, items)
    await db.write(projects.set_state, project.id, ProjectState.RUNNING, by=None, now_ms=NOW_MS)
    account = await db.write(people.add_account, "labeler", Role.ADMIN, by=None, now_ms=NOW_MS)
    changes = {"assist": {"on": True, "first": 40, "target": COCO_TARGET}}
    await db.write(change_settings, OPERATOR, project.id, changes, now_ms=NOW_MS)
    ids = {label.name: label.id for label in await db.read(projects.label_classes, project.id)}
    truth = {
        path.relative_to(root).as_posix(): Answer(tuple(ids[name] for name in labels))
        for path, labels in chosen.items()
    }
    return project.id, Labeler(db, project.id, account.id, truth, several=True, target=COCO_TARGET)


async def label_all(db: Database, runtime: Runtime, labeler: Labeler) -> list[dict[str, Any]]:
    """Label until nothing is left; the worker does what is due after each page, as one that keeps up would."""
    history: list[dict[str, Any]] = []
    stop = asyncio.Event()
    while True:
        await ask_for_due(db)
        while await take_one(db, runtime, "bench", PROVIDES, stop):
            await ask_for_due(db)
        if not await labeler.work(NOW_MS + MS_A_KEY * labeler.total_keys):
            return history
        done = labeler.images.total()
        if not history or done >= history[-1]["labeled"] + 200:
            history.append({"labeled": done, "keys": labeler.total_keys, "prelabeled": labeler.images["prelabeled"]})


async def report(
    db: Database, project: ProjectId, labeler: Labeler, history: list[dict[str, Any]], seconds: float
) -> dict[str, Any]:
    """The figures of one run."""
    runs = await db.read(learning.runs_of, project, 50)
    failed = [job.error for job in await db.read(jobs.jobs_of, project, KINDS, 50) if job.error]
    images, keys = labeler.images, labeler.keys
    low, high = interval(labeler.right, labeler.judged)
    return {
        "keys_an_image": round(labeler.total_keys / images.total(), 3),
        "by_hand": round(float(np.mean([len(a.labels) + 1 for a in labeler.truth.values()])), 3) if labeler.several else 1.0,
        "by_kind": {kind: {"images": images[kind], "pages": labeler.pages[kind], "keys": keys[kind]} for kind in images},
        "prelabels": {
            "shown": labeler.judged,
            "precision": round(labeler.right / labeler.judged, 4) if labeler.judged else None,
            "interval_95": [round(low, 4), round(high, 4)],
            "not_under_target": not labeler.judged or high >= labeler.target,
        },
        "purity_of_clustered": purity(labeler.purity),
        "trainings": [
            {"labels": r.labels, **{k: r.metrics.get(k) for k in ("audit", "audit_accuracy", "threshold", "coverage", "bound")}}
            for r in reversed(runs) if r.kind != FEATURIZE
        ],
        "featurize": [dict(r.metrics) for r in runs if r.kind == FEATURIZE and r.metrics.get("embedded")],
        "states": Counter(r.state.value for r in runs),
        "errors": failed,
        "history": history,
        "seconds": round(seconds, 1),
    }  # fmt: skip


def purity(pages: list[tuple[int, float]]) -> float | None:
    """The part of an image's page that has the page's most frequent label, over all images of clustered pages."""
    images = sum(n for n, _ in pages)
    return round(sum(n * part for n, part in pages) / images, 3) if images else None


def interval(right: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's 95% interval of a part."""
    return lower_bound(right, n, 0.975), upper_bound(right, n, 0.975)
