"""PNG, JPEG and BMP in all their variants: each looks as its pixels say, or is refused with a reason."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from storage.base import UnreadableImage
from storage.images import decode, probe
from storage.local import LocalStore
from tests.storage.test_tiff import COLOR, GREY, WIDE, middle, three

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
GREY16 = GREY.astype(np.uint16) * 257
OPAQUE = np.full_like(GREY, 255)


def saved(pixels: NDArray[Any] | Image.Image, format: str, **options: Any) -> bytes:
    """A file made by Pillow."""
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, format, **options)
    return file.getvalue()


def jpeg(pixels: NDArray[Any] | Image.Image, **options: Any) -> bytes:
    """A JPEG whose colours have the resolution of its light, so that it can be compared."""
    return saved(pixels, "JPEG", quality=98, **{"subsampling": 0, **options})


def interlaced(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG in the seven passes of Adam7. Source: PNG specification, third edition, 8.1."""
    lines = b""
    for x, y, step_x, step_y in ADAM7:
        lines += b"".join(b"\0" + row.tobytes() for row in pixels[y::step_y, x::step_x])

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 2, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def by_opencv(ending: str, *options: int) -> bytes:
    """A file made by OpenCV."""
    return cv2.imencode(ending, COLOR[..., ::-1], options)[1].tobytes()


PALETTE = Image.fromarray(COLOR).quantize(200)
SHOWN: dict[str, tuple[bytes, NDArray[Any]]] = {
    "png rgb": (saved(COLOR, "PNG"), COLOR),
    "png rgb by opencv": (by_opencv(".png"), COLOR),
    "png rgb interlaced": (interlaced(COLOR), COLOR),
    "png rgb 16": (imagecodecs.png_encode(WIDE), COLOR),
    "png rgba": (saved(np.dstack([COLOR, OPAQUE]), "PNG"), COLOR),
    "png rgba 16": (imagecodecs.png_encode(np.dstack([WIDE, np.full_like(GREY16, 65535)])), COLOR),
    "png grey": (saved(GREY, "PNG"), three(GREY)),
    "png grey alpha": (saved(np.dstack([GREY, OPAQUE]), "PNG"), three(GREY)),
    "png grey alpha 16": (imagecodecs.png_encode(np.dstack([GREY16, np.full_like(GREY16, 65535)])), three(GREY)),
    "png grey 16": (imagecodecs.png_encode(GREY16), three(middle(GREY))),
    "png bilevel": (saved(Image.fromarray(GREY > 99), "PNG"), three((GREY > 99) * 255)),
    "png palette": (saved(PALETTE, "PNG"), np.asarray(PALETTE.convert("RGB"))),
    "png palette 4 bits": (
        saved(PALETTE.quantize(16), "PNG", bits=4), np.asarray(PALETTE.quantize(16).convert("RGB")),
    ),
    "jpeg 444": (jpeg(COLOR), COLOR),
    "jpeg progressive": (jpeg(COLOR, progressive=True), COLOR),
    "jpeg restarts": (jpeg(COLOR, restart_marker_blocks=4), COLOR),
    "jpeg stored as rgb": (jpeg(COLOR, keep_rgb=True), COLOR),
    "jpeg lossless": (imagecodecs.jpeg8_encode(COLOR, lossless=True), COLOR),
    "jpeg grey": (jpeg(GREY), three(GREY)),
    "jpeg grey lossless": (imagecodecs.ljpeg_encode(GREY, bitspersample=8), three(GREY)),
    "jpeg cmyk": (jpeg(Image.fromarray(np.dstack([255 - COLOR, 0 * GREY]), "CMYK")), COLOR),
    "bmp rgb": (saved(COLOR, "BMP"), COLOR),
    "bmp grey": (saved(GREY, "BMP"), three(GREY)),
    "bmp palette": (saved(PALETTE, "BMP"), np.asarray(PALETTE.convert("RGB"))),
    "bmp bilevel": (saved(Image.fromarray(GREY > 99), "BMP"), three((GREY > 99) * 255)),
}  # fmt: skip
for _name, _options in {
    "jpeg 420": {"subsampling": 2}, "jpeg 422": {"subsampling": 1}, "jpeg quality 30": {"quality": 30},
}.items():  # fmt: skip
    _data = saved(COLOR, "JPEG", **_options)
    SHOWN[_name] = (_data, cv2.imdecode(np.frombuffer(_data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1])
REFUSED: dict[str, bytes] = {
    "jpeg 12 bits": imagecodecs.jpeg8_encode(GREY.astype(np.uint16) * 16, bitspersample=12),
    "jpeg-ls": imagecodecs.jpegls_encode(GREY),
    "jpeg 2000": imagecodecs.jpeg2k_encode(COLOR),
    "jpeg xl": imagecodecs.jpegxl_encode(COLOR),
    "webp": imagecodecs.webp_encode(COLOR),
    "gif": saved(PALETTE, "GIF"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_every_kind_of_picture_shows_its_pixels(name: str, tmp_path: Path) -> None:
    """Each depth, colour model and way of packing is measured and shown as it was made, or as OpenCV reads it."""
    data, wanted = SHOWN[name]
    (tmp_path / "x.png").write_bytes(data)
    store = LocalStore(tmp_path)
    assert probe(store, store.head("x.png")).size_wh == (80, 48)
    difference = np.abs(decode(data).astype(float) - wanted)
    assert difference.mean() < 2


@pytest.mark.parametrize("name", REFUSED)
def test_other_kinds_are_refused_with_a_reason(name: str) -> None:
    """What Tagline does not take is named for what it is; a rare JPEG is not said to be none."""
    with pytest.raises(UnreadableImage) as error:
        decode(REFUSED[name], path="x.jpg")
    is_rare = name in ("jpeg 12 bits", "jpeg-ls")
    assert ("begins like a JPEG" if is_rare else "is no JPEG, PNG, BMP or TIFF") in str(error.value)
