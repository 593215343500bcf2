"""From labeled examples to a model that can be trusted so far: fit, held-out estimate, temperature, threshold. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from assist import calibrate
from assist.classification import confident_learning, heads
from assist.classification.heads import Head
from assist.errors import CannotTrain
from core.annotation import Answer
from core.ids import LabelId, TaskType

LEAST_EXAMPLES = 10
MAYBE = 0.5


@dataclass(frozen=True)
class Examples:
    """What is learned from.

    Attributes:
        features: float32 (N, D).
        truth: bool (N, C), which labels each has.
        audit: bool (N), the rows that may tell how good the model is.
        classes: the labels' ids, (C).
    """

    features: NDArray[np.float32]
    truth: NDArray[np.bool_]
    audit: NDArray[np.bool_]
    classes: tuple[LabelId, ...]

    @property
    def single(self) -> NDArray[np.int64]:
        """The label id of each row, where each has one."""
        labels: NDArray[np.int64] = np.asarray(self.classes, dtype=np.int64)
        found: NDArray[np.int64] = labels[self.truth.argmax(1)]
        return found


class LabelIssue(NamedTuple):
    """A row of the examples, what a model would answer instead, and how sure it is."""

    row: int
    answer: Answer
    sure: float


@dataclass(frozen=True)
class Model:
    """A fitted head and what is known of it; `thresholds` are by label in multi-label, all the same in multi-class.

    `doubts` are about examples whose labels a head that has not seen them confidently disagrees with, the surest first.
    """

    head: Head
    thresholds: tuple[float | None, ...]
    metrics: Mapping[str, Any]
    doubts: tuple[LabelIssue, ...] = ()

    @property
    def threshold(self) -> float | None:
        """The lowest score that any suggestion has; None where nothing is suggested."""
        return min((t for t in self.thresholds if t is not None), default=None)


@dataclass(frozen=True)
class Prediction:
    """What a model says of one item.

    Attributes:
        answer: what it would answer.
        sure: the chance that this is right, 0 to 1.
        suggested: what of it may be shown to a labeler; empty where nothing is sure enough.
    """

    answer: Answer
    sure: float
    suggested: Answer


def examples_of(
    answers: Sequence[Answer], features: NDArray[np.floating], audit: Sequence[bool], labels: Sequence[LabelId]
) -> Examples:
    """Answers as arrays; labels that no answer has are left out. Raises CannotTrain where there is too little to learn from."""
    used = tuple(label for label in labels if any(label in answer.labels for answer in answers))
    if len(answers) < LEAST_EXAMPLES:
        raise CannotTrain(f"{len(answers)} labeled images are too few to learn from; {LEAST_EXAMPLES} are the least.")
    if len(used) < 2:
        raise CannotTrain(
            "All labels so far are the same one; a model needs images of at least two labels. Label on; it tries again."
        )
    truth = np.array([[label in answer.labels for label in used] for answer in answers])
    return Examples(np.asarray(features, dtype=np.float32), truth, np.asarray(audit, dtype=bool), used)


def learn(task_type: TaskType, examples: Examples, groups: Sequence[int], *, target: float, seed: int) -> Model:
    """Fit, and say how far the model may be trusted at this target precision. Raises CannotTrain."""
    if not np.isfinite(examples.features).all():
        raise CannotTrain(
            "Some embeddings are not finite; delete the learning worker's feature folder and train again."
        )
    if float(examples.features.std(0).max()) < 1e-6:
        raise CannotTrain("All labeled images look exactly the same to the model; it cannot tell their labels apart.")
    if task_type is TaskType.MULTI_CLASS:
        return _learn_classes(examples, groups, target=target, seed=seed)
    return _learn_labels(examples, groups, target=target, seed=seed)


def _learn_classes(examples: Examples, groups: Sequence[int], *, target: float, seed: int) -> Model:
    labels = examples.single
    held_out = heads.held_out_classes(examples.features, labels, examples.classes, groups, seed=seed)
    head = heads.fit_classes(examples.features, labels, groups, seed=seed)
    columns = np.searchsorted(np.sort(examples.classes), labels)
    order = np.argsort(examples.classes)
    at = calibrate.temperature(held_out[:, order], columns)
    chance = calibrate.probabilities(held_out[:, order], at)
    right = chance.argmax(1) == columns
    scores, hits = chance.max(1)[examples.audit], right[examples.audit]
    found = calibrate.choose(scores, hits, target) if len(scores) >= calibrate.LEAST_AUDIT else None
    metrics = {
        **_figures(examples, right, at), **_threshold_figures(found),
        "why": "" if found else calibrate.why_none(scores, hits, target), "curve": calibrate.curve(scores, hits),
    }  # fmt: skip
    ordered = [examples.classes[n] for n in order]
    doubts = [
        LabelIssue(row, Answer((ordered[said],)), sure)
        for row, said, sure in confident_learning.of_classes(chance, columns)
    ]
    least = (found.score if found else None,) * len(head.classes)
    return Model(replace(head, temperature=at), least, metrics, tuple(doubts))


def _learn_labels(examples: Examples, groups: Sequence[int], *, target: float, seed: int) -> Model:
    logits = heads.held_out_labels(examples.features, examples.truth, examples.classes, groups, seed=seed)
    head = heads.fit_labels(examples.features, examples.truth, examples.classes, groups, seed=seed)
    chance = expit(logits)
    right = ((chance >= MAYBE) == examples.truth).all(1)
    found = [
        _label_threshold(chance[:, n], examples.truth[:, n], examples.audit, target) for n in range(chance.shape[1])
    ]
    least = np.array([np.inf if one is None else one.score for one in found])
    said, truth = chance[examples.audit], examples.truth[examples.audit]
    metrics = {
        **_figures(examples, right, 1.0), **_label_figures(found, said >= least, truth),
        "why": "" if any(found) else _why_no_label(len(said), target),
        "curve": calibrate.curve(said.ravel(), truth.ravel(), of=int(truth.sum())),
    }  # fmt: skip
    doubts = [
        LabelIssue(row, Answer(tuple(examples.classes[n] for n in np.flatnonzero(said))), sure)
        for row, said, sure in confident_learning.of_labels(chance, examples.truth)
    ]
    return Model(head, tuple(one.score if one else None for one in found), metrics, tuple(doubts))


def _label_threshold(
    chance: NDArray[np.float64], truth: NDArray[np.bool_], audit: NDArray[np.bool_], target: float
) -> calibrate.Threshold | None:
    """From what score this label is right often enough, looked for over MAYBE."""
    over = audit & (chance >= MAYBE)
    return calibrate.choose(chance[over], truth[over], target)


def _label_figures(
    found: Sequence[calibrate.Threshold | None], shown: NDArray[np.bool_], truth: NDArray[np.bool_]
) -> dict[str, Any]:
    """Of the audit images' labels: the part that would have been shown, and how much of what was shown was right."""
    good = [one for one in found if one is not None]
    if not good:
        return {"threshold": None, "labels_suggested": 0}
    right = int((shown & truth).sum())
    return {
        "threshold": round(min(one.score for one in good), 4), "coverage": round(right / max(1, int(truth.sum())), 4),
        "precision": round(right / max(1, int(shown.sum())), 4), "bound": round(min(one.bound for one in good), 4),
        "labels_suggested": len(good),
    }  # fmt: skip


