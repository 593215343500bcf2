"""What an export wrote, and the check that it adds up."""

from __future__ import annotations

import builtins
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import orjson

from core.errors import TaglineError
from exporters.items import Labeled


class ExportMismatch(TaglineError):
    """What was written does not add up to what the database holds; the file must not be used."""


@dataclass
class Manifest:
    """What an export wrote; `sha256` is that of the one file, or of SHA256SUMS where there are many."""

    project: str
    format: str = "coco"
    made: str = ""
    images: int = 0
    annotations: int = 0
    categories: int = 0
    files: int = 0
    bytes: int = 0
    sha256: str = ""

    def to_json(self) -> builtins.bytes:
        """The file `manifest.json`."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def made_at(now_ms: int) -> str:
    """A moment as exports write it: ISO 8601, UTC, whole seconds."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="seconds")


def check(manifest: Manifest, begun: Labeled) -> None:
    """Raises ExportMismatch unless images and annotations are as many as the database says."""
    wrote, held = (manifest.images, manifest.annotations), (begun.items, begun.annotations)
    if wrote != held:
        raise ExportMismatch(
            f"The export holds {wrote[0]} images and {wrote[1]} annotations, the database {held[0]} and {held[1]}; it was "
            "thrown away and the labels are as they were. Run `tagline doctor`, then export once more."
        )
