"""The two jobs of the worker: featurize a project's pictures, and train on its answers. Each can be killed anywhere and goes on.

What is kept between attempts: embeddings on disk, what was learned in the run's row, predictions in the database. Items change
their place in the queue in one transaction at the very end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assist import plan
from assist.backbones import Backbone, open_backbone
from assist.device import Device
from assist.featurize import embed_missing, keys_of, look
from assist.heads import Head
from assist.learn import CannotLearn, Model, Verdict, examples_of, judge, learn
from assist.plan import Plan
from assist.ticket import Ticket, now_ms
from assist.vectors import Vectors
from core import learning, suggestions
from core.assist_schedule import FEATURIZE, TRAIN, growth
from core.doubts import Doubt
from core.ids import ItemId, ItemKind, ItemState, Source
from core.learning import RunState, Seen, Subject
from core.suggestions import Suggestion

SHARD = 1000
BY_PRELABEL = (Source.PRELABEL_ACCEPTED, Source.PRELABEL_CORRECTED)


@dataclass(frozen=True)
class Bench:
    """What a worker works with: its device, its folder, and the backbones that it has opened."""

    device: Device
    folder: Path
    opened: dict[str, Backbone]

    def backbone(self, name: str) -> Backbone:
        """The backbone of that name, loaded once. Raises BadInput."""
        if name not in self.opened:
            self.opened[name] = open_backbone(name, self.device)
        return self.opened[name]


@dataclass(frozen=True)
class Material:
    """A project's items that have an embedding, in the same order as the rows of `features`, float16 (N, D)."""

    items: list[Seen]
    features: NDArray[np.float16]
    groups: tuple[int, ...]

    def open_rows(self) -> NDArray[np.int64]:
        """Rows of items still to do."""
        return np.flatnonzero([seen.state is ItemState.TODO for seen in self.items])


async def featurize(ticket: Ticket, subject: Subject, bench: Bench) -> None:
    """Embed what is new, then place it: by the active model where there is one, else by likeness."""
    items = await look(ticket, subject)
    count = await ticket.db.read(learning.picture_count, subject.project)
    run = await _begin(ticket, subject, bench, FEATURIZE, count)
    material, figures = await _material(ticket, subject, bench, items, until=0.8)
    active = await ticket.db.read(learning.active_run, subject.project)
    weights = None if active is None else await ticket.db.read(learning.weights_of, active.id)
    if active is not None and weights is not None:
        model = Model(Head.from_bytes(weights), tuple(active.metrics["thresholds"]), active.metrics)
        await _infer(ticket, subject, material, model, active.id, since=0.8)
    else:
        ready = await asyncio.to_thread(_cold_plan, subject, material)
        await _place(ticket, subject, ready)
    await ticket.write(learning.end_run, run, RunState.DONE, now_ms=now_ms(), metrics=figures)


async def train(ticket: Ticket, subject: Subject, bench: Bench) -> None:
    """Learn from the answers, find out how far to trust it, predict everything open, and place it in the queue.

    Raises:
        CannotLearn: the answers do not make a model yet.
    """
    items = await look(ticket, subject)
    labeled = [seen for seen in items if seen.answer is not None]
    run = await _begin(ticket, subject, bench, TRAIN, len(labeled))
    material, _ = await _material(ticket, subject, bench, items, until=0.4)
    model = await _learned(ticket, subject, run, material)
    counts = await _infer(ticket, subject, material, model, run, since=0.6)
    shown = f"{counts[ItemKind.PRELABELED]} prelabeled, {counts[ItemKind.CLUSTERED]} in clusters, "
    line = f"{shown}{counts[ItemKind.MANUAL]} by hand. {model.metrics.get('why', '')}"
    await ticket.write(learning.end_run, run, RunState.ACTIVE, now_ms=now_ms(), line=line.strip())


async def _begin(ticket: Ticket, subject: Subject, bench: Bench, kind: str, labels: int) -> int:
    return await ticket.write(
        learning.start_run, subject.project, kind, ticket.job.id,
        device=bench.device.name, labels=labels, now_ms=now_ms(),
    )  # fmt: skip


async def _material(
    ticket: Ticket, subject: Subject, bench: Bench, items: list[Seen], *, until: float
) -> tuple[Material, dict[str, object]]:
    backbone = await asyncio.to_thread(bench.backbone, subject.settings.backbone)
    vectors = await asyncio.to_thread(Vectors, bench.folder / "features", backbone.id, sum(backbone.groups))
    figures = await embed_missing(ticket, subject, items, vectors, backbone, until=until)
    ticket.step(until)
    there = [(seen, key) for seen, key in zip(items, keys_of(subject, items), strict=True) if key in vectors]
    features = await asyncio.to_thread(vectors.take, [key for _, key in there])
    facts: dict[str, object] = {**figures.to_json(), "pictures": len(there), "backbone": backbone.id}
    return Material([seen for seen, _ in there], features, backbone.groups), facts


