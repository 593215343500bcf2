"""Every file with pixels that pydicom bundles, and every variant of TIFF, PNG, JPEG and BMP: compared in pixels, or refused.

The pictures that variants are made from are the reference, or OpenCV's reading of them; for DICOM it is GDCM and the standard's formula.
"""

from __future__ import annotations

import argparse
import io
import warnings
from collections import Counter
from typing import Any

import numpy as np
import pydicom

from storage.base import UnreadableImage
from storage.images import decode

MEAN, DICOM_MOST = 2.0, 1.01


def run(_args: argparse.Namespace) -> dict[str, Any]:
    """Counts a kind, and what was neither right nor refused."""
    found = {"dicom": _dicom(), **_variants()}
    wrong = [name for counts in found.values() for name in counts.pop("wrong")]
    reasons = {name: why for counts in found.values() for name, why in counts.pop("reasons").items()}
    met = {"each shown right, or refused with a reason": not wrong and all(len(why) > 10 for why in reasons.values())}
    return {**found, "refused": reasons, "wrong": wrong, "met": met}


def _dicom() -> dict[str, Any]:
    from tests.storage.test_dicom import LIES, bundled, by_gdcm, expected

    counts: Counter[str] = Counter()
    wrong: list[str] = []
    reasons: dict[str, str] = {}
    for path, data in bundled():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shown = _tried(path.name, data, "x.dcm", reasons, wrong)
            values = None if shown is None or path.name in LIES else by_gdcm(path)
            dataset = pydicom.dcmread(io.BytesIO(data), force=True)
        if shown is None:
            counts["refused"] += path.name in reasons
        elif values is None or dataset.get("VOILUTSequence"):
            counts["shown, nothing to compare with"] += 1
        else:
            counts["compared"] += 1
            if np.abs(shown[..., 0] - expected(values, dataset)).max() > DICOM_MOST:
                wrong.append(path.name)
    return {"files": counts.total(), **counts, "reasons": reasons, "wrong": wrong}


def _variants() -> dict[str, dict[str, Any]]:
    from tests.storage import test_tiff, test_variants

    shown = {f"tiff {name}": pair for name, pair in test_tiff.VARIANTS.items()}
    shown |= test_variants.SHOWN
    found: dict[str, dict[str, Any]] = {}
    for name, (data, wanted) in shown.items():
        of = found.setdefault(
            name.partition(" ")[0], {"files": 0, "compared": 0, "refused": 0, "reasons": {}, "wrong": []}
        )
        of["files"] += 1
        pixels = _tried(name, data, "", of["reasons"], of["wrong"])
        if pixels is not None:
            of["compared"] += 1
            of["wrong"] += [name] if np.abs(pixels.astype(float) - wanted).mean() > MEAN else []
    others: dict[str, Any] = {"files": 0, "refused": 0, "reasons": {}, "wrong": []}
    for name, data in test_variants.REFUSED.items():
        others["files"] += 1
        others["refused"] += _tried(name, data, "", others["reasons"], others["wrong"]) is None
    return found | {"kinds that are not taken": others}


def _tried(name: str, data: bytes, path: str, reasons: dict[str, str], wrong: list[str]) -> Any:
    """The pixels, or None with the reason noted."""
    try:
        return decode(data, path=path)
    except UnreadableImage as error:
        reasons[name] = str(error)
    except Exception as error:
        wrong.append(f"{name}: {type(error).__name__}")
    return None
