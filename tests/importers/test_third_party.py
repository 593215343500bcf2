"""Files that other tools wrote: real ones of public data sets, and small ones in the form of each tool."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image

from benchmarks.rig.truth import data_folder
from core.annotation import Answer, Region
from core.geometry import Box, Polygon
from core.ids import ItemId, LabelId, TaskType
from core.labels import LabelClass, LabelSet
from exporters.importers.entries import BadFile
from tests.importers.house import PATHS, SIZE, read_back

DATA = data_folder() or Path("no-real-data")
ROBIN, WREN, BARN = (LabelId(PATHS.index(path) + 1) for path in ("robin", "wren", "Owl/Barn"))
with_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not on this machine")
IMAGES = [("day/001.jpg", SIZE), ("day/002.png", SIZE), ("night/001.jpg", SIZE)]
BOX = Answer((), (Region(ROBIN, Box(64, 48, 320, 240)),))
TRIANGLE = Answer((), (Region(WREN, Polygon(((64, 48), (320, 48), (64, 240)))),))


def labels_of(*names: str) -> LabelSet:
    """A project's labels."""
    return LabelSet(tuple(LabelClass(LabelId(n), name, name, n, "#ffffff") for n, name in enumerate(names, start=1)))


def images_in(folder: Path, before: str = "") -> list[tuple[str, tuple[int, int]]]:
    """The images of a folder with their sizes."""
    return [(f"{before}{file.name}", Image.open(file).size) for file in sorted(folder.iterdir())]


@with_data
def test_blood_cells_as_pascal_voc() -> None:
    """All 364 files are found by name; the two with a box of no area are named and refused, or taken without it."""
    images = images_in(DATA / "blood-cells/JPEGImages")
    given = (DATA / "blood-cells/Annotations", TaskType.OBJECT_DETECTION, images)
    labels = labels_of("RBC", "WBC", "Platelets")
    found = read_back(*given, labels=labels)
    assert found.format == "voc"
    assert (found.images, len(found.answers), found.without) == (364, 362, 0)
    assert found.refused.facts() == [
        {"reason": "the region has no area", "count": 2, "examples": ["BloodImage_00338.jpg", "BloodImage_00343.jpg"]}
    ]
    assert {name: n for name, (n, _) in found.classes.items()} == {"WBC": 372, "RBC": 4155, "Platelets": 361}
    fitted = read_back(*given, labels=labels, fit=True)
    assert (len(fitted.answers), fitted.notes) == (364, {"region without area left out": 2})


@with_data
def test_coco_2017_as_boxes_polygons_and_labels() -> None:
    """COCO's own file: every image is found below its folder; crowds are left out and said; crossing outlines are named."""
    file = DATA / "coco-tiny/annotations/instances_val2017.json"
    body = orjson.loads(file.read_bytes())
    labels = labels_of(*(one["name"] for one in body["categories"]))
    images = images_in(DATA / "coco-tiny/val2017", "val2017/")
    crowds = sum(one["iscrowd"] for one in body["annotations"])
    boxes = read_back(file, TaskType.OBJECT_DETECTION, images, labels=labels)
    assert (len(boxes.answers), boxes.notes) == (80, {"iscrowd left out": crowds})
    assert sum(len(answer.regions) for answer in boxes.answers.values()) == len(body["annotations"]) - crowds
    outlines = read_back(file, TaskType.INSTANCE_SEGMENTATION, images, labels=labels)
    assert (len(outlines.answers), outlines.refused.counts) == (76, {"the polygon's edges cross each other": 4})
    assert len(read_back(file, TaskType.INSTANCE_SEGMENTATION, images, labels=labels, fit=True).answers) == 80
    several = read_back(file, TaskType.MULTI_LABEL, images, labels=labels)
    assert len(several.answers) == 80


@with_data
def test_what_is_not_the_projects_is_said() -> None:
    """Images that the project lacks and classes that it lacks are counted and named; nothing is guessed."""
    file = DATA / "coco-tiny/annotations/instances_val2017.json"
    images = images_in(DATA / "coco-tiny/val2017")[:40]
    found = read_back(file, TaskType.OBJECT_DETECTION, images, labels=labels_of("person", "car"))
    assert found.unmatched.counts == {"no item has this path or name": 40}
    unknown = [name for name, (_, label) in found.classes.items() if label is None]
    assert len(unknown) > 50
    assert all(reason.startswith("the project has no label") for reason in found.refused.counts)
    assert len(found.answers) + found.refused.counts.total() == 40


