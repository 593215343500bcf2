"""Files into pixels: every listed ending, depth and orientation looks right; what is broken is refused with its reason."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from storage.base import UnreadableImage
from storage.images import IMAGE_ENDINGS, Probe, decode, is_image_path, probe
from storage.local import LocalStore

PHOTO = Path(__file__).parents[2] / "sshd" / "demo" / "photos" / "cells" / "BloodImage_00000.jpg"
FORMATS = {
    "jpg": "JPEG", "jpeg": "JPEG", "jpe": "JPEG", "jfif": "JPEG", "png": "PNG", "bmp": "BMP", "tif": "TIFF", "tiff": "TIFF",
}  # fmt: skip


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    """The image as a file of that format."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


@pytest.fixture
def photo() -> Image.Image:
    """A real photo, shrunk to 64 by 48 px."""
    return Image.open(PHOTO).convert("RGB").resize((64, 48))


@pytest.fixture
def look(tmp_path: Path) -> Callable[[str, bytes], Probe]:
    """Probe a file of that name and content, as an import does."""

    def look(name: str, data: bytes) -> Probe:
        (tmp_path / name).write_bytes(data)
        store = LocalStore(tmp_path)
        return probe(store, store.head(name))

    return look


def difference(found: NDArray[np.uint8], wanted: Image.Image) -> float:
    """The mean difference of two pictures, 0 to 255."""
    return float(np.abs(found.astype(int) - np.asarray(wanted.convert("RGB")).astype(int)).mean())


@pytest.mark.parametrize("ending", FORMATS)
def test_every_ending_shows_the_photo(ending: str, photo: Image.Image, look: Callable[[str, bytes], Probe]) -> None:
    """Each listed ending, in capitals too, is taken, measured and shown."""
    data = encoded(photo, FORMATS[ending])
    assert is_image_path(f"a/b.{ending}")
    assert is_image_path(f"a/b.{ending.upper()}")
    assert look(f"x.{ending.upper()}", data) == Probe((64, 48), 1, FORMATS[ending])
    assert difference(decode(data, path=f"x.{ending}"), photo) < 8


