"""DICOM frames into pixels: modality LUT, then the file's window or the middle of its values, overlays off.

Only tags that describe pixels are read. What tells who a patient is, where and when, is never read, so that no screen,
log or export can show it. Nothing here is meant for diagnosis.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.errors import InvalidDicomError
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    JPEG2000,
    JPEG2000Lossless,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

from storage.base import UnreadableImage
from storage.grey import RGB, SHARES, grey_to_rgb, stretch

MAX_FRAME_BYTES = 400_000_000

PIXELS = "PixelData"
_TAGS = (
    "Modality", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit",
    "SmallestImagePixelValue", "LargestImagePixelValue", "RescaleIntercept", "RescaleSlope", "RescaleType",
    "ModalityLUTSequence", "VOILUTSequence", "VOILUTFunction", "WindowCenter", "WindowWidth",
    "WindowCenterWidthExplanation", "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData", "SegmentedBluePaletteColorLookupTableData", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths", "LUTDescriptor", "LUTData", "FloatPixelData", "DoubleFloatPixelData",
)  # fmt: skip

# GDCM's own checks can end the whole process (its reader does at pydicom's rtdose_1frame.dcm), which no server may risk;
# what only it would read is read by imagecodecs.
for _syntax in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes, JPEG2000, JPEG2000Lossless):
    _decoder = get_decoder(_syntax)
    if "gdcm" in _decoder.available_plugins:
        _decoder.remove_plugin("gdcm")


@dataclass(frozen=True)
class Window:
    """Which values become black to white, in the file's own unit (Hounsfield for CT); `inverted` turns that round."""

    center: float
    width: float
    inverted: bool = False


@dataclass(frozen=True)
class Preset:
    """A window and what it is for."""

    name: str
    window: Window


@dataclass(frozen=True)
class Levels:
    """The window that a frame is shown through unless another is asked for, and presets to ask for."""

    window: Window
    presets: tuple[Preset, ...]


CT_PRESETS = (
    Preset("soft tissue", Window(50, 400)),
    Preset("lung", Window(-600, 1500)),
    Preset("bone", Window(400, 1800)),
    Preset("brain", Window(40, 80)),
    Preset("liver", Window(30, 150)),
)


def size_and_frames(data: bytes) -> tuple[tuple[int, int], int]:
    """Width and height in px, and the number of frames. Raises UnreadableImage."""
    return _shape(_read(data, with_pixels=False))


def presets(data: bytes) -> tuple[Preset, ...]:
    """The file's own windows first, then the usual ones of its modality. Raises UnreadableImage."""
    return _presets(_read(data, with_pixels=False))


def _presets(dataset: pydicom.Dataset) -> tuple[Preset, ...]:
    return (*_own_presets(dataset), *(CT_PRESETS if dataset.get("Modality") == "CT" else ()))


def levels(data: bytes, frame: int = 0) -> Levels | None:
    """What a grey frame can be shown through; None for a colour image. Raises UnreadableImage."""
    dataset = _read(data, with_pixels=True)
    _shape(dataset)
    if int(dataset.get("SamplesPerPixel") or 1) > 1 or dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return None
    found = _presets(dataset)
    if own := _own_presets(dataset):
        return Levels(own[0].window, found)
    try:
        counted = np.asarray(_counted(dataset, _pixels(dataset, frame)), dtype=np.float32)
        low, high = (float(value) for value in np.percentile(counted, SHARES))
    except Exception as error:
        raise UnreadableImage(f"the DICOM pixels cannot be decoded ({_reason(error)})") from error
    return Levels(Window((low + high + 1) / 2, high - low + 1), found)


def _counted(dataset: pydicom.Dataset, pixels: NDArray[np.generic]) -> NDArray[np.generic]:
    """The values that are of the picture, in the file's unit: padding left out."""
    values = apply_modality_lut(pixels, dataset)
    padding = dataset.get("PixelPaddingValue")
    counted: NDArray[np.generic] = values if padding is None else values[pixels != padding]
    return counted