def put(folder: Path, name: str, content: Any) -> Path:
    """A file with this text or JSON."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else orjson.dumps(content))
    return path


def coco_of(annotation: dict[str, Any], **image: Any) -> dict[str, Any]:
    """A COCO file with one image and one annotation."""
    return {
        "images": [{"id": 7, "file_name": "day/001.jpg", **image}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 3, **annotation}],
        "categories": [{"id": 3, "name": "robin"}, {"id": 4, "name": "wren"}],
    }


RETIRED = coco_of(
    {"bbox": [0.1, 0.1, 0.4, 0.4], "area": 0.0},
    file_name="001.jpg",
    width=0.0,
    height=0.0,
    coco_url="AmlDatastore://workspaceblobstore/day/001.jpg",
)
LABELME = {
    "version": "5.0", "flags": {}, "imagePath": "..\\day\\001.jpg", "imageData": None, "imageWidth": 640, "imageHeight": 480,
    "shapes": [{"label": "robin", "points": [[320, 240], [64, 48]], "shape_type": "rectangle", "flags": {}}],
}  # fmt: skip
STUDIO = [
    {
        "data": {"image": "/data/upload/1/0a1b2c3d-002.png"},
        "annotations": [
            {"was_cancelled": True, "result": []},
            {
                "result": [
                    {
                        "type": "polygonlabels", "original_width": 640, "original_height": 480,
                        "value": {"points": [[10, 10], [50, 10], [10, 50]], "polygonlabels": ["wren"]},
                    },
                    {"type": "relation", "value": {}},
                ]
            },
        ],
    },
    {"data": {"image": "/data/local-files/?d=photos/night/001.jpg"}, "annotations": []},
]  # fmt: skip
CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version>
<image id="0" name="day/001.jpg" width="640" height="480">
<box label="robin" occluded="0" xtl="64.00" ytl="48.00" xbr="320.00" ybr="240.00" z_order="0"></box>
<points label="beak" points="1,2"/></image>
<image id="1" name="day/002.png" width="640" height="480"></image></annotations>"""
TENSORFLOW = "filename,width,height,class,xmin,ymin,xmax,ymax\nday/001.jpg,640,480,robin,64,48,320,240\n"
YOLO_YAML = "train: images/train\nnc: 2\nnames: ['robin', \"wren\"]  # two\n"

BOXES = [
    ("coco.json", coco_of({"bbox": [64, 48, 256, 192], "iscrowd": 0}), "coco"),
    ("aml.json", RETIRED, "coco"),
    ("001.json", LABELME, "labelme"),
    ("annotations.xml", CVAT, "cvat"),
    ("boxes.csv", TENSORFLOW, "csv"),
]


@pytest.mark.parametrize(("name", "content", "format"), BOXES)
def test_a_box_of_each_tool_is_the_same_box(tmp_path: Path, name: str, content: Any, format: str) -> None:
    """The format is found out, and the same box comes from pixels, fractions, corners in any order, or attributes."""
    found = read_back(put(tmp_path, name, content), TaskType.OBJECT_DETECTION, IMAGES)
    assert found.format == format
    assert found.answers == {ItemId(1): BOX}
    assert not found.refused.counts


def test_label_studio_names_and_percents(tmp_path: Path) -> None:
    """An upload is found by what follows its code, a cancelled annotation does not count, an empty task is unlabeled."""
    found = read_back(put(tmp_path, "tasks.json", STUDIO), TaskType.INSTANCE_SEGMENTATION, IMAGES)
    assert found.answers == {ItemId(2): TRIANGLE}
    assert (found.unanswered, found.notes) == (1, {"relation left out": 1})


def test_cvat_images_without_shapes_are_unlabeled(tmp_path: Path) -> None:
    """CVAT lists every image of a task; those that nobody touched are not taken as empty."""
    found = read_back(put(tmp_path, "annotations.xml", CVAT), TaskType.OBJECT_DETECTION, IMAGES)
    assert (found.unanswered, found.without, found.notes) == (1, 1, {"points left out": 1})


@pytest.mark.parametrize("yaml", [YOLO_YAML, "names:\n- robin\n- wren\n", "path: .\nnames:\n  0: robin\n  1: wren\n"])
def test_yolo_of_any_arrangement(tmp_path: Path, yaml: str) -> None:
    """Class names in any of the three ways; label files beside or below; a zip as well as a folder; scores are read."""
    put(tmp_path / "set", "data.yaml", yaml)
    put(tmp_path / "set", "labels/train/day/001.txt", "0 0.3 0.3 0.4 0.4 0.75\n")
    found = read_back(tmp_path / "set", TaskType.OBJECT_DETECTION, IMAGES)
    assert found.format == "yolo"
    assert list(found.answers.batches(10)) == [({ItemId(1): BOX}, {ItemId(1): 0.75})]
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in (tmp_path / "set").rglob("*.*"):
            archive.write(file, file.relative_to(tmp_path / "set").as_posix())
    assert read_back(tmp_path / "set.zip", TaskType.OBJECT_DETECTION, IMAGES).answers == {ItemId(1): BOX}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.csv", "filename,label\nday/001.jpg,Barn\n002.png,wren\n"),
        ("labels.jsonl", '{"image_url":"azureml://x/datastores/a/paths/day/001.jpg","label":"Owl/Barn"}\n'),
        ("aml.json", coco_of({}) | {"categories": [{"id": 3, "name": "Barn", "supercategory": "Owl"}]}),
        ("001.json", LABELME | {"shapes": [], "flags": {"Barn": True, "wren": False}}),
        ("annotations.xml", CVAT.replace("<points", '<tag label="Owl/Barn"/><points').replace('"robin"', '"Barn"')),
    ],
)
def test_labels_of_whole_images(tmp_path: Path, name: str, content: Any) -> None:
    """A label of an image comes from any tool, by its path or by its own name where only one label has it."""
    found = read_back(put(tmp_path, name, content), TaskType.MULTI_CLASS, IMAGES)
    assert found.answers[ItemId(1)] == Answer((BARN,))


