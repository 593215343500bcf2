"""DICOM: every bundled file of pydicom with pixels is shown right or refused with a reason; nothing tells who a patient is."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gdcm
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array

from storage import dicom
from storage.base import UnreadableImage
from storage.deidentified import without_patient
from storage.dicom import Window
from storage.images import decode

FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"
REFUSED = {
    "JPEG2000-embedded-sequence-delimiter.dcm", "MR_truncated.dcm", "badVR.dcm", "meta_missing_tsyntax.dcm",
    "nested_priv_SQ.dcm",
}  # fmt: skip
# Its header says signed, its JPEG 2000 stream unsigned; GDCM believes the header, and turns white into black.
LIES = {"J2K_pixelrep_mismatch.dcm"}
# GDCM's reader ends the process at these.
DEADLY = {"rtdose_1frame.dcm", "rtdose_expb_1frame.dcm", "rtdose_rle_1frame.dcm"}


def bundled() -> Iterator[tuple[Path, bytes]]:
    """Every bundled file that has pixels."""
    for path in sorted(FOLDER.rglob("*")):
        if not path.is_file() or path.suffix not in (".dcm", ""):
            continue
        data = path.read_bytes()
        try:
            has_pixels = "PixelData" in pydicom.dcmread(io.BytesIO(data), force=True)
        except Exception:  # not a DICOM file at all, or one that is broken on purpose
            has_pixels = False
        if has_pixels:
            yield path, data


def by_gdcm(path: Path) -> NDArray[np.float64] | None:
    """The first frame's grey values after the rescale, as GDCM itself reads them; None for colours and what it cannot read."""
    if path.name in DEADLY:
        return None
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    if not reader.Read():
        return None
    image = reader.GetImage()
    kind = image.GetPixelFormat()
    if kind.GetSamplesPerPixel() != 1 or "MONOCHROME" not in str(image.GetPhotometricInterpretation()):
        return None
    if kind.GetBitsAllocated() not in (8, 16):
        return None
    depth, signed = kind.GetBitsAllocated(), kind.GetPixelRepresentation()
    raw = image.GetBuffer().encode("utf-8", "surrogateescape")
    columns, rows = image.GetDimension(0), image.GetDimension(1)
    values = np.frombuffer(raw, np.dtype(f"<{'i' if signed else 'u'}{depth // 8}"))[: rows * columns]
    return values.reshape(rows, columns) * image.GetSlope() + image.GetIntercept()


def expected(values: NDArray[np.float64], dataset: Dataset) -> NDArray[np.float64]:
    """Grey 0 to 255: the file's first window or the middle 99 %, written down once more from the standard."""
    center, width = dataset.get("WindowCenter"), dataset.get("WindowWidth")
    if center is not None and width is not None:
        c, w = (float(np.atleast_1d(v)[0]) for v in (center, width))
        grey = np.clip(((values - (c - 0.5)) / (w - 1) + 0.5) * 255, 0, 255)
    else:
        padding = dataset.get("PixelPaddingValue")
        counted = values if padding is None else values[pixel_array(dataset, index=0) != padding]
        low, high = np.percentile(counted, (0.5, 99.5))
        grey = np.clip((values - low) / (high - low) * 255, 0, 255)
    return 255 - grey if dataset.PhotometricInterpretation == "MONOCHROME1" else grey


@pytest.mark.filterwarnings("ignore")
def test_every_bundled_file_is_shown_right_or_refused() -> None:
    """Each file with pixels is shown as GDCM and the standard's formula say, or is refused with a reason; none crashes."""
    counts: Counter[str] = Counter()
    for path, data in bundled():
        if path.name in REFUSED:
            with pytest.raises(UnreadableImage, match=r"DICOM .{12}"):
                decode(data, path="x.dcm")
            counts["refused"] += 1
            continue
        shown = decode(data, path="x.dcm")
        values = by_gdcm(path)
        dataset = pydicom.dcmread(io.BytesIO(data))
        if values is None or dataset.get("VOILUTSequence") or path.name in LIES:
            counts["shown"] += 1
            continue
        difference = np.abs(shown[..., 0] - expected(values, dataset))
        assert difference.max() <= 1.01, f"{path.name}: {difference.max()}"
        counts["compared"] += 1
    assert counts["refused"] == len(REFUSED), counts
    assert counts["compared"] >= 45, counts
    assert counts["shown"] >= 35, counts


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("SC_rgb_rle_16bit.dcm", "SC_rgb_rle.dcm"), ("SC_rgb_rle_32bit.dcm", "SC_rgb_rle.dcm"),
        ("SC_ybr_full_422_uncompressed.dcm", "SC_rgb_rle.dcm"), ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm"),
        ("SC_rgb_gdcm_KY.dcm", "SC_rgb_rle.dcm"), ("SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_rle.dcm"),
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"), ("MR_small_bigendian.dcm", "MR_small.dcm"),
    ],
)  # fmt: skip
def test_one_picture_looks_alike_in_all_its_encodings(name: str, like: str) -> None:
    """The same picture in another depth, colour model or compression looks the same."""
    one, other = (decode(Path(str(get_testdata_file(n))).read_bytes(), path="x.dcm") for n in (name, like))
    assert np.abs(one.astype(int) - other.astype(int)).mean() < 4