def decode_frame(data: bytes, frame: int = 0, window: Window | None = None) -> RGB:
    """One frame as uint8 (H, W, 3), RGB.

    Args:
        data: the whole file.
        frame: which one, from 0.
        window: instead of the file's own; without effect on colour images.

    Raises:
        UnreadableImage: no DICOM file, no pixels, no such frame, broken, or of a kind that nothing here reads.
    """
    dataset = _read(data, with_pixels=True)
    _, frames = _shape(dataset)
    if not 0 <= frame < frames:
        raise UnreadableImage(f"the DICOM file has {frames} frame{'s' * (frames != 1)}; there is no number {frame + 1}")
    try:
        return _shown(dataset, _pixels(dataset, frame), window)
    except MemoryError:
        raise UnreadableImage("the image needs more memory than there is") from None
    except Exception as error:
        raise UnreadableImage(f"the DICOM pixels cannot be decoded ({_reason(error)})") from error


def _read(data: bytes, *, with_pixels: bool) -> pydicom.Dataset:
    tags = [*_TAGS, *([PIXELS] if with_pixels else [])]
    try:
        return pydicom.dcmread(io.BytesIO(data), stop_before_pixels=not with_pixels, specific_tags=tags)
    except InvalidDicomError:
        raise UnreadableImage("the file is no DICOM file, whatever its name says") from None
    except Exception as error:
        raise UnreadableImage(f"the DICOM header is broken ({_reason(error)})") from error


def _shape(dataset: pydicom.Dataset) -> tuple[tuple[int, int], int]:
    """Width and height, and frames; refuses what has no pixels or too many."""
    try:
        width, height = int(dataset.get("Columns") or 0), int(dataset.get("Rows") or 0)
        samples, bits = int(dataset.get("SamplesPerPixel") or 1), int(dataset.get("BitsAllocated") or 8)
        frames = max(1, int(dataset.get("NumberOfFrames") or 1))
    except Exception as error:
        raise UnreadableImage(f"the DICOM header is broken ({_reason(error)})") from error
    if not width or not height:
        raise UnreadableImage("the DICOM file has no pixels")
    if width * height * samples * max(bits, 8) // 8 > MAX_FRAME_BYTES:
        raise UnreadableImage(
            f"a frame of {width} by {height} px and {bits} bits is over the limit of {MAX_FRAME_BYTES // 1_000_000} MB"
        )
    return (width, height), frames


def _pixels(dataset: pydicom.Dataset, frame: int) -> NDArray[np.generic]:
    """One frame as stored, YBR made RGB; what pydicom's other plugins do not read, by imagecodecs."""
    syntax, samples = dataset.file_meta.get("TransferSyntaxUID"), int(dataset.get("SamplesPerPixel") or 1)
    if syntax in (JPEGLossless, JPEGLosslessSV1) or (syntax == JPEGExtended12Bit and dataset.BitsStored > 8):
        as_stored = "RGB" if samples == 3 else None
        pixels = imagecodecs.jpeg8_decode(_coded(dataset, frame), colorspace=as_stored, outcolorspace=as_stored)
        return _checked(dataset, pixels)
    if syntax in (JPEG2000, JPEG2000Lossless) and samples == 3:
        return _checked(dataset, imagecodecs.jpeg2k_decode(_coded(dataset, frame)))
    return pixel_array(dataset, index=frame)


