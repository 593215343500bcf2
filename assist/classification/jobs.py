"""The two jobs of the worker: featurize a project's pictures, and train on its answers. Each can be killed anywhere and goes on.

What is kept between attempts: embeddings on disk, what was learned in the run's row, predictions in the database. Items change
their place in the queue in one transaction at the very end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assist.classification import plan
from assist.classification.embeddings import EmbeddingStore
from assist.classification.featurize import embed_missing, keys_of
from assist.classification.heads import Head
from assist.classification.train import LEAST_EXAMPLES, Model, Prediction, examples_of, learn, predict
from assist.errors import CannotTrain
from assist.queue_plan import Plan
from assist.runtime import BY_PRELABEL, Runtime, model_in_use, model_of_run, project_items, start_run
from assist.ticket import Ticket, now_ms
from core.assist import learning, suggestions
from core.assist.doubts import Doubt
from core.assist.learning import RunState, Seen, Subject
from core.assist.schedule import FEATURIZE, TRAIN, growth
from core.assist.suggestions import Suggestion
from core.ids import ItemId, ItemKind, ItemState

SHARD = 1000


@dataclass(frozen=True)
class EmbeddedItems:
    """A project's items that have an embedding, in the same order as the rows of `features`, float16 (N, D)."""

    items: list[Seen]
    features: NDArray[np.float16]
    groups: tuple[int, ...]

    def open_rows(self) -> NDArray[np.int64]:
        """Rows of items still to do."""
        return np.flatnonzero([seen.state is ItemState.TODO for seen in self.items])


async def featurize(ticket: Ticket, subject: Subject, runtime: Runtime) -> None:
    """Embed what is new, then place it: by the active model where there is one, else by likeness."""
    items = await project_items(ticket, subject)
    count = await ticket.db.read(learning.picture_count, subject.project)
    run = await start_run(ticket, subject, runtime, FEATURIZE, count)
    embedded, figures = await _embedded_items(ticket, subject, runtime, items, until=0.8)
    if used := await model_in_use(ticket, subject, Head.from_bytes):
        active, head = used
        model = Model(head, tuple(active.metrics["thresholds"]), active.metrics)
        await _infer(ticket, subject, embedded, model, active.id, since=0.8)
    else:
        ready = await asyncio.to_thread(_cold_plan, subject, embedded)
        await _place(ticket, subject, ready)
    await ticket.write(learning.end_run, run, RunState.DONE, now_ms=now_ms(), metrics=figures)


async def train(ticket: Ticket, subject: Subject, runtime: Runtime) -> None:
    """Learn from the answers, find out how far to trust it, predict everything open, and place it in the queue.

    Raises:
        CannotTrain: the answers do not make a model yet.
    """
    items = await project_items(ticket, subject)
    labeled = [seen for seen in items if seen.answer is not None]
    run = await start_run(ticket, subject, runtime, TRAIN, len(labeled))
    embedded, _ = await _embedded_items(ticket, subject, runtime, items, until=0.4)
    model = await _trained_model(ticket, subject, run, embedded)
    counts = await _infer(ticket, subject, embedded, model, run, since=0.6)
    shown = f"{counts[ItemKind.PRELABELED]:,} prelabeled, {counts[ItemKind.CLUSTERED]:,} in clusters, "
    line = f"{shown}{counts[ItemKind.MANUAL]:,} by hand. {_in_words(model.metrics)}"
    await ticket.write(learning.end_run, run, RunState.ACTIVE, now_ms=now_ms(), line=line.strip())


def _in_words(metrics: Mapping[str, Any]) -> str:
    """What is to be said of a model beside its figures."""
    if metrics.get("why") or "labels_suggested" not in metrics:
        return str(metrics.get("why", ""))
    return f"Proven and filled in: {metrics['labels_suggested']} of {metrics['classes']} labels."


async def _embedded_items(
    ticket: Ticket, subject: Subject, runtime: Runtime, items: list[Seen], *, until: float
) -> tuple[EmbeddedItems, dict[str, object]]:
    backbone = await asyncio.to_thread(runtime.backbone, subject.settings.backbone)
    embeddings = await asyncio.to_thread(EmbeddingStore, runtime.folder / "features", backbone.id, sum(backbone.groups))
    figures = await embed_missing(ticket, subject, items, embeddings, backbone, until=until)
    ticket.step(until)
    there = [(seen, key) for seen, key in zip(items, keys_of(subject, items), strict=True) if key in embeddings]
    features = await asyncio.to_thread(embeddings.take, [key for _, key in there])
    facts: dict[str, object] = {**figures.to_json(), "pictures": len(there), "backbone": backbone.id}
    return EmbeddedItems([seen for seen, _ in there], features, backbone.groups), facts