def test_only_images_are_taken() -> None:
    """The listed endings and no others, and never by the folder's name."""
    assert {ending.lstrip(".") for ending in IMAGE_ENDINGS} == {*FORMATS, "dcm", "dicom"}
    assert not any(is_image_path(path) for path in ("a.txt", "jpg", "a.jpg/b", "a.gif", "a.jpg.part", ".jpg"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_camera_held_any_way_is_upright(
    orientation: int, photo: Image.Image, look: Callable[[str, bytes], Probe]
) -> None:
    """All eight EXIF orientations show the same upright photo, and the import stores the upright size."""
    turned = {
        1: [], 2: [Image.Transpose.FLIP_LEFT_RIGHT], 3: [Image.Transpose.ROTATE_180], 4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE], 6: [Image.Transpose.ROTATE_90], 7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }  # fmt: skip
    stored = photo
    for turn in turned[orientation]:
        stored = stored.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    for format, name in (("JPEG", "x.jpg"), ("TIFF", "x.tif"), ("PNG", "x.png")):
        data = encoded(stored, format, exif=exif)
        assert look(name, data).size_wh == (64, 48)
        assert difference(decode(data), photo) < 8
    small = decode(encoded(stored, "JPEG", exif=exif), fit_wh=(32, 32))
    assert small.shape == (24, 32, 3)


@pytest.mark.parametrize(
    ("mode", "format"),
    [("L", "PNG"), ("L", "JPEG"), ("P", "PNG"), ("1", "PNG"), ("CMYK", "JPEG"), ("CMYK", "TIFF"), ("LAB", "TIFF")],
)
def test_other_colour_spaces_look_right(mode: str, format: str, photo: Image.Image) -> None:
    """Grey, palette, black and white, and print colours come out as what they show."""
    if mode == "LAB":
        from PIL import ImageCms

        to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
        converted = ImageCms.applyTransform(photo, to_lab)
        assert converted is not None
    else:
        converted = photo.convert(mode)
    wanted = photo if mode in ("CMYK", "LAB") else converted.convert("RGB")
    assert difference(decode(encoded(converted, format)), wanted) < 6


def test_sixteen_bits_are_not_clipped(photo: Image.Image) -> None:
    """A 16-bit picture whose values fill only a part of the range shows its whole contrast, dark to bright."""
    grey = np.asarray(photo.convert("L"), dtype=np.uint16) * 16 + 1000
    for format in ("PNG", "TIFF"):
        shown = decode(encoded(Image.fromarray(grey), format))[..., 0]
        assert (shown.min(), shown.max()) == (0, 255)
        assert np.corrcoef(shown.ravel(), grey.ravel())[0, 1] > 0.98


def test_see_through_parts_are_grey(photo: Image.Image) -> None:
    """What is transparent shows a neutral ground, whichever way the file says so; the rest keeps its colours."""
    holed = photo.convert("RGBA")
    holed.paste((255, 0, 0, 0), (0, 0, 20, 20))
    palette = photo.convert("P")
    palette.info["transparency"] = palette.getpixel((0, 0))
    for data in (
        encoded(holed, "PNG"),
        encoded(holed, "TIFF"),
        encoded(palette, "PNG", transparency=palette.getpixel((0, 0))),
    ):
        assert tuple(decode(data)[0, 0]) == (128, 128, 128)
    assert difference(decode(encoded(holed, "PNG"))[24:, 24:], photo.crop((24, 24, 64, 48))) < 1


def test_pages_are_counted_and_shown(photo: Image.Image, look: Callable[[str, bytes], Probe]) -> None:
    """A TIFF of three pages says so, and each page can be shown; a fourth is refused."""
    pages = [photo, photo.rotate(180), Image.new("RGB", (64, 48), "red")]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert look("x.tif", data).frames == 3
    for number, page in enumerate(pages):
        assert difference(decode(data, frame=number), page) < 1
    with pytest.raises(UnreadableImage):
        decode(data, frame=3)


def test_a_picture_is_shrunk_to_fit_and_never_enlarged(photo: Image.Image) -> None:
    """The shape is kept, the larger side fits, and a small picture stays as it is."""
    data = encoded(photo, "PNG")
    assert decode(data, fit_wh=(32, 99)).shape == (24, 32, 3)
    assert decode(data, fit_wh=(99, 12)).shape == (12, 16, 3)
    assert decode(data, fit_wh=(999, 999)).shape == (48, 64, 3)


def png_bomb(width: int, height: int) -> bytes:
    """A small PNG that claims to be huge."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(9999))) + chunk(b"IEND", b"")
    )


JPEG = PHOTO.read_bytes()
BROKEN = {
    "empty": (b"", "empty"),
    "truncated": (JPEG[: len(JPEG) // 2], "truncated"),
    "head only": (JPEG[:30], "broken|no JPEG"),
    "text": (b"#!/bin/sh\necho no picture\n", "no JPEG, PNG, BMP or TIFF"),
    "gif": (encoded(Image.new("P", (9, 9)), "GIF"), "no JPEG, PNG, BMP or TIFF"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no JPEG, PNG, BMP or TIFF"),
    "bomb": (png_bomb(60000, 60000), "60000 by 60000 px, over the limit"),
    "short pixels": (png_bomb(400, 400), "truncated|cannot be decoded"),
    "zeros": (bytes(4096), "no JPEG, PNG, BMP or TIFF"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_broken_is_refused_with_its_reason(kind: str, look: Callable[[str, bytes], Probe]) -> None:
    """Each kind of broken or hostile file is refused, at the import or at the latest when it is shown, and the reason is a phrase."""
    data, reason = BROKEN[kind]
    reasons = []
    for way in (lambda: look("x.jpg", data), lambda: decode(data)):
        try:
            way()
        except UnreadableImage as error:
            reasons.append(str(error))
    assert reasons
    assert re.search(reason, reasons[0])
    with pytest.raises(UnreadableImage):
        decode(data)


def test_a_wrong_ending_shows_the_picture_all_the_same(photo: Image.Image, look: Callable[[str, bytes], Probe]) -> None:
    """A PNG that is named .jpg is a picture; a picture that is named .dcm is said to be no DICOM."""
    data = encoded(photo, "PNG")
    assert look("x.jpg", data) == Probe((64, 48), 1, "PNG")
    with pytest.raises(UnreadableImage, match="no DICOM"):
        look("x.dcm", data)


def test_a_large_photo_is_measured_by_its_head_and_tail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: Image.Image
) -> None:
    """Importing large photos does not read them whole, and still notices that one was cut off or padded by its camera."""
    rng = np.random.default_rng(7)
    data = encoded(Image.fromarray(rng.integers(0, 255, (900, 900, 3), dtype=np.uint8)), "JPEG", quality=95)
    (tmp_path / "whole.jpg").write_bytes(data)
    (tmp_path / "padded.jpg").write_bytes(data + bytes(9000))
    (tmp_path / "cut.jpg").write_bytes(data[:-90000])
    store = LocalStore(tmp_path)
    assert probe(store, store.head("padded.jpg")).size_wh == (900, 900)
    with pytest.raises(UnreadableImage, match=r"truncated|cannot be decoded"):
        probe(store, store.head("cut.jpg"))
    monkeypatch.setattr(LocalStore, "get", None)
    assert probe(store, store.head("whole.jpg")).size_wh == (900, 900)


def test_a_large_png_is_measured_without_decoding_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PNG larger than what an import reads of it is measured by its head; nothing is decoded for that."""
    rng = np.random.default_rng(7)
    data = encoded(Image.fromarray(rng.integers(0, 255, (500, 400, 3), dtype=np.uint8)), "PNG")
    (tmp_path / "large.png").write_bytes(data)
    store = LocalStore(tmp_path)
    monkeypatch.setattr(LocalStore, "get", None)
    assert probe(store, store.head("large.png")) == Probe((400, 500), 1, "PNG")
