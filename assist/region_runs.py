"""The two jobs of the worker for projects of boxes or polygons: draw the audit sample, and train a detector.

Each can be killed anywhere and goes on: folds that are done lie in the worker's folder, what was learned in the run's row,
predictions in the database. PyTorch is loaded when the first training begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from assist import region_learn, region_plan
from assist.canvas import canvas_hw
from assist.eyes import Looked, look_at
from assist.featurize import look
from assist.folds import FoldsOnDisk
from assist.learn import CannotLearn
from assist.region_learn import Checked
from assist.runs import BY_PRELABEL, Bench
from assist.ticket import Ticket, now_ms
from core import learning, projects, suggestions
from core.assist_schedule import FEATURIZE, TRAIN
from core.ids import ItemId, ItemKind, ItemState, LabelId, TaskType
from core.learning import RunState, Seen, Subject
from core.skipping import mark_unreadable
from core.suggestions import Suggestion
from storage import open_store
from storage.base import Store

if TYPE_CHECKING:
    from assist.detector_fit import Lesson
    from assist.lite import LiteBackbone
    from assist.region_train import Pupil, Schooling

SHARD = 32
MOST_PICTURES = 600
BACKBONE = "auto"


@dataclass
class Class:
    """Pictures that are learned from, with their lessons: those of the first `variants` belong to the first picture, and so on."""

    items: list[Seen] = field(default_factory=list)
    looked: list[Looked] = field(default_factory=list)
    lessons: list[list[Lesson]] = field(default_factory=list)

    @property
    def audit(self) -> list[bool]:
        """Whether each picture may tell how good a model is."""
        return [seen.audit and seen.source not in BY_PRELABEL for seen in self.items]


async def draw_audit(ticket: Ticket, subject: Subject, bench: Bench) -> None:
    """Draw the audit sample; where a model is in use, it looks at the pictures that are new."""
    items = await look(ticket, subject)
    count = await ticket.db.read(learning.picture_count, subject.project)
    run = await _begin(ticket, subject, bench, FEATURIZE, count)
    active = await ticket.db.read(learning.active_run, subject.project)
    weights = None if active is None else await ticket.db.read(learning.weights_of, active.id)
    if active is None or weights is None:
        await _place(ticket, subject, items, {}, None)
    else:
        from assist.region_train import read_pupil

        await _infer(ticket, subject, bench, items, read_pupil(weights), active.metrics, active.id, since=0.1)
    await ticket.write(learning.end_run, run, RunState.DONE, now_ms=now_ms(), metrics={"pictures": count})


async def train(ticket: Ticket, subject: Subject, bench: Bench) -> None:
    """Learn from the drawn regions, find out how far to trust it, look at everything open, and place it in the queue.

    Raises:
        CannotLearn: the answers do not make a model yet.
    """
    from assist.region_train import read_pupil

    items = await look(ticket, subject)
    labeled = [seen for seen in items if seen.answer is not None and seen.size_wh[0]]
    run = await _begin(ticket, subject, bench, TRAIN, len(labeled))
    if (weights := await ticket.db.read(learning.weights_of, run)) is None:
        await _learn(ticket, subject, bench, labeled, run)
        weights = await ticket.db.read(learning.weights_of, run)
        assert weights is not None
    metrics = (await ticket.db.read(learning.run_by_id, run)).metrics
    counts = await _infer(ticket, subject, bench, items, read_pupil(weights), metrics, run, since=0.75)
    line = f"{counts[ItemKind.PRELABELED]} prelabeled, {counts[ItemKind.MANUAL]} by hand. {_in_words(metrics)}"
    await ticket.write(learning.end_run, run, RunState.ACTIVE, now_ms=now_ms(), line=line.strip())
    FoldsOnDisk(bench.folder, run).forget()


def _in_words(metrics: Mapping[str, Any]) -> str:
    if metrics.get("why"):
        return str(metrics["why"])
    untrusted = [name for name, found in metrics["by_class"].items() if found is None]
    whole = f"Every region right and none missing on {metrics['image_right']:.0%} of the audit images."
    return f"{whole} Offered by letters only: {', '.join(untrusted)}." if untrusted else whole


async def _begin(ticket: Ticket, subject: Subject, bench: Bench, kind: str, labels: int) -> int:
    return await ticket.write(
        learning.start_run, subject.project, kind, ticket.job.id,
        device=bench.device.name, labels=labels, now_ms=now_ms(),
    )  # fmt: skip


# Learning.


async def _learn(ticket: Ticket, subject: Subject, bench: Bench, labeled: Sequence[Seen], run: int) -> None:
    """Lessons, each fold, all of them; what comes of it is kept in the run's row."""
    backbone: Any = await asyncio.to_thread(bench.backbone, BACKBONE)
    schooling = _schooling(subject, bench, backbone, labeled)
    known = await _class(ticket, subject, schooling, _some(labeled, subject.seed))
    checked = await _hold_out(ticket, schooling, bench, known, FoldsOnDisk(bench.folder, run))
    pupil = await _teach(ticket, schooling, known, range(len(known.items)), (0.6, 0.75))
    names = await ticket.db.read(projects.label_classes, subject.project)
    paths = {label.id: label.path for label in names}
    least = region_learn.thresholds(checked, len(schooling.classes), subject.settings.target)
    metrics = {
        **region_learn.figures(checked, least, [paths[n] for n in schooling.classes], subject.settings.target),
        "labels": len(known.items), "backbone": backbone.id, "target": subject.settings.target,
        "seed": schooling.seed, "thresholds": [one.score if one else None for one in least],
    }  # fmt: skip
    doubts = region_learn.doubts(checked, least, schooling.classes)
    metrics["doubted"] = len(doubts)
    weights = await asyncio.to_thread(pupil.to_bytes, backbone.id)
    await ticket.write(learning.learned, run, weights, metrics["threshold"], metrics, len(labeled), doubts)


