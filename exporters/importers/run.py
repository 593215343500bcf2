"""One import from beginning to end: read, compare, and, where that is wanted, write in batches that can be repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from core import gold, imported
from core.annotation import Answer
from core.database import Database
from core.errors import BadInput
from core.ids import ItemId
from core.imported import Target
from core.imported_prelabels import begin_prelabels, write_prelabels
from core.items import labels_in_use
from core.labels import LabelSet
from core.legality import Rules, rules_of
from core.people import Account
from core.projects import Project
from exporters.importers.compare import As, Comparer, Comparison
from exporters.importers.files import open_files
from exporters.importers.formats import IMPORTERS, detect
from exporters.importers.matching import Catalog
from exporters.importers.shapes import Conversion, Naming

READ = 20_000
BATCH = 100
LONGEST_PAUSE_S = 0.25
AUTO = "auto"
OnProgress = Callable[[int, int], Awaitable[None]]


async def _silent(_done: int, _total: int) -> None:
    return


@dataclass(frozen=True)
class Wish:
    """How a file is to be taken in.

    Attributes:
        mapped: the project's label for a name in the file.
        replace, fit, skip_empty: see `Comparer` and `Conversion`.
    """

    format: str = AUTO
    use: As = As.LABELS
    mapped: Mapping[str, str] = field(default_factory=dict)
    replace: bool = False
    fit: bool = False
    skip_empty: bool = False


async def compare(db: Database, by: Account, project: Project, path: Path, wish: Wish) -> Comparison:
    """What a file of labels would do to a project; nothing is written.

    Raises:
        BadFile: the file cannot be read; the text names the line or field.
        BadInput: a label that is mapped to does not exist.
        Forbidden: only admins import.
    """
    targets = await _targets(db, by, project)
    rules, labels = await db.read(_rules, project)
    for name, to in wish.mapped.items():
        if Naming(labels).find(to) is None:
            raise BadInput(f"{name!r} cannot stand for {to!r}: the project has no such label.")
    return await asyncio.to_thread(_compare, path, targets, rules, labels, wish)


async def _targets(db: Database, by: Account, project: Project) -> list[Target]:
    found: list[Target] = []
    while more := await db.read(imported.targets_after, by, project.id, found[-1].item if found else ItemId(0), READ):
        found += more
    return found


def _rules(conn: Connection, project: Project) -> tuple[Rules, LabelSet]:
    rules = rules_of(conn, project.id)
    labels = tuple(label for label in labels_in_use(conn, project.id) if label.id in rules.labels)
    return rules, LabelSet(labels)


def _compare(path: Path, targets: list[Target], rules: Rules, labels: LabelSet, wish: Wish) -> Comparison:
    with open_files(path) as files:
        importer = detect(files) if wish.format == AUTO else IMPORTERS[wish.format]
        conversion = Conversion(rules.task_type, Naming(labels, wish.mapped), wish.fit)
        comparer = Comparer(
            Catalog(targets), conversion, rules, wish.use, Comparison(importer.name), wish.replace, wish.skip_empty
        )
        return comparer.all(importer.read(files))


async def write(
    db: Database,
    by: Account,
    project: Project,
    found: Comparison,
    wish: Wish,
    *,
    now_ms: int,
    on_progress: OnProgress = _silent,
) -> int:
    """Write what a comparison found; returns how many items took it. Cut off half-way, the same import goes on.

    Between batches it rests as long as one took: SQLite has one writer at a time, and labelers come first.

    Items whose answers changed since the comparison are left as they are.
    """
    written = done = 0
    run = None
    if wish.use is As.PRELABELS and found.answers:
        run = await db.write(begin_prelabels, by, project.id, found.format, now_ms=now_ms)
    for part in _parts(found.answers):
        began = time.monotonic()
        if wish.use is As.GOLD:
            written += await db.write(gold.add_gold, by, project.id, part, now_ms=now_ms)
        elif run is not None:
            receipt = await db.write(write_prelabels, by, project.id, run, part, found.scores)
            written += len(receipt.accepted)
        else:
            receipt = await db.write(imported.write_labels, by, project.id, part, replace=wish.replace, now_ms=now_ms)
            written += len(receipt.accepted)
        done += len(part)
        await asyncio.sleep(min(LONGEST_PAUSE_S, time.monotonic() - began))
        await on_progress(done, len(found.answers))
    facts: dict[str, Any] = {"format": found.format, "as": wish.use.value, "images": found.images, "written": written}
    facts["report"] = found.facts()
    await db.write(imported.record_import, by, project.id, facts, now_ms=now_ms)
    return written


def _parts(answers: Mapping[ItemId, Answer]) -> Iterator[dict[ItemId, Answer]]:
    rows = sorted(answers.items())
    for n in range(0, len(rows), BATCH):
        yield dict(rows[n : n + BATCH])
