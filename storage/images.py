"""Image files into pixels: upright RGB, eight bits, whatever the file's depth, palette, alpha or orientation.

A hostile or broken file is refused with a reason that a person can read; it never takes the process down.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from storage import dicom, tiff
from storage.base import Store, StoredFile, UnreadableImage
from storage.dicom import Window
from storage.grey import RGB, grey_to_rgb, stretch
from storage.large import pixels_of

DICOM_ENDINGS = frozenset({".dcm", ".dicom"})
EXPORTS = "Labeling/export"
IMAGE_ENDINGS = DICOM_ENDINGS | {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff"}
FORMATS = ("JPEG", "PNG", "BMP", "TIFF")  # Pillow opens MPO files, several JPEGs in one, as JPEG
MAX_PIXELS = 200_000_000
WHOLE_FILE_BYTES = 256 * 1024
HEAD_BYTES = 128 * 1024
TAIL_BYTES = 4096
NO_IMAGE = "the file is no JPEG, PNG, BMP or TIFF image, whatever its name says"
RARE_JPEG = "the file begins like a JPEG, but is broken or of a rare kind, such as JPEG-LS or 12 bits a colour"
NEUTRAL = (128, 128, 128)

# Pillow's own limit warns or raises by a process-wide number; `_refuse_bomb` is ours and says the size.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Probe:
    """What a file holds, without decoding it; `size_wh` is that of the upright image."""

    size_wh: tuple[int, int]
    frames: int
    format: str


class Truncated(UnreadableImage):
    """The file's end is missing, as far as a look at its last bytes tells."""


class NotIdentified(UnreadableImage):
    """Pillow knows no such file."""


def is_image_path(path: str) -> bool:
    """True when the ending, in any letter case, is one that Tagline takes; what was exported is no new image."""
    return PurePosixPath(path).suffix.lower() in IMAGE_ENDINGS and f"/{EXPORTS}/" not in f"/{path}"


def is_dicom_path(path: str) -> bool:
    """True when the ending says DICOM."""
    return PurePosixPath(path).suffix.lower() in DICOM_ENDINGS


def probe(store: Store, file: StoredFile) -> Probe:
    """Look at a file's head and tail, reading all of it only where it is small or its format asks for that.

    Raises:
        UnreadableImage: empty, truncated, hostile, or no image; the text is the reason.
        StorageError: the file cannot be read.
    """
    if file.bytes == 0:
        raise UnreadableImage("the file is empty (0 bytes)")
    if is_dicom_path(file.path):
        return Probe(*dicom.size_and_frames(store.get(file.path)), "DICOM")
    if file.bytes <= WHOLE_FILE_BYTES:
        return _probe_whole(store.get(file.path))
    head = store.get_range(file.path, 0, HEAD_BYTES)
    if head[:2] in (b"II", b"MM"):  # a TIFF's directory may lie anywhere in the file
        return _probe_whole(store.get(file.path))
    try:
        return probe_bytes(head, store.get_range(file.path, -TAIL_BYTES, TAIL_BYTES), file.bytes)
    except UnreadableImage:  # or a header longer than the head, such as a large colour profile
        return _probe_whole(store.get(file.path))


def _probe_whole(data: bytes) -> Probe:
    """Probe a whole file; one whose end looks missing is decoded to be sure, since some cameras pad their files."""
    try:
        return probe_bytes(data, data[-TAIL_BYTES:], len(data))
    except Truncated:
        decode(data)
        return probe_bytes(data, b"", 0, sure=True)
    except NotIdentified:
        if not tiff.is_tiff(data):
            raise
        return Probe(*tiff.size_and_pages(data), "TIFF")


def probe_bytes(head: bytes, tail: bytes, total: int, *, sure: bool = False) -> Probe:
    """What an image holds, from its first and last bytes and its length; `sure` leaves out the look for a cut-off end.

    Raises:
        Truncated: the end seems to be missing.
        UnreadableImage: it is no image, or a hostile one.
    """
    with _open(head) as image:
        _refuse_bomb(image.size)
        try:
            if not sure:
                _refuse_truncated(image, tail, total)
            width, height = image.size
            frames = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
            upright = (height, width) if _is_turned(image) else (width, height)
        except UnreadableImage:
            raise
        except Exception as error:
            raise UnreadableImage(f"the image's header is broken ({_short(error)})") from error
        return Probe(upright, frames, image.format or "")