def _schooling(subject: Subject, bench: Bench, backbone: LiteBackbone, labeled: Sequence[Seen]) -> Schooling:
    """Raises CannotLearn where there is too little to learn from."""
    from assist.region_train import Schooling

    if len(labeled) < region_learn.LEAST_PICTURES:
        raise CannotLearn(
            f"{len(labeled)} labeled images are too few to learn from; {region_learn.LEAST_PICTURES} are the least."
        )
    used = {label for seen in labeled if seen.answer is not None for label in seen.answer.label_set}
    classes = tuple(label for label in subject.labels if label in used)
    if not classes:
        raise CannotLearn(
            "No labeled image has a region of a label that the project still has. Label on; it tries again."
        )
    with_masks = subject.task_type is TaskType.INSTANCE_SEGMENTATION
    hw = canvas_hw([seen.size_wh for seen in labeled])
    return Schooling(backbone, bench.device, classes, hw, with_masks, subject.seed % 2**32)


def _some(labeled: Sequence[Seen], seed: int) -> list[Seen]:
    """As many as fit in memory, drawn at random where there are more."""
    if len(labeled) <= MOST_PICTURES:
        return list(labeled)
    chosen = np.random.default_rng(seed).choice(len(labeled), MOST_PICTURES, replace=False)
    return [labeled[n] for n in sorted(chosen.tolist())]


async def _class(ticket: Ticket, subject: Subject, schooling: Schooling, labeled: Sequence[Seen]) -> Class:
    from assist.region_train import variants

    store = await asyncio.to_thread(open_store, subject.datastore)
    known, count = Class(), variants(len(labeled))
    for n, seen in enumerate(labeled):
        ticket.step(0.15 * n / len(labeled))
        await asyncio.to_thread(_add, known, store, schooling, seen, count)
    if len(known.items) < region_learn.LEAST_PICTURES:
        raise CannotLearn(f"Only {len(known.items)} labeled images can be read; that is too few to learn from.")
    return known


def _add(known: Class, store: Store, schooling: Schooling, seen: Seen, count: int) -> None:
    from assist.region_train import lessons_of

    looked = look_at(store, [seen], schooling.hw)
    if looked.images and seen.answer is not None:
        seed = (schooling.seed + seen.item) % 2**32
        known.items.append(seen)
        known.looked.append(looked)
        known.lessons.append(lessons_of(schooling, looked.images[0], seen.answer.regions, seen.size_wh, count, seed))


