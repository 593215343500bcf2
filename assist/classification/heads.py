"""Logistic regression on frozen features, for one label an image or several. Knows no database and no pictures."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold

from assist.errors import UnreadableModel

Floats = NDArray[np.float32]

FOLDS = 5
STRENGTH = 100.0
REACH = 3.0
MOST_STEPS = 300


@dataclass(frozen=True)
class Scaling:
    """What features go through first: each number varies alike, each group weighs the same, and none reaches far.

    The bound matters for images unlike any labeled one: a linear model would be surest of those, and wrong.

    Attributes:
        mean, scale: float32 (D,), of the features it was made from.
        reach: float32 (D,), where scaled numbers are cut off: `REACH` standard deviations.
    """

    mean: Floats
    scale: Floats
    reach: Floats

    def __call__(self, features: NDArray[np.floating]) -> Floats:
        """Float32 (N, D), scaled."""
        x = (features.astype(np.float32) - self.mean) * self.scale
        return np.clip(x, -self.reach, self.reach, out=x)


@dataclass(frozen=True)
class Head:
    """A linear model: logits = scaling(x) @ weights + bias.

    Attributes:
        weights, bias: float32 (D, C) and (C,).
        classes: the labels' ids, in the order of the columns.
        temperature: by which logits become probabilities.
    """

    scaling: Scaling
    weights: Floats
    bias: Floats
    classes: tuple[int, ...]
    temperature: float = 1.0

    def logits(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """(N, D) to (N, C)."""
        return np.asarray(self.scaling(features) @ self.weights + self.bias, dtype=np.float64)

    def to_bytes(self) -> bytes:
        """A stored form; inverse of `from_bytes`."""
        file = io.BytesIO()
        np.savez(
            file, mean=self.scaling.mean, scale=self.scaling.scale, reach=self.scaling.reach, weights=self.weights, bias=self.bias,
            classes=np.array(self.classes), temperature=np.array(self.temperature),
        )  # fmt: skip
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Head:
        """Read what `to_bytes` wrote. Raises UnreadableModel."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as found:
                classes = tuple(int(n) for n in found["classes"])
                scaling = Scaling(found["mean"], found["scale"], found["reach"])
                return cls(scaling, found["weights"], found["bias"], classes, float(found["temperature"]))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise UnreadableModel(error) from error


def fit_classes(features: Floats, labels: NDArray[np.int64], groups: Sequence[int], *, seed: int) -> Head:
    """A head for one label an image. `labels` (N) are label ids, at least two different ones."""
    scaling = _scaling(features, groups)
    model = _fit(scaling(features), labels, seed)
    weights, bias = model.coef_.T, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps one column for two classes
        weights, bias = np.hstack([-weights / 2, weights / 2]), np.array([-bias[0] / 2, bias[0] / 2])
    classes = tuple(int(n) for n in model.classes_)
    return Head(scaling, weights.astype(np.float32), bias.astype(np.float32), classes)


def fit_labels(
    features: Floats, truth: NDArray[np.bool_], classes: Sequence[int], groups: Sequence[int], *, seed: int
) -> Head:
    """A head for several labels an image: one regression a label. `truth` (N, C); labels all one way get a flat column."""
    scaling = _scaling(features, groups)
    x = scaling(features)
    weights = np.zeros((x.shape[1], len(classes)), dtype=np.float32)
    bias = np.zeros(len(classes), dtype=np.float32)
    for column in range(len(classes)):
        if truth[:, column].all() or not truth[:, column].any():
            bias[column] = 8.0 if truth[:, column].all() else -8.0
            continue
        model = _fit(x, truth[:, column].astype(np.int64), seed)
        weights[:, column], bias[column] = model.coef_[0], model.intercept_[0]
    return Head(scaling, weights, bias, tuple(classes))


def _fit(x: Floats, labels: NDArray[np.int64], seed: int) -> LogisticRegression:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough: the threshold is chosen on what it predicts
        return LogisticRegression(C=STRENGTH, max_iter=MOST_STEPS, random_state=seed).fit(x, labels)


def _scaling(features: Floats, groups: Sequence[int]) -> Scaling:
    """By these features (N, D); a group weighs the same, however long it is."""
    mean, deviation = features.mean(0), features.std(0)
    sizes = np.concatenate([np.full(size, size, dtype=np.float32) for size in groups])
    still = deviation < 1e-6
    scale = np.where(still, 0, 1 / np.where(still, 1, deviation)) / np.sqrt(sizes)
    return Scaling(mean.astype(np.float32), scale.astype(np.float32), (REACH / np.sqrt(sizes)).astype(np.float32))


def folds(labels: NDArray[np.int64] | None, n: int, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Splits into training and held-out rows; each row is held out once. Classes are spread evenly where they can be."""
    parts = min(FOLDS, n)
    if labels is not None and min(np.unique(labels, return_counts=True)[1]) >= parts:
        return list(StratifiedKFold(parts, shuffle=True, random_state=seed).split(np.zeros(n), labels))
    return list(KFold(parts, shuffle=True, random_state=seed).split(np.zeros(n)))


def held_out_classes(
    features: Floats, labels: NDArray[np.int64], classes: Sequence[int], groups: Sequence[int], *, seed: int
) -> NDArray[np.float64]:
    """Logits (N, C) of each row by a head that did not see it; a class that a fold lacks is far from likely there."""
    out = np.full((len(labels), len(classes)), -20.0)
    columns = {label: n for n, label in enumerate(classes)}
    for train, held in folds(labels, len(labels), seed):
        if len(np.unique(labels[train])) < 2:
            continue
        head = fit_classes(features[train], labels[train], groups, seed=seed)
        places = np.array([columns[label] for label in head.classes], dtype=np.int64)
        out[np.ix_(held, places)] = head.logits(features[held])
    return out


def held_out_labels(
    features: Floats, truth: NDArray[np.bool_], classes: Sequence[int], groups: Sequence[int], *, seed: int
) -> NDArray[np.float64]:
    """Logits (N, C) of each row by a head that did not see it."""
    out = np.full(truth.shape, -20.0)
    for train, held in folds(None, len(truth), seed):
        out[held] = fit_labels(features[train], truth[train], classes, groups, seed=seed).logits(features[held])
    return out