def _is_turned(image: Image.Image) -> bool:
    """True when the upright image is as wide as the stored one is high; without decoding it, as `getexif` would a PNG."""
    if image.format == "TIFF":  # Pillow gives the upright size already
        return False
    exif = Image.Exif()
    exif.load(image.info.get("exif", b""))
    return exif.get(0x0112, 1) in (5, 6, 7, 8)


def _open(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise NotIdentified(RARE_JPEG if data[:3] == b"\xff\xd8\xff" else NO_IMAGE) from None
    except Exception as error:
        raise UnreadableImage(f"the image's header is broken ({_short(error)})") from error


def _refuse_bomb(size_wh: tuple[int, int]) -> None:
    width, height = size_wh
    if width * height > MAX_PIXELS:
        raise UnreadableImage(
            f"the image says that it is {width} by {height} px, over the limit of {MAX_PIXELS // 1_000_000} megapixels"
        )
    if width < 1 or height < 1:
        raise UnreadableImage("the image has no pixels")


def _refuse_truncated(image: Image.Image, tail: bytes, total: int) -> None:
    """A cheap look for a file that was cut off; what it misses is found when the image is decoded."""
    match image.format:
        case "JPEG" | "MPO":
            cut = b"\xff\xd9" not in tail
        case "PNG":
            cut = b"IEND" not in tail
        case "TIFF":
            cut = _tiff_end(image) > total
        case _:
            cut = False
    if cut:
        raise Truncated("the file is truncated: its end is missing")


def _tiff_end(image: Image.Image) -> int:
    """The byte after the last strip or tile that the first directory names."""
    tags = getattr(image, "tag_v2", {})
    for offsets, counts in ((273, 279), (324, 325)):
        if offsets in tags and counts in tags:
            pairs = zip(np.atleast_1d(tags[offsets]), np.atleast_1d(tags[counts]), strict=False)
            return max((int(offset) + int(count) for offset, count in pairs), default=0)
    return 0


def decode(
    data: bytes,
    *,
    path: str = "",
    frame: int = 0,
    fit_wh: tuple[int, int] | None = None,
    window: Window | None = None,
) -> RGB:
    """An image file's pixels, upright.

    Args:
        data: the whole file.
        path: its name; the ending tells DICOM from the rest.
        frame: which page or frame, from 0.
        fit_wh: shrink, keeping the shape, to fit into this width and height in px; never enlarge.
        window: for grey DICOM images, which values to show, instead of the file's own choice.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        UnreadableImage: broken, hostile or no image; the text is the reason.
    """
    if not data:
        raise UnreadableImage("the file is empty (0 bytes)")
    if is_dicom_path(path):
        return _fit(Image.fromarray(dicom.decode_frame(data, frame, window)), fit_wh)
    try:
        opened = _open(data)
    except NotIdentified:
        if not tiff.is_tiff(data):
            raise
        return _fit(Image.fromarray(tiff.decode_page(data, frame)), fit_wh)
    with opened as image:
        _refuse_bomb(image.size)
        try:
            if image.format == "TIFF" and tiff.is_rare(getattr(image, "tag_v2", {})):
                return _fit(Image.fromarray(tiff.decode_page(data, frame)), fit_wh)
            return _decode(image, frame, fit_wh)
        except UnreadableImage:
            raise
        except MemoryError:
            raise UnreadableImage("the image needs more memory than there is") from None
        except Exception as error:
            raise UnreadableImage(f"the image cannot be decoded ({_short(error)})") from error


def _decode(image: Image.Image, frame: int, fit_wh: tuple[int, int] | None) -> RGB:
    if frame:
        image.seek(frame)
    if fit_wh is not None and image.format in ("JPEG", "MPO"):
        longest = max(fit_wh)
        image.draft(None, (longest, longest))
    ImageOps.exif_transpose(image, in_place=True)
    return _fit(_to_rgb(image), fit_wh)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(grey_to_rgb(stretch(np.asarray(image, dtype=np.float32))))
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        base = Image.new("RGBA", rgba.size, (*NEUTRAL, 255))
        return Image.alpha_composite(base, rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _fit(image: Image.Image, fit_wh: tuple[int, int] | None) -> RGB:
    if fit_wh is not None and (image.width > fit_wh[0] or image.height > fit_wh[1]):
        image.thumbnail(fit_wh, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return pixels_of(image)


def _short(error: Exception) -> str:
    if isinstance(error, struct.error):
        return "a field is cut off"
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
