"""YOLO in: `data.yaml` (or classes.txt, obj.names) and a text file an image, in fractions of the image.

Source: the dataset format of YOLOv5 and later: class and centre box, or class and outline; a sixth number is a score.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import orjson

from exporters.importers.entries import BadFile, Entries, Entry, Found, fail, number, ring, shown
from exporters.importers.files import LabelFile, with_ending
from exporters.importers.matching import stem

CLASS_LISTS = ("classes.txt", "obj.names", "predefined_classes.txt")
IMAGE_LISTS = ("train.txt", "val.txt", "test.txt")
OTHER_TEXTS = (*CLASS_LISTS, *IMAGE_LISTS, "unlabeled.txt", "readme.txt", "license.txt")
LABEL_FOLDERS = frozenset({"labels", "obj_train_data", "obj_valid_data", "obj_test_data"})
PEEK_BYTES = 64 * 1024
_A_REGION = re.compile(r"\d+(?:\s+[-+.\deE]+){4,}\s*")
_FOLDERS = re.compile(r"^(?:.*/)?labels/(?:(?:train|val|test|valid)(?:2017)?/)?|^obj_(?:train|valid|test)_data/")


def read_yolo(files: Sequence[LabelFile]) -> Entries:
    """An entry a text file; an empty one says that nothing is there. Raises BadFile."""
    names = _class_names(files)
    texts = [file for file in with_ending(files, ".txt") if _is_labels(file)]
    if not texts:
        fail("YOLO", "there is no .txt file of labels")
    listed = _listed(files)
    for file in texts:
        name = file.name.removesuffix(".txt")
        lines = enumerate(file.text().splitlines(), start=1)
        regions = tuple(_region(line, f"{file.name}, line {n}", names) for n, line in lines if line.strip())
        image = listed.get(name.removeprefix("labels/"), "")
        yield Entry(_stems(name), file.name, regions=regions, is_stem=True, listed=image)


def _is_labels(file: LabelFile) -> bool:
    """Not a list or a readme; one with the name of those is by its first line, as an image may be called `train.jpg` too."""
    folder, _, name = file.name.rpartition("/")
    if name.lower() not in OTHER_TEXTS:
        return True
    lines = file.head(PEEK_BYTES).decode(errors="replace").splitlines()
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        return not LABEL_FOLDERS.isdisjoint(folder.split("/"))
    return _A_REGION.fullmatch(first.strip()) is not None


def _listed(files: Sequence[LabelFile]) -> dict[str, str]:
    """Images by their paths without endings, from the lists that YOLO trains on; one that is there twice is not told apart."""
    lists = [file for file in files if file.name in IMAGE_LISTS and not _is_labels(file)]
    images = {line.removeprefix("./").removeprefix("images/") for file in lists for line in _lines(file)}
    stems = Counter(stem(image) for image in images)
    return {stem(image): image for image in images if stems[stem(image)] == 1}


def _lines(file: LabelFile) -> Iterator[str]:
    with file.stream() as opened:
        for line in opened:
            yield line.decode(errors="replace").removesuffix("\n").rstrip("\r")


def _stems(name: str) -> tuple[str, ...]:
    inside = name.removeprefix("labels/")
    return tuple(dict.fromkeys((inside, _FOLDERS.sub("", name))))


def _class_names(files: Sequence[LabelFile]) -> list[str]:
    for file in with_ending(files, ".yaml", ".yml"):
        if (found := _yaml_names(file.text(), file.name)) is not None:
            return found
    lists = [file for file in with_ending(files, *CLASS_LISTS) if file.name.rpartition("/")[2].lower() in CLASS_LISTS]
    for file in lists:
        if _is_labels(file):
            continue
        return [line.strip() for line in file.text().splitlines() if line.strip()]
    raise BadFile(
        "YOLO needs the names of its classes: data.yaml, classes.txt or obj.names beside the labels. Nothing was imported."
    )


def _yaml_names(text: str, name: str) -> list[str] | None:
    """The `names` of a data.yaml, in any of the three ways in which they are written; other YAML is not looked at."""
    lines = text.splitlines()
    at = next((n for n, line in enumerate(lines) if re.match(r"names\s*:", line)), None)
    if at is None:
        return None
    inline = lines[at].split(":", 1)[1].strip()
    if inline.startswith("["):
        joined = inline
        while "]" not in joined and at + 1 < len(lines):
            at += 1
            joined += lines[at].strip()
        return [_scalar(one) for one in joined.strip("[] ").split(",") if one.strip()]
    found: dict[int, str] = {}
    for n, line in enumerate(lines[at + 1 :], start=at + 2):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = re.match(r"\s*(?:-|(\d+)\s*:)\s+(.*)$", line)
        if match is None or (match[1] is not None and not line[:1].isspace()):
            break
        key = int(match[1]) if match[1] is not None else len(found)
        if key in found or key > 100_000:
            fail(f"{name}, line {n}, names", f"the class number {key} cannot be")
        found[key] = _scalar(match[2])
    if sorted(found) != list(range(len(found))) or not found:
        fail(f"{name}, names", "class numbers do not run from 0 without a gap")
    return [found[n] for n in range(len(found))]


def _scalar(text: str) -> str:
    text = text.strip()
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        try:
            return str(orjson.loads(text))
        except orjson.JSONDecodeError:
            return text[1:-1]
    if text.startswith("'") and text.endswith("'") and len(text) > 1:
        return text[1:-1].replace("''", "'")
    return text.split(" #")[0].strip()


def _region(line: str, where: str, names: Sequence[str]) -> Found:
    first, *rest = line.split()
    if not first.isascii() or not first.isdigit() or int(first[:9]) >= len(names):
        fail(f"{where}, class", f"{shown(first)} is none of the {len(names)} classes")
    label, values = names[int(first)], [number(one, f"{where}, number {n}") for n, one in enumerate(rest, start=2)]
    if len(values) in (4, 5):
        x, y, width, height = values[:4]
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return Found(label, box, fractions=True, score=values[4] if len(values) == 5 else None)
    outline = ring(values, where)
    return Found(label, rings=(outline,), fractions=True)