def test_names_that_two_items_share_are_not_guessed(tmp_path: Path) -> None:
    """`001.jpg` could be the day's or the night's: it is said, and neither gets the label."""
    found = read_back(put(tmp_path, "labels.csv", "file,label\n001.jpg,wren\n"), TaskType.MULTI_CLASS, IMAGES)
    assert found.unmatched.counts == {"several items end in this name": 1}
    assert not found.answers


def test_another_size_means_another_image(tmp_path: Path) -> None:
    """Boxes in pixels of a larger original are refused with both sizes, instead of landing elsewhere."""
    file = put(tmp_path, "coco.json", coco_of({"bbox": [1, 2, 3, 4]}, width=1280, height=960))
    found = read_back(file, TaskType.OBJECT_DETECTION, IMAGES)
    assert found.refused.counts == {"the file says 1280 by 960 px, the image is 640 by 480": 1}


@pytest.mark.parametrize("counts", [[26, 2, 3, 2, 17], "j02321000N"])
def test_masks_come_as_outlines(tmp_path: Path, counts: Any) -> None:
    """A run-length mask becomes the outline of its pixels."""
    rle = {"size": [5, 10], "counts": counts if isinstance(counts, list) else packed()}
    file = put(tmp_path, "coco.json", coco_of({"bbox": [5, 1, 2, 2], "iscrowd": 0, "segmentation": rle}))
    found = read_back(file, TaskType.INSTANCE_SEGMENTATION, IMAGES)
    region = found.answers[ItemId(1)].regions[0]
    assert region.shape.bounds == Box(5, 1, 7, 3)
    assert region.shape.area == 4


def packed() -> str:
    """The same mask as pycocotools packs it."""
    import numpy as np
    from pycocotools import mask

    bits = np.zeros((5, 10), np.uint8, order="F")
    bits[1:3, 5:7] = 1
    return str(mask.encode(bits)["counts"].decode())


def test_the_map_names_what_is_meant(tmp_path: Path) -> None:
    """A name that the project does not know is taken as the label that the admin names for it."""
    file = put(tmp_path, "labels.csv", "file,label\nday/001.jpg,redbreast\n")
    found = read_back(file, TaskType.MULTI_CLASS, IMAGES, mapped={"redbreast": "robin"})
    assert found.answers == {ItemId(1): Answer((ROBIN,))}


WRONG = [
    ("a.json", '{"images": [\n{"id": 1,}]}', r"a\.json, line 2, column \d+: this is no JSON"),
    ("a.json", coco_of({"bbox": [1, 2, "x", 4]}), r"annotations\[0\]\.bbox: 'x' is no number"),
    ("a.json", coco_of({"bbox": [1, 2, 4], "category_id": 3}), r"annotations\[0\]\.bbox: .* no list of 4 numbers"),
    ("a.json", coco_of({"category_id": 9}), r"annotations\[0\]\.category_id: there is no category with the id 9"),
    ("a.json", coco_of({"image_id": 9}), r"annotations\[0\]\.image_id: there is no image"),
    ("a.jsonl", '{"image_url":"x/a.jpg","label":"wren"}\n{"label":"wren"}\n', r"a\.jsonl, line 2, image_url"),
    ("a.csv", "file,label\na.jpg,wren,5\n", r"a\.csv, line 2: it has not as many cells"),
    ("a.csv", "file,label,x0,y0,x1,y1\na.jpg,wren,1,2,x,4\n", r"a\.csv, line 2, x1: 'x' is no number"),
    (
        "a.xml",
        "<annotation>\n<object>\n<name>wren</name></object></annotation>",
        r"a\.xml, line 2, object: it has no bndbox",
    ),
    ("a.xml", "<annotation>\n<object>", r"a\.xml, line 2: this is no XML"),
    ("a.xml", '<!DOCTYPE a [<!ENTITY b "c">]>\n<annotation>&b;</annotation>', "document type is not taken"),
    ("annotations.xml", '<annotations>\n<track id="0"/></annotations>', r"line 2, track: this is CVAT for video"),
]


@pytest.mark.parametrize(("name", "content", "says"), WRONG)
def test_wrong_files_name_the_place(tmp_path: Path, name: str, content: Any, says: str) -> None:
    """What is wrong is said with the file and the line or field, and that nothing was imported."""
    with pytest.raises(BadFile, match=says) as error:
        read_back(put(tmp_path, name, content), TaskType.OBJECT_DETECTION, IMAGES)
    assert "Nothing was imported" in str(error.value)
