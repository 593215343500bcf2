"""Regions through edits and undo: what was locked stays locked, undo leads back, and long polygons are judged at once."""

from __future__ import annotations

import math
import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.annotation import Answer, Region
from core.edits import History, PageDraft
from core.errors import BadInput
from core.geometry import Box, Polygon, _touch, invalid_reason, is_self_crossing
from core.ids import LabelId
from core.region_edits import Add, Choose, Delete, DeleteAll, Duplicate, Lock, RegionDraft, Relabel, Reshape, apply

SIZE_WH = (64, 48)
whole = st.integers(0, 40).map(float)
boxes = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), whole, whole, st.integers(1, 24), st.integers(1, 8))
labels = st.integers(1, 3).map(LabelId)
edits: Any = st.one_of(
    st.builds(Add, st.builds(Region, labels, boxes)),
    st.builds(Reshape, boxes),
    st.builds(Relabel, labels),
    st.sampled_from((Duplicate(), Delete(), DeleteAll(), Lock())),
    st.builds(Choose, st.integers(0, 6)),
)


def page(draft: RegionDraft) -> PageDraft:
    """What the screen keeps of a draft."""
    return PageDraft((), (Answer((), draft.regions),))


@settings(deadline=None, max_examples=300)
@given(st.lists(edits, max_size=40))
def test_undo_leads_back_and_redo_forward(sequence: list[Any]) -> None:
    """Undone to the beginning and done again, every state on the way is the one that was there before."""
    draft = RegionDraft()
    history, states = History(page(draft)), [draft.regions]
    for edit in sequence:
        try:
            draft = apply(draft, edit, SIZE_WH)
        except BadInput:
            continue
        history = history.changed(page(draft))
        if draft.regions != states[-1]:
            states.append(draft.regions)
    for regions in reversed(states[:-1]):
        history = history.undone()
        assert history.now.answers[0].regions == regions
    for regions in states[1:]:
        history = history.redone()
        assert history.now.answers[0].regions == regions


def test_undo_keeps_the_lock_on_its_region() -> None:
    """The first of two is deleted, the other locked, the deletion undone: the other is still the locked one."""
    first, second = (Region(LabelId(1), Box(x, 0, x + 10, 10)) for x in (0, 20))
    both = apply(apply(RegionDraft(), Add(first), SIZE_WH), Add(second), SIZE_WH)
    draft = apply(apply(apply(both, Choose(0), SIZE_WH), Delete(), SIZE_WH), Lock(), SIZE_WH).holding(both.regions)
    assert [draft.regions[n] for n in draft.locked] == [second]
    assert draft.chosen_region == second


@settings(deadline=None, max_examples=300)
@given(st.lists(boxes.map(lambda box: Region(LabelId(1), box)), unique=True, min_size=1, max_size=8), st.data())
def test_locks_and_the_choice_follow_their_regions(regions: list[Region], data: Any) -> None:
    """Whatever comes back or goes with an undo, locked and chosen regions are the same ones as before, or gone."""
    draft = RegionDraft(
        tuple(regions),
        data.draw(st.integers(0, len(regions) - 1)),
        data.draw(st.frozensets(st.integers(0, len(regions) - 1))),
    )
    kept = [region for region in regions if data.draw(st.booleans())]
    after = draft.holding(tuple(kept))
    locked = {draft.regions[n] for n in draft.locked}
    assert {after.regions[n] for n in after.locked} == locked & set(kept)
    assert after.chosen_region == (draft.chosen_region if draft.chosen_region in kept else None)
    back = after.holding(tuple(regions))
    assert {back.regions[n] for n in back.locked} == locked & set(kept)


@settings(deadline=None, max_examples=500)
@given(st.lists(st.tuples(whole, whole), min_size=3, max_size=9))
def test_crossings_are_found_by_the_sweep_as_by_looking_at_every_pair(points: list[tuple[float, float]]) -> None:
    """The fast test says of every polygon what the slow one says, touching corners and doubled points included."""
    count = len(points)
    edges = [(points[n], points[(n + 1) % count]) for n in range(count)]
    slow = any(
        (n - m) % count not in (1, count - 1) and _touch(*edges[m], *edges[n]) for n in range(count) for m in range(n)
    )
    assert is_self_crossing(Polygon(tuple(points))) == slow


def test_a_polygon_of_two_thousand_points_is_judged_at_once() -> None:
    """An outline of very many points may be nudged like any other: the check does not look at every pair of edges."""
    turns = [2 * math.pi * n / 2000 for n in range(2000)]
    ring = Polygon(tuple((500 + 400 * math.cos(turn), 500 + 400 * math.sin(turn)) for turn in turns))
    began = time.perf_counter()
    assert invalid_reason(ring, (1000, 1000)) is None
    assert time.perf_counter() - began < 1.0, "every pair would take eight seconds"
