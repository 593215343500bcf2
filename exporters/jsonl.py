"""JSON Lines in the schema of Azure ML's AutoML for images, alone or with the MLTable file that names it.

Source: "Data schemas to train computer vision models with automated machine learning". Coordinates are fractions.
An image without an answer has no `label`; one that was labeled empty has `"label": []`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import PurePosixPath
from typing import Any

import orjson

from core.annotation import Answer, Region
from core.geometry import Box
from core.ids import ItemState
from exporters.items import Labeled, StoredItem
from exporters.output import Output
from exporters.writer import Writer, flat, fraction, is_multi_class, store_url

FILE = "labels.jsonl"
MLTABLE = """\
$schema: https://azuremlschemas.azureedge.net/latest/MLTable.schema.json
type: mltable
paths:
  - file: ./labels.jsonl
transformations:
  - read_json_lines:
      encoding: utf8
      invalid_lines: error
      include_path_column: false
  - convert_column_types:
      - columns: image_url
        column_type: stream_info
"""


class JsonLinesWriter(Writer):
    """One line an image."""

    def __init__(self, begun: Labeled, output: Output) -> None:
        super().__init__(begun, output)
        self._prefix = store_url(begun.project.datastore)
        self._stack = ExitStack()
        self._file = self._stack.enter_context(output.open(FILE))

    def add(self, items: Sequence[StoredItem]) -> None:
        """Write the lines."""
        rows = (self._row(item, answer) for item, answer in self.counted(items))
        self._file.write(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))

    def _row(self, item: StoredItem, answer: Answer) -> dict[str, Any]:
        details = {
            "format": PurePosixPath(item.path).suffix[1:].lower(), "width": f"{item.width}px", "height": f"{item.height}px",
        }  # fmt: skip
        row: dict[str, Any] = {"image_url": self._prefix + item.path, "image_details": details}
        if item.state != ItemState.LABELED:
            return row
        if self.begun.project.task_type.has_regions:
            return row | {"label": [self._region(region, item.size_wh) for region in answer.regions]}
        labels = [self.paths[label] for label in answer.labels]
        return row | {"label": labels[0] if is_multi_class(self.begun) else labels}

    def _region(self, region: Region, size_wh: tuple[int, int]) -> dict[str, Any]:
        numbers = [fraction(value, size_wh[n % 2]) for n, value in enumerate(flat(region.shape))]
        row: dict[str, Any] = {"label": self.paths[region.label], "isCrowd": "false"}
        if isinstance(region.shape, Box):
            return row | dict(zip(("topX", "topY", "bottomX", "bottomY"), numbers, strict=True))
        return row | {"polygon": [numbers]}

    def finish(self) -> None:
        """Close the file."""
        self._stack.close()

    def close(self) -> None:
        """Let go of the file."""
        self._stack.close()


class MlTableWriter(JsonLinesWriter):
    """The lines, and the MLTable file beside them."""

    def finish(self) -> None:
        """Close the lines and write the table's description."""
        super().finish()
        self.output.put("MLTable", MLTABLE.encode())
