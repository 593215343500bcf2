"""What held-out folds found, kept in the worker's folder until their training ends: a killed one need not train them again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import orjson

from assist.detection.detections import Detection
from assist.errors import explained
from core.geometry import shape_from_json, shape_to_json
from core.ids import ItemId


class FoldCache:
    """The folds of one run."""

    def __init__(self, folder: Path, run: int) -> None:
        self._folder = folder / "folds" / str(run)

    def read(self, fold: int, items: Sequence[ItemId]) -> list[list[Detection]] | None:
        """What was found on these items, in their order; None where it is not known, or of other items."""
        try:
            body = orjson.loads(self._path(fold).read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        if body["items"] != list(items):
            return None
        return [[Detection(one[0], one[1], shape_from_json(one[2])) for one in some] for some in body["found"]]

    def write(self, fold: int, items: Sequence[ItemId], found: Sequence[Sequence[Detection]]) -> None:
        """Keep it, whole or not at all. Raises DiskFull."""
        rows = [[(one.class_index, one.score, shape_to_json(one.shape)) for one in some] for some in found]
        part = self._path(fold).with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            part.write_bytes(orjson.dumps({"items": list(items), "found": rows}))
            part.replace(self._path(fold))
        except OSError as error:
            raise explained(error) from error

    def forget(self) -> None:
        """The training has ended."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, fold: int) -> Path:
        return self._folder / f"{fold}.json"
