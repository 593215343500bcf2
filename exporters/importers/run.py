"""One import from beginning to end: read, compare, and, where that is wanted, write in batches that can be repeated.

No more of the file or of the project is in memory at a time than a batch: what is found waits on the disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from core.db.database import Database
from core.errors import BadInput
from core.ids import ItemId
from core.labeling import gold
from core.labeling.legality import Rules, rules_of
from core.labels import LabelSet
from core.project.projects import Project
from core.team.people import Account
from core.transfer import imported
from core.transfer.imported import Target
from core.transfer.imported_prelabels import begin_prelabels, write_prelabels
from core.transfer.items import labels_in_use
from exporters.importers.compare import As, Comparer, Comparison, Steps
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
    rules, labels = await db.read(_rules, project)
    for name, to in wish.mapped.items():
        if Naming(labels).find(to) is None:
            raise BadInput(f"{name!r} cannot stand for {to!r}: the project has no such label.")
    conversion = Conversion(rules.task_type, Naming(labels, wish.mapped), wish.fit)
    catalog = await _catalog(db, by, project)
    with ExitStack() as opened:
        files = await asyncio.to_thread(opened.enter_context, open_files(path))
        importer = await asyncio.to_thread(detect, files) if wish.format == AUTO else IMPORTERS[wish.format]
        done = Comparison(importer.name)
        comparer = Comparer(catalog, conversion, rules, wish.use, done, wish.replace, wish.skip_empty)
        steps = comparer.steps(importer.read(files))
        wanted = await asyncio.to_thread(_step, steps, None)
        while wanted is not None:
            targets = await db.read(imported.targets_of, by, project.id, wanted)
            wanted = await asyncio.to_thread(_step, steps, {target.item: target for target in targets})
    return done


def _step(steps: Steps, known: Mapping[ItemId, Target] | None) -> list[ItemId] | None:
    """Go on with what is known of the items that were asked for; the next ones that are, or None at the end."""
    try:
        return next(steps) if known is None else steps.send(known)
    except StopIteration:
        return None


async def _catalog(db: Database, by: Account, project: Project) -> Catalog:
    catalog, after = Catalog(), ItemId(0)
    while paths := await db.read(imported.paths_after, by, project.id, after, READ):
        await asyncio.to_thread(catalog.add, paths)
        after = paths[-1][0]
    await asyncio.to_thread(catalog.sort)
    return catalog


def _rules(conn: Connection, project: Project) -> tuple[Rules, LabelSet]:
    rules = rules_of(conn, project.id)
    labels = tuple(label for label in labels_in_use(conn, project.id) if label.id in rules.labels)
    return rules, LabelSet(labels)


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
    batches = found.answers.batches(BATCH)
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        part, scores = batch
        began = time.monotonic()
        if wish.use is As.GOLD:
            written += await db.write(gold.add_gold, by, project.id, part, now_ms=now_ms)
        elif run is not None:
            receipt = await db.write(write_prelabels, by, project.id, run, part, scores)
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
