"""What labelers make: regions, answers, pages and receipts. Pure values; JSON forms included, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from core.geometry import Box, Polygon, shape_from_json, shape_to_json
from core.ids import AccountId, ItemId, ItemKind, LabelId, ProjectId, Source


@dataclass(frozen=True)
class Region:
    """One labeled shape on an image, in absolute pixels of the upright original."""

    label: LabelId
    shape: Box | Polygon


@dataclass(frozen=True)
class Answer:
    """Everything one labeler says of one item.

    Multi-class: one label. Multi-label: one or more, in the order given. Boxes and polygons: regions only.
    """

    labels: tuple[LabelId, ...] = ()
    regions: tuple[Region, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when nothing has been said yet."""
        return not self.labels and not self.regions

    @property
    def label_set(self) -> frozenset[LabelId]:
        """Every label that the answer uses, of the image or of a region."""
        return frozenset((*self.labels, *(region.label for region in self.regions)))

    def relabeled(self, new: Mapping[LabelId, LabelId]) -> Answer:
        """The same answer with some labels replaced by others; a label of the image stands once."""
        if not self.label_set & new.keys():
            return self
        labels = dict.fromkeys(new.get(label, label) for label in self.labels)
        return Answer(tuple(labels), tuple(Region(new.get(r.label, r.label), r.shape) for r in self.regions))

    def to_json(self) -> dict[str, Any]:
        """The stored form; inverse of `from_json`."""
        return {
            "labels": list(self.labels),
            "regions": [{"label": r.label, "shape": shape_to_json(r.shape)} for r in self.regions],
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Answer:
        """Read the stored form."""
        return cls(
            tuple(LabelId(n) for n in body.get("labels", ())),
            tuple(Region(LabelId(r["label"]), shape_from_json(r["shape"])) for r in body.get("regions", ())),
        )


@dataclass(frozen=True)
class Draft:
    """Unsubmitted work on one item, saved server-side as it changes."""

    answer: Answer = Answer()
    selected: bool = False
    focused: bool = False

    def to_json(self) -> dict[str, Any]:
        """The stored form; inverse of `from_json`."""
        return {"answer": self.answer.to_json(), "selected": self.selected, "focused": self.focused}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Draft:
        """Read the stored form."""
        return cls(Answer.from_json(body["answer"]), bool(body["selected"]), bool(body["focused"]))


@dataclass(frozen=True)
class HeldItem:
    """One item in a labeler's hands.

    Attributes:
        token: fencing token of the lease; every write about the item must carry it.
        size_wh: width and height in px of the upright image.
        comment: why a reviewer sent it back, or empty.
        submitted: True for an earlier submission reopened by its own labeler (`b`, back).
        suggestion: what a model suggests, of a prelabeled item; the draft starts with it.
        score: how sure the model is, 0 to 1.
    """

    item: ItemId
    path: str
    etag: str
    size_wh: tuple[int, int]
    frames: int
    kind: ItemKind
    token: int
    lease_until_ms: int
    draft: Draft = Draft()
    comment: str = ""
    submitted: bool = False
    cluster: int | None = None
    suggestion: Answer | None = None
    score: float | None = None


class Place(NamedTuple):
    """How far a labeler has come among the items of one kind.

    Attributes:
        dry_until_ms: nothing of this kind was left for them; before this time the other kinds are looked at first.
    """

    priority: int
    key: int
    dry_until_ms: int = 0


Cursor = Mapping[ItemKind, Place]
"""Where a labeler's next claim starts looking among the items of each kind."""


@dataclass(frozen=True)
class Page:
    """Items claimed together, all of one kind; `cursor` is where the next claim starts looking."""

    project: ProjectId
    labeler: AccountId
    items: tuple[HeldItem, ...]
    cursor: Cursor = field(default_factory=dict)


@dataclass(frozen=True)
class SubmittedItem:
    """One answer on its way in, with the token under which the item is held."""

    item: ItemId
    token: int
    answer: Answer
    active_ms: int = 0
    source: Source = Source.MANUAL


@dataclass(frozen=True)
class Receipt:
    """What a submission did: every item is either in `accepted` or, with the reason, in `refused`."""

    accepted: tuple[ItemId, ...]
    refused: Mapping[ItemId, str] = field(default_factory=dict)
