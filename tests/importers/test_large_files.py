"""Large files of labels: read piece by piece, with the same result as at once, and with memory that does not grow with them."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.annotation import Answer, Region
from core.geometry import Box
from core.ids import ItemId, LabelId, TaskType
from exporters.importers import documents
from exporters.importers.documents import walk
from exporters.importers.entries import BadFile
from exporters.importers.files import open_files
from exporters.importers.formats import IMPORTERS
from tests.importers.house import LABELS, SIZE, items_of, read_back, write_items

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
bodies = st.lists(values) | st.dictionaries(st.text(min_size=1), values)
ROBIN = LABELS.classes[0]
IMAGES, MOST_BYTES = 5_000, 4 * 1024**2


def walked(data: bytes) -> Any:
    """The document put together again from its parts."""
    body: Any = {}
    for part in walk(io.BytesIO(data), "a.json"):
        if part.number is not None:
            body[part.field].append(part.value)
        else:
            body[part.field] = part.value
    return body.get("", body)


@pytest.mark.parametrize("piece", [1, 3, 64])
@pytest.mark.parametrize("options", [0, orjson.OPT_INDENT_2])
def test_pieces_make_the_document(piece: int, options: int) -> None:
    """Wherever the file is cut while it is read, the parts are those of the whole document, and each is where it is said."""

    @given(body=bodies)
    def hold(body: Any) -> None:
        data = documents.BOM + orjson.dumps(body, option=options)
        with patch.object(documents, "PIECE_BYTES", piece):
            assert walked(data) == body
            for part in walk(io.BytesIO(data), "a.json"):
                if part.length:
                    assert orjson.loads(data[part.start : part.start + part.length]) == part.value

    hold()


@given(body=bodies, data=st.data())
def test_what_is_no_document_is_refused(body: Any, data: st.DataObject) -> None:
    """A spoiled document is read as orjson reads it, or refused where orjson refuses it; never half."""
    text = bytearray(orjson.dumps(body))
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.sampled_from(b'{}[],:"\\ 0-e\x00\xff'))
    try:
        expected = orjson.loads(bytes(text))
    except orjson.JSONDecodeError:
        with pytest.raises(BadFile, match=r"a\.json, line 1, column \d+: this is no JSON"):
            walked(bytes(text))
        return
    assume(isinstance(expected, (dict, list)) and bytes(text).count(b'":') < 2)
    assert walked(bytes(text)) == expected


def test_a_fault_is_named_by_line_and_column(tmp_path: Path) -> None:
    """Deep in a long file, the place of the fault is told as an editor counts."""
    lines = [b'{"images": [', *([b'{"id": 1},'] * 50_000), b'{"id": tree}', b"]}"]
    (tmp_path / "a.json").write_bytes(b"\n".join(lines))
    with pytest.raises(BadFile, match=r"a\.json, line 50002, column 8: this is no JSON"):
        read_back(tmp_path, TaskType.OBJECT_DETECTION, [], "coco")


def test_annotations_in_any_order_come_to_their_images(tmp_path: Path) -> None:
    """Boxes of one image that are scattered over the file, and stand before the images, come together in their order."""
    boxes = [[1, 1, 10, 10], [2, 2, 20, 20], [3, 3, 30, 30], [4, 4, 40, 40]]
    body = {
        "annotations": [{"image_id": ("x", 1)[n % 2], "category_id": 1, "bbox": box} for n, box in enumerate(boxes)],
        "images": [{"id": 1, "file_name": "one.jpg"}, {"id": "x", "file_name": "ex.jpg"}],
        "categories": [{"id": 1, "name": ROBIN.path}],
    }
    (tmp_path / "a.json").write_bytes(orjson.dumps(body))
    found = read_back(tmp_path, TaskType.OBJECT_DETECTION, [("one.jpg", SIZE), ("ex.jpg", SIZE)])
    assert found.answers == {
        ItemId(1): Answer((), (Region(ROBIN.id, Box(2, 2, 22, 22)), Region(ROBIN.id, Box(4, 4, 44, 44)))),
        ItemId(2): Answer((), (Region(ROBIN.id, Box(1, 1, 11, 11)), Region(ROBIN.id, Box(3, 3, 33, 33)))),
    }


def test_rows_in_any_order_come_to_their_images(tmp_path: Path) -> None:
    """The same of a CSV, with names that have line breaks and signs of several bytes in them."""
    text = 'file,label\n"a\n鳥.jpg",robin\n\nb.jpg,wren\n"a\n鳥.jpg",wren\n'
    (tmp_path / "a.csv").write_bytes(documents.BOM + text.encode())
    found = read_back(tmp_path, TaskType.MULTI_LABEL, [("a\n鳥.jpg", SIZE), ("b.jpg", SIZE)])
    robin, wren = LabelId(1), LabelId(2)
    assert found.answers == {ItemId(1): Answer((robin, wren)), ItemId(2): Answer((wren,))}


def large(format: str, folder: Path, images: int) -> Path:
    """A file of so many images with four boxes each."""
    answer = Answer((), tuple(Region(LabelId(1 + k), Box(10.5 + k, 20, 99.5, 200.25)) for k in range(4)))
    if format in ("label-studio", "cvat"):
        path = folder / ("a.json" if format == "label-studio" else "a.xml")
        path.write_bytes(OTHERS[format](images))
        return path
    write_items(
        TaskType.OBJECT_DETECTION, items_of([(f"photos/{n:07}.jpg", answer) for n in range(images)]), format, folder
    )
    return next(one for one in folder.iterdir() if one.name.startswith("labels."))


def studio_of(images: int) -> bytes:
    """Tasks of Label Studio with a box each."""
    value = {"x": 1, "y": 2, "width": 30, "height": 40, "rectanglelabels": ["robin"]}
    result = [{"type": "rectanglelabels", "original_width": 640, "original_height": 480, "value": value}] * 4
    return orjson.dumps(
        [{"data": {"image": f"photos/{n:07}.jpg"}, "annotations": [{"result": result}]} for n in range(images)]
    )


def cvat_of(images: int) -> bytes:
    """Images of CVAT with boxes."""
    box = '<box label="robin" xtl="64" ytl="48" xbr="320" ybr="240"></box>' * 4
    rows = (f'<image id="{n}" name="photos/{n:07}.jpg" width="640" height="480">{box}</image>' for n in range(images))
    return f"<annotations>{''.join(rows)}</annotations>".encode()


OTHERS: dict[str, Callable[[int], bytes]] = {"label-studio": studio_of, "cvat": cvat_of}


@pytest.mark.parametrize(
    ("format", "packed"),
    [
        ("coco", False), ("coco", True), ("jsonl", False), ("jsonl", True), ("csv", False), ("parquet", False),
        ("label-studio", False), ("cvat", False),
    ],
)  # fmt: skip
def test_memory_does_not_grow_with_the_file(tmp_path: Path, format: str, *, packed: bool) -> None:
    """One document of any format, as a file or in a zip, is read in a few megabytes, a fraction of what it says."""
    path = large(format, tmp_path, IMAGES)
    if packed:
        with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
        path = tmp_path / "a.zip"
    tracemalloc.start()
    try:
        with open_files(path) as files:
            assert sum(len(entry.regions) for entry in IMPORTERS[format].read(files)) == 4 * IMAGES
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