def test_a_jpeg_of_12_bits_is_shown() -> None:
    """12-bit JPEG, which most free readers refuse, looks like the same picture in JPEG 2000, which lost other details."""
    one, other = (decode((FOLDER / n).read_bytes(), path="x.dcm")[..., 0] for n in ("JPEG-lossy.dcm", "JPEG2000.dcm"))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.94


def test_a_palette_shows_its_colours() -> None:
    """Palette images are shown in colour, not as the numbers of their entries."""
    shown = decode((FOLDER / "examples_palette.dcm").read_bytes(), path="x.dcm").astype(int)
    assert np.abs(shown[..., 0] - shown[..., 2]).max() > 100


def test_frames_are_paged_through() -> None:
    """Each frame is its own picture; one that is not there is said."""
    data = (FOLDER / "SC_rgb_rle_2frame.dcm").read_bytes()
    first, second = (decode(data, path="x.dcm", frame=n) for n in (0, 1))
    assert dicom.size_and_frames(data) == ((100, 100), 2)
    assert np.array_equal(first, 255 - second)
    with pytest.raises(UnreadableImage, match="has 2 frames; there is no number 3"):
        decode(data, path="x.dcm", frame=2)


def test_a_window_chooses_the_values() -> None:
    """A window given by hand is used instead of the file's: below it is black, above it white; inverted, the other way."""
    data = (FOLDER / "CT_small.dcm").read_bytes()
    values = by_gdcm(FOLDER / "CT_small.dcm")
    assert values is not None
    narrow = decode(data, path="x.dcm", window=Window(0, 100))
    assert set(np.unique(narrow[values < -60])) == {0}
    assert set(np.unique(narrow[values > 60])) == {255}
    assert np.array_equal(255 - narrow, decode(data, path="x.dcm", window=Window(0, 100, inverted=True)))


def test_presets_are_the_files_and_the_usual_ones() -> None:
    """A CT offers lung, bone and the like; a file's own windows come first."""
    names = [preset.name for preset in dicom.presets((FOLDER / "CT_small.dcm").read_bytes())]
    assert names == ["soft tissue", "lung", "bone", "brain", "liver"]
    own = dicom.presets((FOLDER / "MR_small.dcm").read_bytes())
    assert [preset.window for preset in own] == [Window(600, 1600)]


def test_who_the_patient_is_is_never_read() -> None:
    """Of a file whose header names a patient, no identifying tag is even read."""
    data = (FOLDER / "CT_small.dcm").read_bytes()
    assert b"CompressedSamples^CT1" in data
    read = dicom._read(data, with_pixels=True)
    told = [e.keyword for e in read if e.keyword.startswith(("Patient", "Study", "Institution", "Referring", "Series"))]
    assert told == []


@pytest.mark.filterwarnings("ignore")
def test_a_copy_tells_nothing_of_the_patient() -> None:
    """Every bundled file that is shown is copied with the same pixels; of its names, dates, numbers and texts none is in the copy."""
    copied = 0
    for path, data in bundled():
        if path.name in REFUSED or len(data) > 1_000_000:
            continue
        copy = without_patient(data)
        assert copy == without_patient(data)
        assert np.array_equal(decode(copy, path="x.dcm"), decode(data, path="x.dcm")), path.name
        left = {element.tag.group for element in pydicom.dcmread(io.BytesIO(copy))} - {0x0028, 0x7FE0}
        assert left <= {0x0008}, path.name
        told = pydicom.dcmread(io.BytesIO(copy))
        assert not [e for e in told if e.VR in ("PN", "LO", "SH", "LT", "ST", "UT", "DA", "TM", "DT", "AS", "UR")], (
            path.name
        )
        copied += 1
    assert copied > 60
    assert b"CompressedSamples^CT1" not in without_patient((FOLDER / "CT_small.dcm").read_bytes())
    with pytest.raises(UnreadableImage, match="cannot be taken out"):
        without_patient(b"no DICOM")


def test_a_huge_frame_is_refused() -> None:
    """A header that announces more than fits is refused before memory is taken."""
    dataset = pydicom.dcmread(FOLDER / "CT_small.dcm")
    dataset.Rows = dataset.Columns = 60_000
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.save_as(file)
    with pytest.raises(UnreadableImage, match="over the limit"):
        decode(file.getvalue(), path="x.dcm")