async def _trained_model(ticket: Ticket, subject: Subject, run: int, embedded: EmbeddedItems) -> Model:
    """The run's model: what an earlier attempt has learned, or learned now and kept."""
    if (head := await model_of_run(ticket, run, Head.from_bytes)) is not None:
        metrics = (await ticket.db.read(learning.run_by_id, run)).metrics
        return Model(head, tuple(metrics["thresholds"]), metrics)
    model, rows = await asyncio.to_thread(_train, subject, embedded)
    ticket.step(0.6)
    metrics = {**model.metrics, "thresholds": list(model.thresholds), "target": subject.settings.target}
    found = [Doubt(embedded.items[rows[n]].item, sure, answer) for n, answer, sure in model.doubts]
    metrics["doubted"] = len(found)
    await ticket.write(learning.learned, run, model.head.to_bytes(), model.threshold, metrics, len(rows), found)
    return model


def _train(subject: Subject, embedded: EmbeddedItems) -> tuple[Model, list[int]]:
    """The model, and the rows that it learned from."""
    known = set(subject.labels)
    answers = {
        n: seen.answer
        for n, seen in enumerate(embedded.items)
        if seen.answer is not None and seen.answer.label_set & known
    }
    if not any(seen.answer is not None for seen in embedded.items):
        raise CannotTrain(f"No image is labeled yet; {LEAST_EXAMPLES} labeled images are the least to learn from.")
    if not answers:
        raise CannotTrain("No labeled image has a label that the project still has and a picture that can be read.")
    rows = list(answers)
    audit = [embedded.items[n].audit and embedded.items[n].source not in BY_PRELABEL for n in rows]
    examples = examples_of(list(answers.values()), embedded.features[rows], audit, subject.labels)
    target, seed = subject.settings.target, subject.seed % 2**32
    return learn(subject.task_type, examples, embedded.groups, target=target, seed=seed), rows


async def _infer(
    ticket: Ticket, subject: Subject, embedded: EmbeddedItems, model: Model, run: int, *, since: float
) -> Mapping[ItemKind, int]:
    """Predict every open item in shards, each kept as it is done, then change the queue at once."""
    rows = embedded.open_rows()
    predictions: list[Prediction] = []
    for at in range(0, len(rows), SHARD):
        ticket.step(since + (0.95 - since) * at / len(rows))
        shard = rows[at : at + SHARD]
        found = await asyncio.to_thread(
            predict, subject.task_type, model.head, model.thresholds, embedded.features[shard]
        )
        await ticket.write(suggestions.put, run, _worth_keeping(embedded, shard, found))
        predictions += found
    ready = await asyncio.to_thread(_model_plan, subject, embedded, rows, predictions, run)
    ticket.step(0.95)
    return await _place(ticket, subject, ready)


def _worth_keeping(embedded: EmbeddedItems, rows: NDArray[np.int64], found: Sequence[Prediction]) -> list[Suggestion]:
    """What may be shown; audit items and doubtful ones get no row."""
    pairs = zip(rows.tolist(), found, strict=True)
    return [
        Suggestion(embedded.items[n].item, prediction.sure, prediction.suggested)
        for n, prediction in pairs
        if not prediction.suggested.is_empty and not embedded.items[n].audit
    ]


def _cold_plan(subject: Subject, embedded: EmbeddedItems) -> Plan:
    rows = embedded.open_rows()
    items, audit = _open(embedded, rows)
    return plan.cold(
        items, embedded.features[rows], audit, subject.settings,
        more_audit=_more_audit(subject, embedded), seed=subject.seed % 2**32,
    )  # fmt: skip


def _model_plan(
    subject: Subject, embedded: EmbeddedItems, rows: NDArray[np.int64], predictions: Sequence[Prediction], run: int
) -> Plan:
    items, audit = _open(embedded, rows)
    return plan.with_model(
        items, embedded.features[rows], audit, predictions, subject.settings,
        model=run, more_audit=_more_audit(subject, embedded), growth=_growth(subject, embedded), seed=(subject.seed + run) % 2**32,
    )  # fmt: skip


def _growth(subject: Subject, embedded: EmbeddedItems) -> int:
    return growth(subject.task_type, sum(seen.answer is not None for seen in embedded.items))


def _open(embedded: EmbeddedItems, rows: NDArray[np.int64]) -> tuple[list[ItemId], NDArray[np.bool_]]:
    seen = [embedded.items[n] for n in rows.tolist()]
    return [one.item for one in seen], np.array([one.audit for one in seen], dtype=bool)


def _more_audit(subject: Subject, embedded: EmbeddedItems) -> int:
    by_hand = sum(seen.answer is not None and seen.source not in BY_PRELABEL for seen in embedded.items)
    audited = sum(seen.audit for seen in embedded.items)
    open_items = len(embedded.open_rows())
    return plan.audit_wanted(subject.settings, by_hand=by_hand, audited=audited, open_items=open_items)


async def _place(ticket: Ticket, subject: Subject, ready: Plan) -> Mapping[ItemKind, int]:
    return await ticket.write(suggestions.arrange, subject.project, ready.places, audit=ready.audit)
