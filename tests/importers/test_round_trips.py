"""What was exported comes back: an export of what was imported from an export is the same, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from core.annotation import Answer, Region
from core.db.database import Database, open_database
from core.db.schema import migrate
from core.errors import BadInput
from core.geometry import Box, Polygon, invalid_reason
from core.ids import ItemId, TaskType
from core.team.access import OPERATOR
from exporters.importers.compare import As
from exporters.importers.run import Wish, compare, write
from tests.builders import NOW_MS
from tests.conftest import Run
from tests.exporters.house import export_file, exported, label_some, make_project
from tests.importers.house import LABELS, SIZE, contents, items_of, read_back, write_items

FORMATS = ("coco", "coco-aml", "jsonl", "yolo", "voc", "csv", "parquet")
DEPTH = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)

label = st.sampled_from([one.id for one in LABELS])
x = st.floats(0, SIZE[0]).map(lambda v: v + 0.0)
y = st.floats(0, SIZE[1]).map(lambda v: v + 0.0)
tenth = st.integers(0, 6399).map(lambda n: n / 10)
lists = st.from_regex(r"(a/)?(train|val|test|classes|predefined_classes|unlabeled|readme)\.(jpg|png)", fullmatch=True)
names = st.lists(
    st.from_regex(r"[a-z0-9 ]{1,6}(/[a-z]{1,3})?\.(jpg|png|JPEG)", fullmatch=True) | lists,
    min_size=1, max_size=6, unique=True,
)  # fmt: skip


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """A legal box that is at least a thousandth of a pixel wide, as formats of fractions keep no less."""
    x0, x1, y0, y1 = draw(x | tenth), draw(x | tenth), draw(y), draw(y)
    assume(abs(x1 - x0) > 1e-3)
    assume(abs(y1 - y0) > 1e-3)
    return Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


@st.composite
def polygons(draw: st.DrawFn) -> Polygon:
    """A legal polygon whose points are apart."""
    points = draw(st.lists(st.tuples(x | tenth, y), min_size=3, max_size=6))
    rounded = tuple((round(px, 2), round(py, 2)) for px, py in points)
    assume(len(set(rounded)) == len(rounded))
    assume(invalid_reason(Polygon(rounded), SIZE) is None)
    assume(Polygon(rounded).area > 1)
    return Polygon(rounded)


def answers(task: TaskType) -> st.SearchStrategy[Answer]:
    """Answers that the task allows."""
    match task:
        case TaskType.MULTI_CLASS:
            return label.map(lambda one: Answer((one,)))
        case TaskType.MULTI_LABEL:
            return st.lists(label, min_size=1, max_size=3, unique=True).map(lambda some: Answer(tuple(some)))
    shape: st.SearchStrategy[Box | Polygon] = boxes() if task is TaskType.OBJECT_DETECTION else polygons()
    regions = st.lists(st.builds(Region, label, shape), max_size=4)
    return regions.map(lambda some: Answer((), tuple(some)))


def drawn(data: st.DataObject, task: TaskType, paths: Sequence[str]) -> list[tuple[str, Answer | None]]:
    """Answers for these images, some of which are not labeled."""
    told = [(path, data.draw(st.none() | answers(task))) for path in paths]
    assume(any(answer is not None for _, answer in told))
    return told


def there_and_back(task: TaskType, format: str, told: Sequence[tuple[str, Answer | None]]) -> None:
    """Export, import, export: the same files, and every answer that the first file has."""
    with TemporaryDirectory() as folder:
        first, second = Path(folder, "first"), Path(folder, "second")
        write_items(task, items_of(told), format, first)
        found = read_back(first, task, [(path, SIZE) for path, _ in told])
        assert not found.unmatched.counts
        assert not found.refused.counts
        assert len(found.answers) == sum(answer is not None for _, answer in told)
        again = [(path, found.answers.get(item.item)) for item, (path, _) in zip(items_of(told), told, strict=True)]
        write_items(task, items_of(again), format, second)
        assert contents(first) == contents(second)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("task", [TaskType.OBJECT_DETECTION, TaskType.INSTANCE_SEGMENTATION])
def test_regions_come_back_byte_for_byte(task: TaskType, format: str) -> None:
    """Whatever boxes and polygons there are, and whichever images are not labeled: no format loses or moves one."""

    @DEPTH
    @given(paths=names, data=st.data())
    def hold(paths: list[str], data: st.DataObject) -> None:
        there_and_back(task, format, drawn(data, task, paths))

    hold()


EAGLE = Answer((), (Region(LABELS.classes[0].id, Box(10, 20, 110, 220)),))
OWL = Answer((), (Region(LABELS.classes[1].id, Box(1, 2, 30, 40)),))


@pytest.mark.parametrize("format", ["yolo", "voc"])
@pytest.mark.parametrize(("first", "second"), [(EAGLE, None), (None, EAGLE), (EAGLE, OWL), (Answer(()), EAGLE)])
def test_images_of_one_stem_are_told_apart(format: str, first: Answer | None, second: Answer | None) -> None:
    """`1.jpg` and `1.png` keep their own answers, whichever of them is labeled."""
    there_and_back(TaskType.OBJECT_DETECTION, format, [("1.jpg", first), ("1.png", second)])
    there_and_back(TaskType.OBJECT_DETECTION, format, [("a/1.png.JPEG", second), ("a/1.png", first)])


@pytest.mark.parametrize("name", ["train", "val", "classes", "predefined_classes", "unlabeled", "readme"])
@pytest.mark.parametrize("answer", [EAGLE, Answer(())])
def test_an_image_may_be_called_like_a_list(name: str, answer: Answer) -> None:
    """`train.jpg` and `classes.jpg` get their labels back, though YOLO's own lists are called so; empty ones too."""
    there_and_back(TaskType.OBJECT_DETECTION, "yolo", [(f"{name}.jpg", answer), ("a.jpg", OWL), (f"a/{name}.jpg", OWL)])


