"""What every job of the worker works with: the device, the worker's folder, the project's items, the run's row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from assist.backbones import Backbone, open_backbone
from assist.device import Device
from assist.errors import UnreadableModel
from assist.ticket import Ticket, now_ms
from core.assist import learning
from core.assist.learning import Run, Seen, Subject
from core.ids import ItemId, Source

T = TypeVar("T")

READ_AT_ONCE = 2000
BY_PRELABEL = (Source.PRELABEL_ACCEPTED, Source.PRELABEL_CORRECTED)
DICOM = (".dcm", ".dicom")


@dataclass(frozen=True)
class Runtime:
    """What a worker computes with: its device, its folder, and the backbones that it has opened."""

    device: Device
    folder: Path
    opened: dict[str, Backbone]

    def backbone(self, name: str) -> Backbone:
        """The backbone of that name, loaded once. Raises BadInput."""
        if name not in self.opened:
            self.opened[name] = open_backbone(name, self.device)
        return self.opened[name]


async def project_items(ticket: Ticket, subject: Subject) -> list[Seen]:
    """Every item of the project that a model may see."""
    found: list[Seen] = []
    after = ItemId(0)
    while batch := await ticket.db.read(learning.seen_after, subject.project, after, READ_AT_ONCE):
        after = batch[-1].item
        found += [seen for seen in batch if subject.settings.dicom or not seen.path.lower().endswith(DICOM)]
    return found


async def start_run(ticket: Ticket, subject: Subject, runtime: Runtime, kind: str, labels: int) -> int:
    """The id of the run's row, which an earlier attempt at the same job may have written."""
    return await ticket.write(
        learning.start_run, subject.project, kind, ticket.job.id,
        device=runtime.device.name, labels=labels, now_ms=now_ms(),
    )  # fmt: skip


async def model_in_use(ticket: Ticket, subject: Subject, read: Callable[[bytes], T]) -> tuple[Run, T] | None:
    """The run whose suggestions are shown and its model, or None; one that cannot be read is switched off, with the reason."""
    active = await ticket.db.read(learning.active_run, subject.project)
    weights = None if active is None else await ticket.db.read(learning.weights_of, active.id)
    if active is None or weights is None:
        return None
    try:
        return active, await asyncio.to_thread(read, weights)
    except UnreadableModel as error:
        await ticket.write(learning.switch_off, subject.project, active.id, str(error), now_ms=now_ms())
        return None


async def model_of_run(ticket: Ticket, run: int, read: Callable[[bytes], T]) -> T | None:
    """What an earlier attempt at this run has trained, or None where it got not so far or cannot be read: it is trained anew."""
    weights = await ticket.db.read(learning.weights_of, run)
    try:
        return None if weights is None else await asyncio.to_thread(read, weights)
    except UnreadableModel:
        return None
