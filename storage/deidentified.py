"""DICOM files without what tells who a patient is, where and when: the pixels and what describes them, and nothing else.

What is written into the pixels themselves stays; no program can promise to find it.
"""

from __future__ import annotations

import hashlib
import io

import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from storage.base import UnreadableImage

IMAGE_GROUP, PIXEL_GROUP = 0x0028, 0x7FE0
KEPT = ("Modality", "SOPClassUID")
# Numbers, codes and bytes; free text of any kind, names, dates and addresses are left out.
KINDS = frozenset({
    "US", "SS", "UL", "SL", "DS", "IS", "CS", "OW", "OB", "FL", "FD", "OF", "OD", "OL", "OV", "AT", "SQ", "US or SS", "OB or OW",
    "US or OW", "US or SS or OW",
})  # fmt: skip


def without_patient(data: bytes) -> bytes:
    """The same picture as a DICOM file that says nothing of the patient; the same bytes for the same file.

    Raises:
        UnreadableImage: the header cannot be taken apart.
    """
    try:
        found = pydicom.dcmread(io.BytesIO(data))
        kept = _kept(found)
        kept.SOPInstanceUID = generate_uid(entropy_srcs=[hashlib.sha256(data).hexdigest()])
        kept.file_meta = _meta(found, kept)
        file = io.BytesIO()
        pydicom.dcmwrite(file, kept, enforce_file_format=True)
        return file.getvalue()
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise UnreadableImage(f"what tells of the patient cannot be taken out of the DICOM file ({reason})") from error


def _kept(found: Dataset) -> Dataset:
    kept = Dataset()
    for element in found:
        if element.tag.group in (IMAGE_GROUP, PIXEL_GROUP) or element.keyword in KEPT:
            if element.VR == "SQ":
                kept.add(DataElement(element.tag, "SQ", Sequence([_kept(one) for one in element.value])))
            elif element.VR in KINDS or element.keyword in KEPT:
                kept.add(element)
    return kept


def _meta(found: Dataset, kept: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = found.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID = kept.get("SOPClassUID") or found.file_meta.get("MediaStorageSOPClassUID")
    meta.MediaStorageSOPInstanceUID = kept.SOPInstanceUID
    return meta
