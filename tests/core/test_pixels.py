"""Snapping, polygons and proposals from pixels, on photos that ship with Tagline and on shapes whose edges are known."""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.geometry import Box, box_iou, invalid_reason
from core.pixels.proposals import at_point, propose
from core.pixels.snap import box_of_extremes, box_to_polygon, extremes_to_polygon, snap_box
from sshd.demo import PHOTOS
from storage.images import decode

PHOTO = decode((PHOTOS / "cells" / "BloodImage_00000.jpg").read_bytes())
DISC = Box(90, 60, 171, 141)  # pixels 90 to 170 and 60 to 140 are dark
WHITE_CELL = Box(260, 177, 491, 376)  # as the set's authors drew it


@pytest.fixture
def disc() -> NDArray[np.uint8]:
    """A dark disc on a bright, slightly noisy ground, as under a microscope."""
    image = np.full((220, 260, 3), (215, 205, 200), np.uint8)
    cv2.circle(image, (130, 100), 40, (120, 70, 140), -1, cv2.LINE_AA)
    noise = np.random.default_rng(3).normal(0, 4, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


boxes = st.tuples(st.floats(-50, 690), st.floats(-50, 530), st.floats(1, 500), st.floats(1, 500)).map(
    lambda v: Box(v[0], v[1], v[0] + v[2], v[1] + v[3])
)


def test_a_loose_box_becomes_the_objects_box(disc: NDArray[np.uint8]) -> None:
    """`e` on a hurried box around one clear object gives the box that a careful person draws."""
    found = snap_box(disc, Box(72, 45, 188, 158))
    assert found is not None
    assert box_iou(found, DISC) > 0.9


def test_a_tight_box_stays_as_it_is(disc: NDArray[np.uint8]) -> None:
    """`e` pressed again does not eat into the object: nothing says that the box is loose."""
    assert snap_box(disc, DISC) is None


def test_nothing_clear_changes_nothing() -> None:
    """Where the image is even, `e` says so instead of guessing."""
    assert snap_box(np.full((200, 200, 3), 90, np.uint8), Box(20, 20, 150, 150)) is None


@settings(max_examples=25, deadline=None)
@given(boxes)
def test_a_snapped_box_lies_inside_the_drawn_one(box: Box) -> None:
    """Whatever box is drawn on a real photo, snapping gives a valid smaller one or leaves it alone, and twice the same."""
    found = snap_box(PHOTO, box)
    assert found == snap_box(PHOTO, box)
    if found is not None:
        assert invalid_reason(found, (640, 480)) is None
        assert found.x0 >= box.x0
        assert found.y1 <= box.y1
        assert found.area < box.area


@settings(max_examples=25, deadline=None)
@given(boxes)
def test_a_box_always_becomes_a_valid_polygon(box: Box) -> None:
    """Whatever box is drawn, its polygon can be stored: inside the image, uncrossed, with an area."""
    drawn = Box(max(0, box.x0), max(0, box.y0), min(640, box.x1), min(480, box.y1))
    if drawn.x1 - drawn.x0 >= 1 and drawn.y1 - drawn.y0 >= 1:
        assert invalid_reason(box_to_polygon(PHOTO, box), (640, 480)) is None


def test_a_polygon_follows_the_object(disc: NDArray[np.uint8]) -> None:
    """The polygon of a box around a disc covers the disc and no corner of the box."""
    extremes = [(130.0, 60.0), (170.0, 100.0), (130.0, 140.0), (90.0, 100.0)]
    truth = np.zeros(disc.shape[:2], np.uint8)
    cv2.circle(truth, (130, 100), 40, 1, -1)
    for polygon in (box_to_polygon(disc, DISC), extremes_to_polygon(disc, extremes)):
        drawn = np.zeros_like(truth)
        cv2.fillPoly(drawn, [np.round(polygon.points).astype(np.int32)], 1)
        assert (truth & drawn).sum() / (truth | drawn).sum() > 0.93
        assert len(polygon.points) < 60


def test_four_points_make_a_box_in_any_order() -> None:
    """Extreme points may be given in the order that suits the hand."""
    assert box_of_extremes([(5, 9), (1, 4), (7, 3), (4, 1)]) == Box(1, 1, 7, 9)


def test_proposals_are_usable_and_distinct() -> None:
    """Each proposed box can be stored, the best come first, and no two are nearly the same."""
    found = propose(PHOTO, 40)
    assert len(found) == 40
    assert all(invalid_reason(one.box, (640, 480)) is None for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(box_iou(a.box, b.box) < 0.65 for a, b in combinations(found, 2))


def test_the_white_cell_is_proposed() -> None:
    """The one large dark cell of a real photo is among the boxes that letters are put on, and a point in it means it."""
    found = propose(PHOTO, 25)
    assert max(box_iou(one.box, WHITE_CELL) for one in found) > 0.6


def test_what_is_drawn_is_not_proposed_again() -> None:
    """Letters go to what is left to draw, not to boxes that are there."""
    assert all(box_iou(one.box, WHITE_CELL) < 0.55 for one in propose(PHOTO, 40, [WHITE_CELL]))


def test_a_point_means_the_proposal_around_it(disc: NDArray[np.uint8]) -> None:
    """One point inside an object is enough for its box; a point where nothing is proposed gives none."""
    found = propose(disc, 10)
    assert (chosen := at_point(found, (128, 104))) is not None
    assert box_iou(chosen, DISC) > 0.85
    assert at_point((), (10, 10)) is None


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 900, 3), (40, 2, 3), (64, 64, 3)])
def test_odd_images_are_no_trouble(shape: tuple[int, int, int]) -> None:
    """Tiny, thin and blank images give no proposals and no error."""
    blank = np.zeros(shape, np.uint8)
    whole = Box(0, 0, shape[1], shape[0])
    assert propose(blank, 10) == ()
    assert propose(blank, 10, [whole]) == ()
    assert snap_box(blank, whole) is None
    box_to_polygon(blank, whole)
