"""Pictures in few colours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from sshd.demo import PHOTOS
from tui.picture import colors

pytestmark = pytest.mark.skipif(colors.compiled_quantize is None, reason="no compiler: Pillow does it")


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))), st.integers(2, 256))
def test_any_picture_gets_no_more_colours_than_asked_for(pixels: np.ndarray, most: int) -> None:
    """Each pixel is one of at most so many colours, and a picture of few cells of the cube keeps its colours' means."""
    indexes, palette = colors.quantize(pixels, most)
    assert indexes.shape == pixels.shape[:2]
    assert 1 <= len(palette) <= most
    assert indexes.max() < len(palette)


def test_plain_colours_stay_exact() -> None:
    """A drawing in a few plain colours is shown in exactly these."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:20], pixels[20:, 30:] = (255, 0, 0), (17, 200, 99)
    indexes, palette = colors.quantize(pixels, 16)
    assert np.array_equal(palette[indexes], pixels)


def test_a_photo_is_nearer_to_the_original_than_by_the_octree() -> None:
    """Half as many colours come nearer to a photo than Pillow's octree does."""
    photo = np.asarray(Image.open(sorted(PHOTOS.rglob("*.jpg"))[0]).convert("RGB"))

    def error(found: tuple[np.ndarray, np.ndarray]) -> float:
        return float(((found[1][found[0]].astype(float) - photo) ** 2).mean())

    assert error(colors.quantize(photo, 120)) < error(colors.pillow_quantize(photo, 240))
