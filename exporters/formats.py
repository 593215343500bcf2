"""The formats that Tagline writes, by name."""

from __future__ import annotations

from exporters import coco, jsonl, tables
from exporters.boxes import VocWriter, YoloWriter
from exporters.coco import CocoWriter, RetiredServiceWriter
from exporters.folders import FoldersWriter
from exporters.jsonl import JsonLinesWriter, MlTableWriter
from exporters.tables import CsvWriter, ParquetWriter
from exporters.writer import Format

FORMATS = {
    format.name: format
    for format in (
        Format("coco", "COCO JSON, boxes and polygons in pixels", coco.FILE, CocoWriter, ".json"),
        Format("coco-aml", "COCO as the retired service wrote it: fractions", coco.FILE, RetiredServiceWriter, ".json"),
        Format("jsonl", "JSON Lines in Azure ML's schema", jsonl.FILE, JsonLinesWriter, ".jsonl"),
        Format("mltable", "the same with an MLTable file", None, MlTableWriter, ".zip"),
        Format("csv", "a row an annotation", tables.CSV_FILE, CsvWriter, ".csv"),
        Format("parquet", "a row an image", tables.PARQUET_FILE, ParquetWriter, ".parquet"),
        Format("yolo", "a text file an image and data.yaml", None, YoloWriter, ".zip"),
        Format("voc", "Pascal VOC, an XML file an image", None, VocWriter, ".zip"),
        Format("folders", "the images in a folder a label, and metadata.csv", None, FoldersWriter, ".zip"),
    )
}
