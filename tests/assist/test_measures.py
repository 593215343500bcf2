"""How the worker measures itself, and when it acts: on numbers that can be checked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assist import calibrate
from assist.classification import cluster, plan
from assist.classification.heads import Head, fit_classes
from assist.classification.train import Examples, Prediction, learn
from core.annotation import Answer
from core.assist.schedule import FEATURIZE, TRAIN, Facts, due, next_training
from core.assist.settings import AssistSettings, Order
from core.ids import ItemId, ItemKind, LabelId, TaskType


def test_the_bound_is_clopper_and_pearsons() -> None:
    """None wrong of 45 proves 95 % at nine chances in ten; 44 do not."""
    assert calibrate.lower_bound(45, 45) >= 0.95 > calibrate.lower_bound(44, 44)
    assert calibrate.lower_bound(0, 10) == 0.0
    assert calibrate.upper_bound(10, 10) == 1.0


def test_the_lowest_threshold_that_is_proven_is_chosen() -> None:
    """Right above 0.5 and wrong below: everything above is suggested, nothing below."""
    scores = np.linspace(0.99, 0.01, 200)
    found = calibrate.choose(scores, scores > 0.5, 0.9)
    assert found is not None
    assert 0.4 < found.score < 0.55
    assert found.bound >= 0.9


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=80))
def test_no_threshold_breaks_its_promise(pairs: list[tuple[float, bool]]) -> None:
    """Whatever the scores, what is chosen reaches the target on the audit sample with its bound."""
    scores = np.array([score for score, _ in pairs])
    right = np.array([hit for _, hit in pairs], dtype=bool)
    found = calibrate.choose(scores, right, 0.8)
    if found is not None:
        over = right[scores >= found.score]
        assert len(over) == found.n
        assert calibrate.lower_bound(int(over.sum()), len(over)) >= 0.8


def test_few_audit_images_are_said_to_be_few() -> None:
    """No threshold: the sentence says whether labels are missing or the model is not good enough."""
    assert "Only 3" in calibrate.why_none(np.ones(3), np.ones(3, dtype=bool), 0.95)
    assert "50% of 100" in calibrate.why_none(np.ones(100), np.arange(100) % 2 == 0, 0.95)


@pytest.mark.parametrize(("audited", "said"), [(20, "Only 20 labeled images"), (40, "No label is proven right 95%")])
def test_why_no_label_of_several_is_filled_in_is_said_of_images(audited: int, said: str) -> None:
    """Five labels an image at random: what is counted is images, not labels times images, and nothing is shown."""
    rng = np.random.default_rng(2)
    truth, audit = rng.random((80, 5)) < 0.3, np.arange(80) < audited
    examples = Examples(
        rng.normal(size=(80, 8)).astype(np.float32), truth, audit, tuple(LabelId(n) for n in range(1, 6))
    )
    model = learn(TaskType.MULTI_LABEL, examples, (8,), target=0.95, seed=1)
    assert str(model.metrics["why"]).startswith(said)
    assert model.threshold is None
    assert model.metrics["threshold"] is None


def test_of_several_labels_the_figures_are_of_what_is_shown() -> None:
    """Labels that can be told by one number each: nearly all of them are shown, and nearly all that are shown are right."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(300, 4)).astype(np.float32)
    examples = Examples(features, features[:, :3] > 0.5, np.ones(300, dtype=bool), (LabelId(1), LabelId(2), LabelId(3)))
    metrics = learn(TaskType.MULTI_LABEL, examples, (4,), target=0.8, seed=1).metrics
    assert metrics["labels_suggested"] == 3
    assert metrics["bound"] >= 0.8
    assert metrics["precision"] >= 0.8
    assert metrics["coverage"] >= 0.8
    assert metrics["curve"][-1][1] == 1.0  # every true label is among all of them


def test_temperature_tames_overconfidence() -> None:
    """A model that is right four times in five says so once it is calibrated."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 3000)
    said = np.where(rng.random(3000) < 0.8, labels, (labels + 1) % 3)
    logits = np.eye(3)[said] * 20
    at = calibrate.temperature(logits, labels)
    assert calibrate.probabilities(logits, at).max(1).mean() == pytest.approx(0.8, abs=0.03)


def test_a_head_survives_storage() -> None:
    """What was learned is the same after the worker was killed and started again."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 8)).astype(np.float32)
    head = fit_classes(x, (x[:, 0] > 0).astype(np.int64) + 5, (4, 4), seed=0)
    again = Head.from_bytes(replace(head, temperature=1.5).to_bytes())
    assert again.classes == (5, 6)
    assert again.temperature == 1.5
    assert np.allclose(again.logits(x), head.logits(x))
    assert (head.logits(x).argmax(1) == (x[:, 0] > 0)).mean() > 0.9