def _why_no_label(audited: int, target: float) -> str:
    if audited < calibrate.LEAST_AUDIT:
        return calibrate.too_few(audited, calibrate.LEAST_AUDIT)
    return (
        f"No label is proven right {target:.0%} of the time at any score, so none is filled in for you. "
        "More labels, or a lower target, will help."
    )


def _figures(examples: Examples, right: NDArray[np.bool_], at: float) -> dict[str, Any]:
    audit = examples.audit
    return {
        "labels": len(right), "audit": int(audit.sum()), "classes": len(examples.classes), "temperature": round(at, 4),
        "accuracy": round(float(right.mean()), 4),
        "audit_accuracy": round(float(right[audit].mean()), 4) if audit.any() else None,
    }  # fmt: skip


def _threshold_figures(found: calibrate.Threshold | None) -> dict[str, Any]:
    if found is None:
        return {"threshold": None}
    return {
        "threshold": round(found.score, 4), "coverage": round(found.coverage, 4),
        "precision": round(found.precision, 4), "bound": round(found.bound, 4),
    }  # fmt: skip


def predict(
    task_type: TaskType, head: Head, thresholds: Sequence[float | None], features: NDArray[np.floating]
) -> list[Prediction]:
    """What the model says of each row of features (N, D)."""
    if not len(features):
        return []
    logits = head.logits(features)
    if task_type is TaskType.MULTI_CLASS:
        return _predict_classes(head, thresholds, calibrate.probabilities(logits, head.temperature))
    return _predict_labels(head, thresholds, expit(logits))


def _predict_classes(head: Head, thresholds: Sequence[float | None], chance: NDArray[np.float64]) -> list[Prediction]:
    predictions = []
    for best, sure in zip(chance.argmax(1), chance.max(1), strict=True):
        answer = Answer((LabelId(head.classes[best]),))
        least = thresholds[best]
        predictions.append(Prediction(answer, float(sure), answer if least is not None and sure >= least else Answer()))
    return predictions


def _predict_labels(head: Head, thresholds: Sequence[float | None], chance: NDArray[np.float64]) -> list[Prediction]:
    predictions = []
    for row in chance:
        answer = tuple(LabelId(head.classes[n]) for n in np.flatnonzero(row >= MAYBE))
        sure = float(np.maximum(row, 1 - row).prod())
        shown = [head.classes[n] for n, t in enumerate(thresholds) if t is not None and row[n] >= t]
        predictions.append(Prediction(Answer(answer), sure, Answer(tuple(LabelId(n) for n in shown))))
    return predictions
