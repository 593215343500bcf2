"""One training of a detector: its training set, what held-out folds find on audit images, thresholds, the model itself.

It can be killed anywhere and goes on: folds that are done lie in the worker's folder. PyTorch is loaded when it begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from assist.backbones import AUTO
from assist.detection import evaluate
from assist.detection.evaluate import EvaluatedImage
from assist.detection.fold_cache import FoldCache
from assist.detection.images import decode_letterboxed
from assist.detection.letterbox import input_hw
from assist.errors import CannotTrain
from assist.images import DecodedImages
from assist.runtime import BY_PRELABEL, Runtime
from assist.ticket import Ticket
from core.assist import learning
from core.assist.learning import Seen, Subject
from core.ids import TaskType
from core.project import projects
from storage import open_store
from storage.base import Store

if TYPE_CHECKING:
    from assist.detection.fit import TrainingSample
    from assist.detection.train import TrainedDetector, TrainingConfig
    from assist.lite import LiteBackbone

MOST_IMAGES = 600


@dataclass
class TrainingSet:
    """Labeled images, each with its letterboxed pixels and its training samples."""

    items: list[Seen] = field(default_factory=list)
    decoded: list[DecodedImages] = field(default_factory=list)
    samples: list[list[TrainingSample]] = field(default_factory=list)

    @property
    def audit(self) -> list[bool]:
        """Whether each image may tell how good a model is."""
        return [seen.audit and seen.source not in BY_PRELABEL for seen in self.items]


async def train_and_evaluate(
    ticket: Ticket, subject: Subject, runtime: Runtime, labeled: Sequence[Seen], run: int
) -> None:
    """Train on each fold and on everything; the model, its thresholds and its metrics are kept in the run's row.

    Raises:
        CannotTrain: there is too little to train on.
    """
    backbone: Any = await asyncio.to_thread(runtime.backbone, AUTO)
    config = _config(subject, runtime, backbone, labeled)
    training_set = await _training_set(ticket, subject, config, _some(labeled, subject.seed))
    evaluated = await _hold_out(ticket, config, runtime, training_set, FoldCache(runtime.folder, run))
    trained = await _train_on(ticket, config, training_set, range(len(training_set.items)), (0.6, 0.75))
    names = await ticket.db.read(projects.label_classes, subject.project)
    paths = {label.id: label.path for label in names}
    least = evaluate.thresholds(evaluated, len(config.classes), subject.settings.target)
    metrics = {
        **evaluate.metrics(evaluated, least, [paths[n] for n in config.classes], subject.settings.target),
        "labels": len(training_set.items), "backbone": backbone.id, "target": subject.settings.target,
        "seed": config.seed, "thresholds": [one.score if one else None for one in least],
    }  # fmt: skip
    doubts = evaluate.doubts(evaluated, least, config.classes)
    metrics["doubted"] = len(doubts)
    weights = await asyncio.to_thread(trained.to_bytes, backbone.id)
    await ticket.write(learning.learned, run, weights, metrics["threshold"], metrics, len(labeled), doubts)


def _config(subject: Subject, runtime: Runtime, backbone: LiteBackbone, labeled: Sequence[Seen]) -> TrainingConfig:
    """Raises CannotTrain where there is too little to train on."""
    from assist.detection.train import TrainingConfig

    if len(labeled) < evaluate.LEAST_IMAGES:
        raise CannotTrain(
            f"{len(labeled)} labeled images are too few to learn from; {evaluate.LEAST_IMAGES} are the least."
        )
    used = {label for seen in labeled if seen.answer is not None for label in seen.answer.label_set}
    classes = tuple(label for label in subject.labels if label in used)
    if not classes:
        raise CannotTrain(
            "No labeled image has a region of a label that the project still has. Label on; it tries again."
        )
    with_masks = subject.task_type is TaskType.INSTANCE_SEGMENTATION
    hw = input_hw([seen.size_wh for seen in labeled])
    return TrainingConfig(backbone, runtime.device, classes, hw, with_masks, subject.seed % 2**32)


def _some(labeled: Sequence[Seen], seed: int) -> list[Seen]:
    """As many as fit in memory, drawn at random where there are more."""
    if len(labeled) <= MOST_IMAGES:
        return list(labeled)
    chosen = np.random.default_rng(seed).choice(len(labeled), MOST_IMAGES, replace=False)
    return [labeled[n] for n in sorted(chosen.tolist())]


async def _training_set(
    ticket: Ticket, subject: Subject, config: TrainingConfig, labeled: Sequence[Seen]
) -> TrainingSet:
    from assist.detection.train import samples_an_image

    store = await asyncio.to_thread(open_store, subject.datastore)
    training_set, count = TrainingSet(), samples_an_image(len(labeled))
    for n, seen in enumerate(labeled):
        ticket.step(0.15 * n / len(labeled))
        await asyncio.to_thread(_add, training_set, store, config, seen, count)
    if len(training_set.items) < evaluate.LEAST_IMAGES:
        raise CannotTrain(f"Only {len(training_set.items)} labeled images can be read; that is too few to learn from.")
    return training_set


def _add(training_set: TrainingSet, store: Store, config: TrainingConfig, seen: Seen, count: int) -> None:
    from assist.detection.train import training_samples

    decoded = decode_letterboxed(store, [seen], config.hw)
    if decoded.images and seen.answer is not None:
        seed = (config.seed + seen.item) % 2**32
        training_set.items.append(seen)
        training_set.decoded.append(decoded)
        training_set.samples.append(
            training_samples(config, decoded.images[0], seen.answer.regions, seen.size_wh, count, seed)
        )


async def _hold_out(
    ticket: Ticket, config: TrainingConfig, runtime: Runtime, training_set: TrainingSet, kept: FoldCache
) -> list[EvaluatedImage]:
    """Each audit image beside what a detector finds on it that was not trained on it."""
    from assist.detection.train import detect

    parts = evaluate.folds(np.array(training_set.audit, dtype=bool), config.seed)
    evaluated: list[EvaluatedImage] = []
    for n, part in enumerate(parts):
        items = [training_set.items[row].item for row in part.tolist()]
        found = kept.read(n, items)
        if found is None:
            span = (0.15 + 0.45 * n / len(parts), 0.15 + 0.45 * (n + 1) / len(parts))
            trained = await _train_on(
                ticket, config, training_set, np.setdiff1d(range(len(training_set.items)), part).tolist(), span
            )
            decoded = [training_set.decoded[row] for row in part.tolist()]
            found = [
                (await asyncio.to_thread(detect, trained, config.backbone, runtime.device, one))[0] for one in decoded
            ]
            kept.write(n, items, found)
        drawn = [training_set.items[row].answer for row in part.tolist()]
        evaluated += [
            evaluate.evaluate(item, one, answer.regions if answer else (), config.classes)
            for one, answer, item in zip(found, drawn, items, strict=True)
        ]
    return evaluated


async def _train_on(
    ticket: Ticket, config: TrainingConfig, training_set: TrainingSet, rows: Sequence[int], span: tuple[float, float]
) -> TrainedDetector:
    from assist.detection.train import train_detector

    samples = [sample for row in rows for sample in training_set.samples[row]]

    def tick(part: float) -> None:
        ticket.step(span[0] + (span[1] - span[0]) * part)

    return await asyncio.to_thread(train_detector, config, samples, len(rows), tick)
