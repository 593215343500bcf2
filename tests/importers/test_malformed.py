"""Hostile and broken files of labels: whatever is in them, the answer is a result or one clear sentence, at once."""

from __future__ import annotations

import random
import resource
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from core.ids import TaskType
from exporters.importers.entries import BadFile
from exporters.importers.formats import IMPORTERS
from tests.importers.house import SIZE, answers_of_every_kind, items_of, read_back, write_items
from tests.importers.test_third_party import CVAT, LABELME, STUDIO

IMAGES = [(f"day/{n:03}.jpg", SIZE) for n in range(6)]
SEEDS = 25  # for each of the nine formats: 225 files
PIECES: tuple[Any, ...] = (
    b"\x00", b"\xff\xfe", b"{", b"[" * 2000, b"]", b'"', b"-", b"1e999", b"9" * 400, b"NaN", b"null", b"<", b"&amp;", b"\n",
    b"true", b"-1", b"\xf0\x9f\x92\xa9", b",", b"{}", b"[]", b'""', b"0" * 50_000,
)  # fmt: skip
VALUES: tuple[Any, ...] = (None, True, -1, 0, 2**70, 1e300, "", "x", [], {}, [[[]]], "\u202e", [None] * 5)


def samples(folder: Path) -> dict[str, tuple[str, bytes]]:
    """A good file of each format: its name, and its bytes."""
    told = answers_of_every_kind(TaskType.OBJECT_DETECTION, [path for path, _ in IMAGES])
    found: dict[str, tuple[str, bytes]] = {
        "labelme": ("001.json", orjson.dumps(LABELME)),
        "label-studio": ("tasks.json", orjson.dumps(STUDIO)),
        "cvat": ("annotations.xml", CVAT.encode()),
    }
    for format, name in (
        ("coco", "labels.json"), ("jsonl", "labels.jsonl"), ("csv", "labels.csv"),
        ("parquet", "labels.parquet"), ("voc", "Annotations/day/001.xml"), ("yolo", "labels/day/001.txt"),
    ):  # fmt: skip
        write_items(TaskType.OBJECT_DETECTION, items_of(told), format, folder / format)
        found[format] = (name, (folder / format / name).read_bytes())
    return found


def spoiled(data: bytes, rng: random.Random) -> bytes:
    """The file with bytes cut, doubled, replaced or put in, or with one JSON value changed."""
    if rng.random() < 0.4 and data[:1] in b"{[":
        try:
            return orjson.dumps(changed(orjson.loads(data), rng))
        except (orjson.JSONDecodeError, TypeError):
            pass
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at, to = sorted(rng.randrange(len(out) + 1) for _ in range(2))
        what = rng.randrange(4)
        if what == 0:
            del out[at : min(to, at + 40)]
        elif what == 1:
            out[at:at] = rng.choice(PIECES)
        elif what == 2:
            out[at : at + 3] = rng.choice(PIECES)
        else:
            out[at:at] = out[at : at + 60]
    return bytes(out)


def changed(value: Any, rng: random.Random) -> Any:
    """The same JSON with one value, somewhere, replaced by another or gone."""
    if not isinstance(value, (dict, list)) or not value or rng.random() < 0.15:
        return rng.choice(VALUES)
    key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
    if rng.random() < 0.15:
        del value[key]
    else:
        value[key] = changed(value[key], rng)
    return value


def spoiled_in(folder: Path, format: str, good: tuple[str, bytes], rng: random.Random, seed: int) -> None:
    """A spoiled file of the format in a new folder, with what else belongs to it."""
    name, data = good
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_bytes(spoiled(data, rng))
    if format == "yolo":
        names = b"names:\n  0: robin\n  1: wren\n"
        (folder / "data.yaml").write_bytes(
            spoiled(names, rng) if seed % 3 == 0 else b"names: [robin, wren, Owl, a, b, c]\n"
        )


@pytest.mark.parametrize("format", list(IMPORTERS))
def test_spoiled_files_never_crash(tmp_path: Path, format: str) -> None:
    """Of 225 spoiled files none crashes, hangs for five seconds or takes a gigabyte; each refusal is one clear sentence.

    `python -m benchmarks fuzz-labels` prints the counts.
    """
    good = samples(tmp_path / "good")[format]
    refused = 0
    for seed in range(SEEDS):
        rng = random.Random(f"{format}/{seed}")
        folder = tmp_path / str(seed)
        spoiled_in(folder, format, good, rng, seed)
        started = time.monotonic()
        task = rng.choice(list(TaskType))
        try:
            found = read_back(folder, task, IMAGES, format, fit=rng.random() < 0.5)
            assert found.images == (
                len(found.answers) + found.same + found.kept + found.unanswered
                + found.unmatched.counts.total() + found.refused.counts.total()
            )  # fmt: skip
        except BadFile as error:
            refused += 1
            said = str(error)
            assert len(said) < 400, said
            assert said.isprintable(), said
        assert time.monotonic() - started < 5
    assert 0 < refused <= SEEDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1024**2


def hostile(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files made to harm: what they are, and where."""
    bomb = folder / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", b"<annotation>" + b" " * (80 * 1024**2))
    yield "a zip that unpacks a thousandfold", bomb
    deep = folder / "deep.xml"
    deep.write_bytes(b"<annotation>" * 50_000)
    yield "XML nested without end", deep
    laughs = folder / "laughs.xml"
    laughs.write_text('<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><annotation>&b;</annotation>')
    yield "XML with entities", laughs
    nested = folder / "nested.json"
    nested.write_bytes(b"[" * 100_000)
    yield "JSON nested without end", nested
    cut = folder / "cut.zip"
    cut.write_bytes(bomb.read_bytes()[:-30])
    yield "a zip that was cut off", cut
    (folder / "empty.csv").write_bytes(b"")
    yield "an empty file", folder / "empty.csv"
    yield "no file at all", folder / "absent.json"


def test_hostile_files_are_refused(tmp_path: Path) -> None:
    """Bombs, endless nesting, entities and torn archives are refused with a sentence, in bounded time and memory."""
    for what, path in hostile(tmp_path):
        with pytest.raises(BadFile) as error:
            read_back(path, TaskType.OBJECT_DETECTION, IMAGES)
        assert len(str(error.value)) < 400, what


def test_a_mask_of_a_huge_image_is_refused(tmp_path: Path) -> None:
    """A mask that says it is a million pixels square is refused before a byte is set aside for it."""
    body = {
        "images": [{"id": 1, "file_name": "day/001.jpg"}], "categories": [{"id": 1, "name": "robin"}],
        "annotations": [{"image_id": 1, "category_id": 1, "segmentation": {"size": [10**6, 10**6], "counts": [10**12]}}],
    }  # fmt: skip
    (tmp_path / "a.json").write_bytes(orjson.dumps(body))
    with pytest.raises(BadFile, match="is no size of an image"):
        read_back(tmp_path / "a.json", TaskType.INSTANCE_SEGMENTATION, IMAGES)
