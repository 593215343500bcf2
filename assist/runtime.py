"""What every job of the worker works with: the device, the worker's folder, the project's items, the run's row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assist.backbones import Backbone, open_backbone
from assist.device import Device
from assist.ticket import Ticket, now_ms
from core import learning
from core.ids import ItemId, Source
from core.learning import Seen, Subject

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
