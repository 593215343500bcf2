"""Image folders for classification: a folder a label with the images themselves, and metadata.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from tempfile import TemporaryFile

from core.annotation import Answer
from exporters.items import Labeled, StoredItem
from exporters.output import Output, safe_name
from exporters.writer import Writer, is_multi_class, needs_labels, state_name
from storage import open_store
from storage.base import StorageError
from storage.deidentified import without_patient
from storage.images import is_dicom_path

UNLABELED = "_unlabeled"
MANY = "images"


class FoldersWriter(Writer):
    """Multi-class: `LABEL/…/image`. Multi-label: `images/…/image`. metadata.csv has file_name, label (joined by |), state.

    A DICOM file is copied without what tells of the patient. An image that cannot be read any more has a row in metadata.csv with the reason and no file.
    """

    def __init__(self, begun: Labeled, output: Output) -> None:
        super().__init__(begun, output)
        needs_labels(begun, "An image folder")
        self._store = open_store(begun.project.datastore)
        self._rows = TemporaryFile()  # noqa: SIM115 - it lives as long as the export
        self._row("file_name", "label", "state", "source", "problem")

    def _row(self, *cells: str) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerow(cells)
        self._rows.write(text.getvalue().encode())

    def add(self, items: Sequence[StoredItem]) -> None:
        """Copy the images."""
        for item, answer in self.counted(items):
            name = safe_name(f"{self._folder(answer)}/{item.path}")
            problem = ""
            try:
                self.output.put(name, self._image(item.path))
            except StorageError as error:
                problem = str(error)
            labels = "|".join(self.paths[label] for label in answer.labels)
            self._row("" if problem else name, labels, state_name(item), item.path, problem)

    def _image(self, path: str) -> bytes:
        data = self._store.get(path)
        return without_patient(data) if is_dicom_path(path) else data

    def _folder(self, answer: Answer) -> str:
        if answer.is_empty:
            return UNLABELED
        return self.paths[answer.labels[0]] if is_multi_class(self.begun) else MANY

    def finish(self) -> None:
        """Write metadata.csv."""
        self._rows.seek(0)
        with self.output.open("metadata.csv") as file:
            while piece := self._rows.read(1 << 20):
                file.write(piece)

    def close(self) -> None:
        """Let go of the rows."""
        self._rows.close()
