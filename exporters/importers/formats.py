"""The formats that Tagline reads, by name, and how to tell which one a file is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exporters.importers.coco import read_coco
from exporters.importers.cvat import read_cvat
from exporters.importers.documents import walk
from exporters.importers.entries import BadFile, Entries
from exporters.importers.files import LabelFile, with_ending
from exporters.importers.jsonl import read_jsonl
from exporters.importers.labelme import read_labelme
from exporters.importers.labelstudio import read_label_studio
from exporters.importers.parquet import read_parquet
from exporters.importers.tables import read_csv
from exporters.importers.voc import read_voc
from exporters.importers.yolo import read_yolo

PEEK = 4096
JSON_KINDS = {"": "label-studio", "shapes": "labelme", "images": "coco"}  # by an outermost field, or none


@dataclass(frozen=True)
class Importer:
    """One format that labels are read from."""

    name: str
    summary: str
    read: Callable[[Sequence[LabelFile]], Entries]


IMPORTERS = {
    importer.name: importer
    for importer in (
        Importer("coco", "COCO JSON, in pixels or as the retired service wrote it", read_coco),
        Importer("jsonl", "JSON Lines in Azure ML's schema", read_jsonl),
        Importer("csv", "a row an annotation, or file name and label", read_csv),
        Importer("parquet", "a row an image, as Tagline writes it", read_parquet),
        Importer("yolo", "a folder or zip of text files with data.yaml", read_yolo),
        Importer("voc", "Pascal VOC, XML files", read_voc),
        Importer("labelme", "labelme's JSON files", read_labelme),
        Importer("label-studio", "Label Studio's JSON", read_label_studio),
        Importer("cvat", "CVAT for images 1.1, XML", read_cvat),
    )
}


def detect(files: Sequence[LabelFile]) -> Importer:
    """The format that these files are in. Raises BadFile where it cannot be told."""
    if with_ending(files, ".jsonl"):
        return IMPORTERS["jsonl"]
    if with_ending(files, ".parquet"):
        return IMPORTERS["parquet"]
    if with_ending(files, ".csv"):
        return IMPORTERS["csv"]
    if found := with_ending(files, ".xml"):
        return IMPORTERS["cvat" if b"<annotations" in found[0].head(PEEK) else "voc"]
    if found := with_ending(files, ".json"):
        return IMPORTERS[_json_kind(found)]
    if with_ending(files, ".txt"):
        return IMPORTERS["yolo"]
    raise BadFile("No file of labels of a known kind is there; say which it is with --format. Nothing was imported.")


def _json_kind(files: Sequence[LabelFile]) -> str:
    file = files[0]
    with file.stream() as opened:
        for part in walk(opened, file.name):
            if (kind := JSON_KINDS.get(part.field)) is not None:
                return kind
    raise BadFile(
        f"{file.name} is no JSON of a known kind; COCO has `images`, labelme has `shapes`. Nothing was imported."
    )


__all__ = ["IMPORTERS", "Importer", "detect"]
