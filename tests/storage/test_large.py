"""Images too large for memory look exactly like others."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from storage import large
from storage.images import decode
from storage.pyramid import Pyramid, build

SIZES = [(300, 700), (301, 701), (1, 513), (513, 1)]


def photo(size_wh: tuple[int, int], mode: str = "RGB") -> bytes:
    """A file of noise."""
    pixels = np.random.default_rng(4).integers(0, 256, (size_wh[1], size_wh[0], len(mode)), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode).save(buffer, "PNG")
    return buffer.getvalue()


def opened(data: bytes) -> Pyramid:
    """As a session opens it."""
    return build(decode(data, path="photo.png"))


@pytest.mark.parametrize("size_wh", SIZES)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_image_kept_in_a_file_has_the_same_pixels(
    size_wh: tuple[int, int], mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every size, whatever its mode: the file on the disk is no other picture, and counts for no memory."""
    few = opened(photo(size_wh, mode))
    in_memory = few.nbytes
    monkeypatch.setattr(large, "IN_MEMORY_PX", 10)
    many = opened(photo(size_wh, mode))
    assert len(few.levels) == len(many.levels)
    for a, b in zip(few.levels, many.levels, strict=True):
        assert (a == b).all()
    assert many.nbytes == in_memory - few.levels[0].nbytes


def test_a_part_of_it_is_seen_after_it_was_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of the file that left memory come back when they are looked at."""
    plain = opened(photo((300, 700))).part((10, 600, 60, 650), (50, 50))
    monkeypatch.setattr(large, "IN_MEMORY_PX", 10)
    assert (opened(photo((300, 700))).part((10, 600, 60, 650), (50, 50)) == plain).all()