def _coded(dataset: pydicom.Dataset, frame: int) -> bytes:
    coded: bytes = get_frame(dataset.PixelData, frame, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
    return coded


def _checked(dataset: pydicom.Dataset, pixels: NDArray[np.generic]) -> NDArray[np.generic]:
    """What a codec gave, as signed as the header says. Raises ValueError when it is of another size."""
    if pixels.shape[:2] != (dataset.Rows, dataset.Columns):
        raise ValueError(
            f"the frame is of another size than the header says: {pixels.shape[1]} by {pixels.shape[0]} px"
        )
    is_signed = bool(dataset.PixelRepresentation) and pixels.dtype.kind == "u"
    return pixels.view(f"i{pixels.dtype.itemsize}") if is_signed else pixels


def _shown(dataset: pydicom.Dataset, pixels: NDArray[np.generic], window: Window | None) -> RGB:
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        colors = apply_color_lut(pixels, dataset)
        return _eight_bits(colors, colors.dtype.itemsize * 8)
    if pixels.ndim == 3:
        return _eight_bits(pixels[..., :3], int(dataset.BitsStored))
    grey = _windowed(dataset, pixels, window)
    turned = (dataset.get("PhotometricInterpretation") == "MONOCHROME1") != (window is not None and window.inverted)
    return grey_to_rgb(255 - grey if turned else grey)


def _eight_bits(colors: NDArray[np.generic], bits: int) -> RGB:
    if bits <= 8:
        return np.ascontiguousarray(colors.astype(np.uint8))
    return np.ascontiguousarray((colors.astype(np.uint32) >> (bits - 8)).astype(np.uint8))


def _windowed(dataset: pydicom.Dataset, pixels: NDArray[np.generic], window: Window | None) -> NDArray[np.uint8]:
    """uint8 (H, W): the asked window, the file's table or window, or the middle 99 % of the values."""
    values = apply_modality_lut(pixels, dataset)
    if window is None and dataset.get("VOILUTSequence"):
        bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        shown = np.asarray(apply_voi_lut(values, dataset), dtype=np.float32) * (255 / (2**bits - 1))
        return np.asarray(np.clip(shown, 0, 255), dtype=np.uint8)
    own = _own_presets(dataset)
    if window is None and not own:
        counted = np.asarray(_counted(dataset, pixels), dtype=np.float32)
        return stretch(np.asarray(values, dtype=np.float32), of=counted)
    return _map(np.asarray(values, dtype=np.float32), window or own[0].window, str(dataset.get("VOILUTFunction") or ""))


def _map(values: NDArray[np.float32], window: Window, function: str) -> NDArray[np.uint8]:
    """Values through a window. Source: DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    if function == "SIGMOID":
        share = 1 / (1 + np.exp(np.clip(-4 * (values - window.center) / max(window.width, 1e-6), -50, 50)))
    elif function == "LINEAR_EXACT":
        share = (values - window.center) / max(window.width, 1e-6) + 0.5
    else:
        share = (values - (window.center - 0.5)) / max(window.width - 1, 1e-6) + 0.5
    return np.asarray(np.rint(np.clip(share, 0, 1) * 255), dtype=np.uint8)


def _own_presets(dataset: pydicom.Dataset) -> tuple[Preset, ...]:
    """The windows that the file names; those that are no numbers or have no width are passed over."""
    centers, widths = _listed(dataset, "WindowCenter"), _listed(dataset, "WindowWidth")
    names = [str(name) for name in _listed(dataset, "WindowCenterWidthExplanation")]
    found: list[Preset] = []
    for n, (center, width) in enumerate(zip(centers, widths, strict=False)):
        try:
            window = Window(float(center), float(width))
        except (TypeError, ValueError):
            continue
        if window.width > 0 and np.isfinite((window.center, window.width)).all():
            found.append(Preset(names[n] if n < len(names) and names[n] else f"file {n + 1}", window))
    return tuple(found)


def _listed(dataset: pydicom.Dataset, name: str) -> list[Any]:
    try:
        value = dataset.get(name)
    except Exception:  # a value that is of no kind at all
        return []
    if value is None or value == "":
        return []
    return [value] if isinstance(value, (str, int, float)) or not hasattr(value, "__iter__") else list(value)


def _reason(error: Exception) -> str:
    """An error's first line; pydicom's list of plugins that failed says what is wrong on the second."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and "all available plugins" in lines[0]:
        return lines[1][:120]
    return (lines or [type(error).__name__])[0][:120]
