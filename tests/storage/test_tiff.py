"""TIFF, PNG and JPEG in all their variants: each looks as its pixels say, or is refused with a reason."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from storage.base import UnreadableImage
from storage.images import decode, probe
from storage.local import LocalStore

PHOTO = Path(__file__).parents[2] / "sshd" / "demo" / "photos" / "cells" / "BloodImage_00000.jpg"
COLOR = np.asarray(Image.open(PHOTO).convert("RGB").resize((80, 48)))
GREY = np.asarray(Image.open(PHOTO).convert("L").resize((80, 48)))


def tiff(pixels: NDArray[Any], **options: Any) -> bytes:
    """A TIFF file made by tifffile."""
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def middle(values: NDArray[Any]) -> NDArray[np.float64]:
    """The middle 99 % of the values as 0 to 255."""
    low, high = np.percentile(values, (0.5, 99.5))
    return np.clip((values - low) / (high - low) * 255, 0, 255)


def three(grey: NDArray[Any]) -> NDArray[Any]:
    """Grey as RGB."""
    return np.repeat(grey[..., None], 3, axis=2)


WIDE = COLOR.astype(np.uint16) * 257
FLOAT = (COLOR / 255).astype(np.float32)
PLANES = np.moveaxis(COLOR, -1, 0)
RGB = {"photometric": "rgb"}
VARIANTS: dict[str, tuple[bytes, NDArray[Any]]] = {
    "rgb": (tiff(COLOR, **RGB), COLOR),
    "rgb big-endian": (tiff(COLOR, byteorder=">", **RGB), COLOR),
    "rgb bigtiff": (tiff(COLOR, bigtiff=True, **RGB), COLOR),
    "rgb tiled": (tiff(COLOR, tile=(16, 16), **RGB), COLOR),
    "rgb planes": (tiff(PLANES, planarconfig="separate", **RGB), COLOR),
    "rgb 16": (tiff(WIDE, **RGB), COLOR),
    "rgb 16 big-endian": (tiff(WIDE, byteorder=">", **RGB), COLOR),
    "rgb 16 bigtiff tiled lzw": (tiff(WIDE, bigtiff=True, tile=(16, 16), compression="lzw", **RGB), COLOR),
    "rgb 16 planes": (tiff(np.moveaxis(WIDE, -1, 0), planarconfig="separate", **RGB), COLOR),
    "rgb 16 deflate predictor": (tiff(WIDE, compression="deflate", predictor=True, **RGB), COLOR),
    "rgb float": (tiff(FLOAT, **RGB), COLOR),
    "rgb float predictor": (tiff(FLOAT, compression="deflate", predictor=True, **RGB), COLOR),
    "rgb half": (tiff(FLOAT.astype(np.float16), **RGB), COLOR),
    "rgb double": (tiff(FLOAT.astype(np.float64), **RGB), COLOR),
    "rgb lzw": (tiff(COLOR, compression="lzw", predictor=True, **RGB), COLOR),
    "rgb zstd": (tiff(COLOR, compression="zstd", **RGB), COLOR),
    "rgb webp": (tiff(COLOR, compression="webp", compressionargs={"lossless": True}, **RGB), COLOR),
    "rgb jpeg": (tiff(COLOR, compression="jpeg", subsampling=(1, 1), compressionargs={"level": 98}, **RGB), COLOR),
    "rgb jpeg 2000": (tiff(COLOR, compression="jpeg2000", **RGB), COLOR),
    "grey": (tiff(GREY), three(GREY)),
    "grey white is 0": (tiff(255 - GREY, photometric="miniswhite"), three(GREY)),
    "grey 16": (tiff(GREY.astype(np.uint16) * 16), three(middle(GREY))),
    "grey 16 signed": (tiff(GREY.astype(np.int16) - 99), three(middle(GREY))),
    "grey 32": (tiff(GREY.astype(np.uint32) * 1000), three(middle(GREY))),
    "grey float": (tiff(GREY.astype(np.float32) / 7), three(middle(GREY))),
    "grey double": (tiff(GREY.astype(np.float64) / 7), three(middle(GREY))),
    "cmyk": (tiff(np.dstack([255 - COLOR, np.zeros_like(GREY)]), photometric="separated"), COLOR),
    "cmyk 16": (tiff(np.dstack([65535 - WIDE, np.zeros_like(WIDE[..., 0])]), photometric="separated"), COLOR),
    "palette": (
        tiff(GREY, photometric="palette", colormap=np.repeat(np.arange(256, dtype=np.uint16)[None] * 257, 3, axis=0)),
        three(GREY),
    ),
    "rgba 16": (
        tiff(np.dstack([WIDE, np.full_like(WIDE[..., 0], 65535)]), extrasamples=["unassalpha"], **RGB), COLOR,
    ),
    "bilevel": (tiff(GREY > 99, photometric="minisblack"), three((GREY > 99) * 255)),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_every_kind_of_tiff_shows_its_pixels(name: str, tmp_path: Path) -> None:
    """Each depth, layout, byte order and compression is measured and shown as it was made."""
    data, wanted = VARIANTS[name]
    (tmp_path / "x.tif").write_bytes(data)
    store = LocalStore(tmp_path)
    found = probe(store, store.head("x.tif"))
    assert (found.size_wh, found.frames, found.format) == ((80, 48), 1, "TIFF")
    difference = np.abs(decode(data, path="x.tif").astype(float) - wanted)
    assert difference.mean() < 1.5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_deep_tiff_is_turned_upright(orientation: int, tmp_path: Path) -> None:
    """Each of the eight orientations is undone, as it is for 8-bit files, and the size is that of the upright image."""
    data = tiff(WIDE, extratags=[(274, "H", 1, orientation, True)], **RGB)
    plain = Image.fromarray(COLOR)
    plain.getexif()[274] = orientation
    wanted = ImageOps.exif_transpose(plain)
    (tmp_path / "x.tif").write_bytes(data)
    store = LocalStore(tmp_path)
    assert probe(store, store.head("x.tif")).size_wh == wanted.size
    assert np.array_equal(decode(data), np.asarray(wanted))


def test_pages_are_paged_through(tmp_path: Path) -> None:
    """Each page of a deep TIFF is its own picture; one that is not there is said."""
    data = tiff(np.stack([WIDE, 65535 - WIDE]), **RGB)
    (tmp_path / "x.tif").write_bytes(data)
    store = LocalStore(tmp_path)
    assert probe(store, store.head("x.tif")).frames == 2
    assert np.array_equal(decode(data, frame=1), 255 - COLOR)
    with pytest.raises(UnreadableImage):
        decode(data, frame=2)


def test_a_fit_shrinks_a_deep_image() -> None:
    """A deep TIFF is shrunk into the asked size."""
    assert decode(VARIANTS["rgb 16"][0], fit_wh=(40, 40)).shape == (24, 40, 3)


@pytest.mark.parametrize("seed", range(40))
def test_a_mutated_image_is_shown_or_refused(seed: int) -> None:
    """Bytes turned at random give a picture or a reason, never another error. The whole run: `benchmarks fuzz-images`."""
    dice = np.random.default_rng(seed)
    data = bytearray(list(VARIANTS.values())[seed % len(VARIANTS)][0])
    for place in dice.integers(0, min(len(data), 400), 6):
        data[place] = dice.integers(256)
    try:
        shown = decode(bytes(data), fit_wh=(64, 64))
    except UnreadableImage as error:
        shown, reason = None, str(error)
    assert (len(reason) > 10) if shown is None else (shown.dtype == np.uint8 and shown.shape[2] == 3)