def test_an_image_unlike_any_labeled_one_is_not_the_surest() -> None:
    """However far from everything that it was fitted on, a head says no more than of what lies at the edge."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 8)).astype(np.float32)
    head = fit_classes(x, (x[:, 0] > 0).astype(np.int64), (4, 4), seed=0)
    strange = rng.normal(size=(20, 8)).astype(np.float32) * 1000
    assert np.allclose(head.logits(strange), head.logits(strange * 50))
    assert np.abs(head.logits(strange)).max() < 10 * np.abs(head.logits(x)).max()


def test_near_duplicates_share_a_page() -> None:
    """Copies with a little noise are grouped; no image is on two pages, and outliers are on none."""
    rng = np.random.default_rng(2)
    centers = rng.normal(size=(12, 64)) * 5
    rows = np.concatenate(
        [centers[n] + rng.normal(size=(9, 64)) * 0.05 for n in range(12)] + [rng.normal(size=(7, 64)) * 40]
    )
    pages = cluster.pages_by_likeness(rows, least_likeness=0.9, seed=0)
    placed = [row for page in pages for row in page.rows]
    assert len(placed) == len(set(placed))
    assert all(len({row // 9 for row in page.rows}) == 1 for page in pages)
    assert len([row for row in placed if row < 108]) >= 100
    assert not [row for row in placed if row >= 108]


def predictions(sure: list[float], suggested: list[bool]) -> list[Prediction]:
    """Verdicts for two labels in turn."""
    answers = [Answer((LabelId(n % 2),)) for n in range(len(sure))]
    return [Prediction(a, s, a if show else Answer()) for a, s, show in zip(answers, sure, suggested, strict=True)]


@pytest.mark.parametrize("order", list(Order))
def test_every_open_item_has_one_place_and_audit_items_a_manual_one(order: Order) -> None:
    """Whatever the order, each item is served once; what is prelabeled is what was sure enough."""
    rng = np.random.default_rng(3)
    count = 200
    sure = rng.uniform(0.3, 1, count)
    audit = np.zeros(count, dtype=bool)
    audit[:20] = True
    said = predictions(sure.tolist(), (sure > 0.8).tolist())
    items = [ItemId(n) for n in range(count)]
    ready = plan.with_model(
        items, rng.normal(size=(count, 16)), audit, said, AssistSettings(on=True, order=order),
        model=1, more_audit=10, growth=60, seed=0,
    )  # fmt: skip
    assert sorted(place.item for place in ready.places) == items
    assert len(ready.audit) == 10
    kinds = {place.item: place.kind for place in ready.places}
    assert {kinds[item] for item in [*items[:20], *ready.audit]} == {ItemKind.MANUAL}
    shown = {item for item, kind in kinds.items() if kind is ItemKind.PRELABELED}
    assert shown == {n for n in items if sure[n] > 0.8 and not audit[n]} - set(ready.audit)
    if order is Order.EASIEST:
        ranked = sorted((p.priority, sure[p.item]) for p in ready.places if p.item in shown)
        assert np.mean([s for _, s in ranked[:18]]) > np.mean([s for _, s in ranked[-18:]])


FACTS = Facts(TaskType.MULTI_CLASS, AssistSettings(on=True, first=100), 0, 500, 0, 500, None, None)


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        (FACTS, (FEATURIZE,)),
        (replace(FACTS, featurized=500), ()),
        (replace(FACTS, featurized=500, labeled=99), ()),
        (replace(FACTS, featurized=500, labeled=100), (TRAIN,)),
        (replace(FACTS, featurized=500, labeled=120, trained=100, assisted=50), ()),
        (replace(FACTS, featurized=500, labeled=135, trained=100, assisted=50), (TRAIN,)),
        (replace(FACTS, featurized=500, labeled=125, trained=100), (TRAIN,)),
        (replace(FACTS, featurized=400, labeled=300), (FEATURIZE,)),
        (replace(FACTS, featurized=500, labeled=500, todo=0), ()),
        (replace(FACTS, settings=AssistSettings()), ()),
        (replace(FACTS, task_type=TaskType.OBJECT_DETECTION), (FEATURIZE,)),
    ],
)
def test_it_acts_when_there_is_something_to_gain(facts: Facts, wanted: tuple[str, ...]) -> None:
    """New pictures are looked at; training starts at the project's number, and again when labels have grown enough."""
    assert due(facts) == wanted


def test_the_bar_to_the_next_training_moves_on() -> None:
    """After a training the next one is a third more labels away."""
    assert next_training(FACTS) == 100
    assert next_training(replace(FACTS, trained=1000, assisted=9)) == 1350