@pytest.mark.parametrize("listed", ["robin\nwren\n", "0\n1\n"])
def test_classes_among_the_labels_are_a_list(tmp_path: Path, listed: str) -> None:
    """Labeling tools put classes.txt beside the labels: it names classes then, and is no image's labels."""
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "classes.txt").write_text(listed)
    (folder / "a.txt").write_text("1 .5 .5 .5 .5\n")
    found = read_back(tmp_path, TaskType.OBJECT_DETECTION, [("a.jpg", SIZE)], mapped={"0": "robin", "1": "wren"})
    assert found.answers == {ItemId(1): Answer((), (Region(LABELS.classes[1].id, Box(160, 120, 480, 360)),))}


def test_an_export_of_labeled_images_only_tells_them_apart(tmp_path: Path) -> None:
    """Also where the file does not know of `1.jpg`, the labels of `1.png` come back to it; YOLO's list names it alone."""
    write_items(TaskType.OBJECT_DETECTION, items_of([("1.png", EAGLE)]), "yolo", tmp_path / "out")
    found = read_back(tmp_path / "out", TaskType.OBJECT_DETECTION, [("1.jpg", SIZE), ("1.png", SIZE)])
    assert found.answers == {ItemId(2): EAGLE}
    assert (tmp_path / "out/train.txt").read_text() == "./images/1.png\n"


def test_labels_that_would_share_a_file_are_refused(tmp_path: Path) -> None:
    """No name is left for the third: the export says so instead of writing over another image's labels."""
    told = [("1.png.jpg", EAGLE), ("1.jpg", OWL), ("1.png", EAGLE)]
    with pytest.raises(BadInput, match=r"'1\.png' and of another image would be one file"):
        write_items(TaskType.OBJECT_DETECTION, items_of(told), "yolo", tmp_path / "out")


@pytest.mark.parametrize("format", ["coco", "coco-aml", "jsonl", "voc", "csv", "parquet"])
@pytest.mark.parametrize("task", [TaskType.MULTI_CLASS, TaskType.MULTI_LABEL])
def test_labels_come_back_byte_for_byte(task: TaskType, format: str) -> None:
    """Labels of whole images come back in their order, and images that are not labeled stay so."""

    @DEPTH
    @given(paths=names, data=st.data())
    def hold(paths: list[str], data: st.DataObject) -> None:
        there_and_back(task, format, drawn(data, task, paths))

    hold()


@pytest.mark.parametrize("format", ["coco", "jsonl", "mltable", "yolo", "voc", "csv", "parquet"])
@pytest.mark.parametrize("task", [TaskType.OBJECT_DETECTION, TaskType.INSTANCE_SEGMENTATION])
def test_a_project_moves_through_a_file(run: Run, tmp_path: Path, task: TaskType, format: str) -> None:
    """Exported from one house and imported in another, on either engine, a project exports the same bytes there."""
    other_url = f"sqlite:///{tmp_path / 'other.db'}"

    async def body(db: Database) -> None:
        project = await make_project(db, task)
        await label_some(db, project, 7)
        file = await export_file(db, format, tmp_path)
        await migrate(other_url)
        other = await open_database(other_url)
        try:
            there = await make_project(other, task)
            found = await compare(other, OPERATOR, there, file, Wish())
            assert len(found.answers) == 7
            assert await write(other, OPERATOR, there, found, Wish(), now_ms=NOW_MS) == 7
            if format not in ("csv", "parquet"):  # they say when each label came, which is now
                assert await exported(other, format) == await asyncio.to_thread(file.read_bytes)
            again = await compare(other, OPERATOR, there, file, Wish())
            assert (again.same, len(again.answers)) == (7, 0)
        finally:
            await other.close()

    run(body)


def test_gold_comes_from_a_file(run: Run, tmp_path: Path) -> None:
    """Answers of a file become known answers of gold items, with the counts right and the export whole."""

    async def body(db: Database) -> None:
        project = await make_project(db, TaskType.MULTI_CLASS)
        await label_some(db, project, 5)
        file = await export_file(db, "coco", tmp_path)
        there = await make_project(db, TaskType.MULTI_CLASS, name="Exam")
        wish = Wish(use=As.GOLD)
        found = await compare(db, OPERATOR, there, file, wish)
        assert await write(db, OPERATOR, there, found, wish, now_ms=NOW_MS) == 5
        assert (await compare(db, OPERATOR, there, file, wish)).same == 5
        await exported(db, "coco", name="Exam")  # fails where counts and items differ

    run(body)