async def _hold_out(
    ticket: Ticket, schooling: Schooling, bench: Bench, known: Class, kept: FoldsOnDisk
) -> list[Checked]:
    """Each audit picture beside what a detector finds on it that has not learned from it."""
    from assist.region_train import found_on

    parts = region_learn.folds(np.array(known.audit, dtype=bool), schooling.seed)
    checked: list[Checked] = []
    for n, part in enumerate(parts):
        items = [known.items[row].item for row in part.tolist()]
        found = kept.read(n, items)
        if found is None:
            span = (0.15 + 0.45 * n / len(parts), 0.15 + 0.45 * (n + 1) / len(parts))
            pupil = await _teach(ticket, schooling, known, np.setdiff1d(range(len(known.items)), part).tolist(), span)
            looked = [known.looked[row] for row in part.tolist()]
            found = [
                (await asyncio.to_thread(found_on, pupil, schooling.backbone, bench.device, one))[0] for one in looked
            ]
            kept.write(n, items, found)
        drawn = [known.items[row].answer for row in part.tolist()]
        checked += [
            region_learn.check(item, one, answer.regions if answer else (), schooling.classes)
            for one, answer, item in zip(found, drawn, items, strict=True)
        ]
    return checked


async def _teach(
    ticket: Ticket, schooling: Schooling, known: Class, rows: Sequence[int], span: tuple[float, float]
) -> Pupil:
    from assist.region_train import taught

    lessons = [lesson for row in rows for lesson in known.lessons[row]]

    def tick(part: float) -> None:
        ticket.step(span[0] + (span[1] - span[0]) * part)

    return await asyncio.to_thread(taught, schooling, lessons, len(rows), tick)


# Looking at what is open.


async def _infer(
    ticket: Ticket, subject: Subject, bench: Bench, items: Sequence[Seen], pupil: Pupil, metrics: Mapping[str, Any],
    run: int, *, since: float,
) -> Mapping[ItemKind, int]:  # fmt: skip
    """Look at every open item in shards, each kept as it is done, then change the queue at once."""
    store = await asyncio.to_thread(open_store, subject.datastore)
    wanted = [seen for seen in items if seen.state is ItemState.TODO and not seen.audit and seen.size_wh[0]]
    said: dict[ItemId, Suggestion] = {}
    for at in range(0, len(wanted), SHARD):
        ticket.step(since + (0.95 - since) * at / len(wanted))
        shard = wanted[at : at + SHARD]
        there = await ticket.db.read(suggestions.predicted, run, [seen.item for seen in shard])
        new, broken = await asyncio.to_thread(
            _say, bench, store, [seen for seen in shard if seen.item not in there], pupil, metrics["thresholds"]
        )
        await ticket.write(suggestions.put, run, new)
        for item, reason in broken.items():
            await ticket.write(mark_unreadable, subject.project, None, item, reason, now_ms=now_ms())
        said |= {**there, **{one.item: one for one in new}}
    ticket.step(0.95)
    return await _place(ticket, subject, items, said, run)


def _say(
    bench: Bench, store: Store, shard: Sequence[Seen], pupil: Pupil, least: Sequence[float | None]
) -> tuple[list[Suggestion], Mapping[ItemId, str]]:
    from assist.region_train import found_on

    backbone: Any = bench.backbone(BACKBONE)
    looked = look_at(store, shard, pupil.hw)
    found = found_on(pupil, backbone, bench.device, looked)
    labels: Sequence[LabelId] = pupil.classes
    said = [
        region_plan.suggestion(seen.item, some, labels, least) for seen, some in zip(looked.items, found, strict=True)
    ]
    return said, looked.broken


async def _place(
    ticket: Ticket, subject: Subject, items: Sequence[Seen], said: Mapping[ItemId, Suggestion], run: int | None
) -> Mapping[ItemKind, int]:
    todo = [seen for seen in items if seen.state is ItemState.TODO]
    audit = np.array([seen.audit for seen in todo], dtype=bool)
    by_hand = sum(seen.answer is not None and seen.source not in BY_PRELABEL for seen in items)
    audited = sum(seen.audit for seen in items)
    more = region_plan.audit_wanted(subject.settings, by_hand=by_hand, audited=audited, open_items=len(todo))
    ready = region_plan.arranged(
        [seen.item for seen in todo], audit, said, subject.settings,
        model=run, more_audit=more, seed=(subject.seed + (run or 0)) % 2**32,
    )  # fmt: skip
    return await ticket.write(suggestions.arrange, subject.project, ready.places, audit=ready.audit)