async def _learned(ticket: Ticket, subject: Subject, run: int, material: Material) -> Model:
    """The run's model: what an earlier attempt has learned, or learned now and kept."""
    if (weights := await ticket.db.read(learning.weights_of, run)) is not None:
        metrics = (await ticket.db.read(learning.run_by_id, run)).metrics
        return Model(Head.from_bytes(weights), tuple(metrics["thresholds"]), metrics)
    model, rows = await asyncio.to_thread(_fit, subject, material)
    ticket.step(0.6)
    metrics = {**model.metrics, "thresholds": list(model.thresholds), "target": subject.settings.target}
    found = [Doubt(material.items[rows[n]].item, sure, answer) for n, answer, sure in model.doubts]
    metrics["doubted"] = len(found)
    await ticket.write(learning.learned, run, model.head.to_bytes(), model.threshold, metrics, len(rows), found)
    return model


def _fit(subject: Subject, material: Material) -> tuple[Model, list[int]]:
    """The model, and the rows that it learned from."""
    known = set(subject.labels)
    rows = [n for n, seen in enumerate(material.items) if seen.answer is not None and seen.answer.label_set & known]
    if not rows:
        raise CannotLearn("No labeled image has a label that the project still has and a picture that can be read.")
    answers = [seen.answer for seen in material.items if seen.answer is not None and seen.answer.label_set & known]
    audit = [material.items[n].audit and material.items[n].source not in BY_PRELABEL for n in rows]
    examples = examples_of(answers, material.features[rows], audit, subject.labels)
    groups = material.groups
    target, seed = subject.settings.target, subject.seed % 2**32
    return learn(subject.task_type, examples, groups, target=target, seed=seed), rows


async def _infer(
    ticket: Ticket, subject: Subject, material: Material, model: Model, run: int, *, since: float
) -> Mapping[ItemKind, int]:
    """Predict every open item in shards, each kept as it is done, then change the queue at once."""
    rows = material.open_rows()
    verdicts: list[Verdict] = []
    for at in range(0, len(rows), SHARD):
        ticket.step(since + (0.95 - since) * at / len(rows))
        shard = rows[at : at + SHARD]
        found = await asyncio.to_thread(
            judge, subject.task_type, model.head, model.thresholds, material.features[shard]
        )
        await ticket.write(suggestions.put, run, _worth_keeping(material, shard, found))
        verdicts += found
    ready = await asyncio.to_thread(_model_plan, subject, material, rows, verdicts, run)
    ticket.step(0.95)
    return await _place(ticket, subject, ready)


def _worth_keeping(material: Material, rows: NDArray[np.int64], found: Sequence[Verdict]) -> list[Suggestion]:
    """What may be shown; audit items and doubtful ones get no row."""
    pairs = zip(rows.tolist(), found, strict=True)
    return [
        Suggestion(material.items[n].item, verdict.sure, verdict.suggested)
        for n, verdict in pairs
        if not verdict.suggested.is_empty and not material.items[n].audit
    ]


def _cold_plan(subject: Subject, material: Material) -> Plan:
    rows = material.open_rows()
    items, audit = _open(material, rows)
    return plan.cold(
        items, material.features[rows], audit, subject.settings,
        more_audit=_more_audit(subject, material), seed=subject.seed % 2**32,
    )  # fmt: skip


def _model_plan(
    subject: Subject, material: Material, rows: NDArray[np.int64], verdicts: Sequence[Verdict], run: int
) -> Plan:
    items, audit = _open(material, rows)
    return plan.with_model(
        items, material.features[rows], audit, verdicts, subject.settings,
        model=run, more_audit=_more_audit(subject, material), growth=_growth(subject, material), seed=(subject.seed + run) % 2**32,
    )  # fmt: skip


def _growth(subject: Subject, material: Material) -> int:
    return growth(subject.task_type, sum(seen.answer is not None for seen in material.items))


def _open(material: Material, rows: NDArray[np.int64]) -> tuple[list[ItemId], NDArray[np.bool_]]:
    seen = [material.items[n] for n in rows.tolist()]
    return [one.item for one in seen], np.array([one.audit for one in seen], dtype=bool)


def _more_audit(subject: Subject, material: Material) -> int:
    by_hand = sum(seen.answer is not None and seen.source not in BY_PRELABEL for seen in material.items)
    audited = sum(seen.audit for seen in material.items)
    open_items = len(material.open_rows())
    return plan.audit_wanted(subject.settings, by_hand=by_hand, audited=audited, open_items=open_items)


async def _place(ticket: Ticket, subject: Subject, ready: Plan) -> Mapping[ItemKind, int]:
    return await ticket.write(suggestions.arrange, subject.project, ready.places, audit=ready.audit)
