"""TIFFs that Pillow does not read: 16 bits and floats a colour, planes apart, rare compressions. By tifffile and imagecodecs."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from storage.base import UnreadableImage
from storage.grey import RGB, grey_to_rgb, stretch

MAX_PAGE_BYTES = 400_000_000
MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
NEUTRAL = 128
BITS, COMPRESSION, SAMPLES = 258, 259, 277
USUAL_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946})
TURNS = {3: (2, False), 4: (2, True), 6: (3, False), 7: (1, True), 5: (3, True), 8: (1, False), 2: (0, True)}


def is_tiff(data: bytes) -> bool:
    """True for the first bytes of a TIFF or BigTIFF."""
    return data[:4] in MAGIC


def is_rare(tags: Mapping[int, Any]) -> bool:
    """True for a TIFF that Pillow opens but shows wrongly or not at all: deep colours, or a compression unknown to libtiff."""
    bits, samples = tags.get(BITS, (1,)), int(tags.get(SAMPLES, 1))
    return (samples >= 3 and max(np.atleast_1d(bits)) > 8) or tags.get(COMPRESSION, 1) not in USUAL_COMPRESSIONS


def size_and_pages(data: bytes) -> tuple[tuple[int, int], int]:
    """The upright width and height in px of the first page, and the number of pages. Raises UnreadableImage."""
    with _page(data, 0) as (page, pages):
        turned = _orientation(page) >= 5
        wide, high = page.imagewidth, page.imagelength
        return ((high, wide) if turned else (wide, high)), pages


def decode_page(data: bytes, number: int = 0) -> RGB:
    """One page, upright: uint8 (H, W, 3), RGB. Raises UnreadableImage."""
    with _page(data, number) as (page, _):
        return _upright(_to_rgb(page), _orientation(page))


@contextmanager
def _page(data: bytes, number: int) -> Iterator[tuple[Any, int]]:
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            pages = len(file.pages)
            if not 0 <= number < pages:
                raise UnreadableImage(f"the TIFF has {pages} page{'s' * (pages != 1)}; there is no number {number + 1}")
            page = file.pages[number]
            _refuse_huge(page)
            yield page, pages
    except UnreadableImage:
        raise
    except MemoryError:
        raise UnreadableImage("the image needs more memory than there is") from None
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise UnreadableImage(f"the TIFF cannot be decoded ({reason})") from error


def _refuse_huge(page: Any) -> None:
    if page.dtype is None or page.ndim not in (2, 3):
        raise UnreadableImage("the TIFF's pixels are of no kind that can be shown")
    if page.nbytes > MAX_PAGE_BYTES:
        raise UnreadableImage(
            f"a page takes {page.nbytes // 1_000_000} MB, over the limit of {MAX_PAGE_BYTES // 1_000_000} MB"
        )
    if not page.nbytes:
        raise UnreadableImage("the image has no pixels")


def _orientation(page: Any) -> int:
    tag = page.tags.get("Orientation")
    return int(tag.value) if tag is not None else 1


def _to_rgb(page: Any) -> RGB:
    pixels = np.asarray(page.asarray())
    if pixels.ndim == 3 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        pixels = np.moveaxis(pixels, 0, -1)
    kind = page.photometric
    if kind == tifffile.PHOTOMETRIC.PALETTE and page.colormap is not None:
        return np.ascontiguousarray((page.colormap[:, pixels] >> 8).transpose(1, 2, 0).astype(np.uint8))
    if pixels.ndim == 2 or pixels.shape[2] < 3:
        grey = _grey(pixels if pixels.ndim == 2 else pixels[..., 0])
        return grey_to_rgb(255 - grey if kind == tifffile.PHOTOMETRIC.MINISWHITE else grey)
    colors = _eight_bits(pixels)
    if kind == tifffile.PHOTOMETRIC.SEPARATED:
        ink = 255 - colors[..., :4].astype(np.uint16)
        return np.ascontiguousarray((ink[..., :3] * ink[..., 3:] // 255).astype(np.uint8))
    has_alpha = pixels.shape[2] == 4 and page.extrasamples and page.extrasamples[0] in (1, 2)
    return _over_neutral(colors) if has_alpha else np.ascontiguousarray(colors[..., :3])


def _grey(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * 255
    return pixels if pixels.dtype == np.uint8 else stretch(pixels.astype(np.float32))


def _eight_bits(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Whole numbers by their type's range; floats from 0 to 1 as they are, others stretched, all colours alike."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return (pixels >> 8).astype(np.uint8)
    values = pixels.astype(np.float32)
    if pixels.dtype.kind == "f" and np.nanmin(values) >= 0 and np.nanmax(values) <= 1:
        return np.rint(np.nan_to_num(values) * 255).astype(np.uint8)
    return stretch(values)


def _over_neutral(colors: NDArray[np.uint8]) -> RGB:
    alpha = colors[..., 3:].astype(np.uint16)
    mixed = (colors[..., :3] * alpha + NEUTRAL * (255 - alpha) + 127) // 255
    return np.ascontiguousarray(mixed.astype(np.uint8))


def _upright(pixels: RGB, orientation: int) -> RGB:
    turns, mirrored = TURNS.get(orientation, (0, False))
    turned = np.rot90(pixels, turns)
    return np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)
