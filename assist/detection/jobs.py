"""The two jobs of the worker for projects of boxes or polygons: draw the audit sample, and train a detector.

Each can be killed anywhere and goes on: folds that are done lie in the worker's folder, what was learned in the run's row,
predictions in the database. PyTorch is loaded when the first training begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from assist.backbones import AUTO
from assist.detection import plan
from assist.detection.fold_cache import FoldCache
from assist.detection.images import decode_letterboxed
from assist.detection.training_run import train_and_evaluate
from assist.images import set_aside
from assist.runtime import BY_PRELABEL, Runtime, model_in_use, model_of_run, project_items, start_run
from assist.ticket import Ticket, now_ms
from core.assist import learning, suggestions
from core.assist.learning import RunState, Seen, Subject
from core.assist.schedule import FEATURIZE, TRAIN
from core.assist.suggestions import Suggestion
from core.ids import ItemId, ItemKind, ItemState, LabelId
from storage import open_store
from storage.base import Store

if TYPE_CHECKING:
    from assist.detection.train import TrainedDetector

SHARD = 32


async def draw_audit(ticket: Ticket, subject: Subject, runtime: Runtime) -> None:
    """Draw the audit sample; where a model is in use, it looks at the pictures that are new."""
    items = await project_items(ticket, subject)
    count = await ticket.db.read(learning.picture_count, subject.project)
    run = await start_run(ticket, subject, runtime, FEATURIZE, count)
    if used := await model_in_use(ticket, subject, _read):
        active, trained = used
        await _infer(ticket, subject, runtime, items, trained, active.metrics, active.id, since=0.1)
    else:
        await _place(ticket, subject, items, {}, None)
    await ticket.write(learning.end_run, run, RunState.DONE, now_ms=now_ms(), metrics={"pictures": count})


async def train(ticket: Ticket, subject: Subject, runtime: Runtime) -> None:
    """Learn from the drawn regions, find out how far to trust it, look at everything open, and place it in the queue.

    Raises:
        CannotTrain: the answers do not make a model yet.
    """
    items = await project_items(ticket, subject)
    labeled = [seen for seen in items if seen.answer is not None and seen.size_wh[0]]
    run = await start_run(ticket, subject, runtime, TRAIN, len(labeled))
    if (trained := await model_of_run(ticket, run, _read)) is None:
        await train_and_evaluate(ticket, subject, runtime, labeled, run)
        trained = await model_of_run(ticket, run, _read)
        assert trained is not None
    metrics = (await ticket.db.read(learning.run_by_id, run)).metrics
    counts = await _infer(ticket, subject, runtime, items, trained, metrics, run, since=0.75)
    line = f"{counts[ItemKind.PRELABELED]:,} prelabeled, {counts[ItemKind.MANUAL]:,} by hand. {_in_words(metrics)}"
    await ticket.write(learning.end_run, run, RunState.ACTIVE, now_ms=now_ms(), line=line.strip())
    FoldCache(runtime.folder, run).forget()


def _read(weights: bytes) -> TrainedDetector:
    from assist.detection.train import read_trained

    return read_trained(weights)


def _in_words(metrics: Mapping[str, Any]) -> str:
    if metrics.get("why"):
        return str(metrics["why"])
    untrusted = [name for name, found in metrics["by_class"].items() if found is None]
    part = metrics["image_right"]
    whole = f"Every region right and none missing on {part:.0%} of the audit images."
    whole = whole if part else "On no audit image was every region right and none missing."
    return f"{whole} Offered by letters only: {', '.join(untrusted)}." if untrusted else whole


async def _infer(
    ticket: Ticket, subject: Subject, runtime: Runtime, items: Sequence[Seen], trained: TrainedDetector, metrics: Mapping[str, Any],
    run: int, *, since: float,
) -> Mapping[ItemKind, int]:  # fmt: skip
    """Predict every open item in shards, each kept as it is done, then change the queue at once."""
    store = await asyncio.to_thread(open_store, subject.datastore)
    wanted = [seen for seen in items if seen.state is ItemState.TODO and not seen.audit and seen.size_wh[0]]
    said: dict[ItemId, Suggestion] = {}
    for at in range(0, len(wanted), SHARD):
        ticket.step(since + (0.95 - since) * at / len(wanted))
        shard = wanted[at : at + SHARD]
        there = await ticket.db.read(suggestions.predicted, run, [seen.item for seen in shard])
        new, unreadable = await asyncio.to_thread(
            _predict_shard, runtime, store, [seen for seen in shard if seen.item not in there], trained, metrics["thresholds"]
        )  # fmt: skip
        await ticket.write(suggestions.put, run, new)
        await set_aside(ticket, subject, unreadable)
        said |= {**there, **{one.item: one for one in new}}
    ticket.step(0.95)
    return await _place(ticket, subject, items, said, run)


def _predict_shard(
    runtime: Runtime, store: Store, shard: Sequence[Seen], trained: TrainedDetector, least: Sequence[float | None]
) -> tuple[list[Suggestion], Mapping[ItemId, str]]:
    from assist.detection.train import detect

    backbone: Any = runtime.backbone(AUTO)
    decoded = decode_letterboxed(store, shard, trained.hw)
    found = detect(trained, backbone, runtime.device, decoded)
    labels: Sequence[LabelId] = trained.classes
    said = [plan.suggestion(seen.item, some, labels, least) for seen, some in zip(decoded.items, found, strict=True)]
    return said, decoded.unreadable


async def _place(
    ticket: Ticket, subject: Subject, items: Sequence[Seen], said: Mapping[ItemId, Suggestion], run: int | None
) -> Mapping[ItemKind, int]:
    todo = [seen for seen in items if seen.state is ItemState.TODO]
    audit = np.array([seen.audit for seen in todo], dtype=bool)
    by_hand = sum(seen.answer is not None and seen.source not in BY_PRELABEL for seen in items)
    audited = sum(seen.audit for seen in items)
    more = plan.audit_wanted(subject.settings, by_hand=by_hand, audited=audited, open_items=len(todo))
    ready = plan.arranged(
        [seen.item for seen in todo], audit, said, subject.settings,
        model=run, more_audit=more, seed=(subject.seed + (run or 0)) % 2**32,
    )  # fmt: skip
    return await ticket.write(suggestions.arrange, subject.project, ready.places, audit=ready.audit)
