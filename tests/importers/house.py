"""Projects in memory for importers: written by the real writers, read by the real importers, no database between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from core.annotation import Answer
from core.ids import ItemId, ItemState, LabelId, ProjectId, ProjectState, TaskType
from core.labeling.legality import Rules
from core.labels import LabelClass, LabelSet
from core.project.projects import Project
from core.transfer.imported import Target
from exporters.formats import FORMATS
from exporters.importers.compare import As, Comparer, Comparison
from exporters.importers.files import open_files
from exporters.importers.formats import IMPORTERS, detect
from exporters.importers.matching import Catalog
from exporters.importers.shapes import Conversion, Naming
from exporters.items import Labeled, StoredItem
from exporters.output import FolderOutput
from tests.builders import NOW_MS
from tests.exporters.house import answer_of

PATHS = ("robin", "wren", "Owl", "Owl/Barn", "Tit: great, 'b\"lue'", "鳥")
LABELS = LabelSet(
    tuple(LabelClass(LabelId(n), path.rpartition("/")[2], path, n, "#ffffff") for n, path in enumerate(PATHS, start=1))
)
SIZE = (640, 480)


def project_of(task: TaskType) -> Project:
    """A project as the database would give it."""
    return Project(
        ProjectId(1), "Birds", task, ProjectState.RUNNING, "local:/photos", "**", 7, 1000, 1, 1, 60, "", 0, 0, NOW_MS, 1
    )


def items_of(answers: Sequence[tuple[str, Answer | None]], size_wh: tuple[int, int] = SIZE) -> list[StoredItem]:
    """Stored items with these answers; None is an item still to do."""
    return [
        StoredItem(
            ItemId(n), path, *size_wh,
            int(ItemState.TODO if answer is None else ItemState.LABELED),
            None if answer is None else orjson.dumps(answer.to_json()).decode(), None,
        )
        for n, (path, answer) in enumerate(answers, start=1)
    ]  # fmt: skip


def write_items(task: TaskType, items: Sequence[StoredItem], format: str, folder: Path) -> None:
    """Export items into a folder."""
    begun = Labeled(project_of(task), LABELS, len(items), 0, True, NOW_MS)
    with FolderOutput(folder) as output:
        writer = FORMATS[format].writer(begun, output)
        try:
            writer.add(items)
            writer.finish()
        finally:
            writer.close()


def read_back(
    path: Path,
    task: TaskType,
    items: Sequence[tuple[str, tuple[int, int]]],
    format: str | None = None,
    *,
    labels: LabelSet = LABELS,
    mapped: Mapping[str, str] | None = None,
    use: As = As.LABELS,
    fit: bool = False,
) -> Comparison:
    """What an import of these files would do to a project of these items, none of which is labeled."""
    numbered = ((ItemId(n), name, size) for n, (name, size) in enumerate(items, start=1))
    targets = {item: Target(item, name, *size, 0, None, False) for item, name, size in numbered}
    rules = Rules(task, frozenset(label.id for label in labels))
    with open_files(path) as files:
        importer = detect(files) if format is None else IMPORTERS[format]
        conversion = Conversion(task, Naming(labels, mapped or {}), fit)
        catalog, done = Catalog(), Comparison(importer.name)
        catalog.add((target.item, target.path) for target in targets.values())
        catalog.sort()
        steps = Comparer(catalog, conversion, rules, use, done).steps(importer.read(files))
        with suppress(StopIteration):
            wanted = next(steps)
            while True:
                wanted = steps.send({item: targets[item] for item in wanted})
    return done


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def answers_of_every_kind(task: TaskType, paths: Sequence[str]) -> list[tuple[str, Answer | None]]:
    """Different answers for these images, the last one not labeled."""
    labels = [label.id for label in LABELS]
    return [(path, None if n == len(paths) - 1 else answer_of(task, n + 1, labels)) for n, path in enumerate(paths)]
