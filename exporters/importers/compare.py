"""A file of labels compared with a project: what would be written, what would not, and why. Nothing is written here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any

import orjson

from core.annotation import Answer
from core.ids import ItemId, ItemState
from core.labeling.legality import Rules, illegal_reason
from core.transfer.imported import IS_GOLD, OUT_OF_WORK, Target
from exporters.importers.answers import Answers
from exporters.importers.entries import Entry
from exporters.importers.matching import UNKNOWN, Catalog, Place
from exporters.importers.shapes import Conversion, NotTaken
from exporters.importers.waiting import Waiting

EXAMPLES = 10
MOST = 1000
AT_ONCE = 500
TWICE = "the file has this image twice"


class As(StrEnum):
    """What imported answers become."""

    LABELS = "labels"
    PRELABELS = "prelabels"
    GOLD = "gold"


@dataclass
class Reasons:
    """How many there are for each reason, with a few examples; what is beyond the most reasons is counted together."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, name: str) -> None:
        """Count one more."""
        if reason not in self.counts and len(self.counts) >= MOST:
            reason = "other reasons"
        self.counts[reason] += 1
        some = self.examples.setdefault(reason, [])
        if len(some) < EXAMPLES:
            some.append(name)

    def facts(self) -> list[dict[str, Any]]:
        """For a program; the most frequent ones."""
        counted = self.counts.most_common(MOST)
        return [{"reason": why, "count": n, "examples": self.examples[why]} for why, n in counted]


@dataclass
class Comparison:
    """What a file has for a project.

    Attributes:
        images: entries of the file; each is counted once below.
        unanswered: entries that say nothing of their image.
        unmatched: entries that are about no item.
        refused: entries whose answer cannot be taken.
        kept: entries whose item has another answer, which stays.
        same: entries whose item has this very answer already.
        answers: what would be written, on the disk.
        classes: the file's labels with their annotations, and the path of the project's label, or None.
        without: items of the project of which the file says nothing.
    """

    format: str
    images: int = 0
    unanswered: int = 0
    unmatched: Reasons = field(default_factory=Reasons)
    refused: Reasons = field(default_factory=Reasons)
    kept: int = 0
    same: int = 0
    answers: Answers = field(default_factory=Answers)
    classes: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    without: int = 0

    def facts(self) -> dict[str, Any]:
        """For a program."""
        return {
            "format": self.format, "images": self.images, "to_write": len(self.answers), "same": self.same,
            "kept": self.kept, "unanswered": self.unanswered, "unmatched": self.unmatched.facts(),
            "refused": self.refused.facts(), "items_without": self.without, "notes": dict(self.notes.most_common()),
            "classes": [{"name": name, "annotations": n, "label": to} for name, (n, to) in self.classes.items()],
        }  # fmt: skip


Steps = Generator[list[ItemId], Mapping[ItemId, Target], None]
"""Gives the items that it needs to know of, and takes what is known of them."""


@dataclass
class Comparer:
    """Compares entries some at a time; `done` is the result.

    Args:
        replace: answers that items have already may be replaced.
        skip_empty: an image of which the file says that nothing is on it is taken as not labeled.
    """

    catalog: Catalog
    conversion: Conversion
    rules: Rules
    use: As
    done: Comparison
    replace: bool = False
    skip_empty: bool = False

    def steps(self, entries: Iterator[Entry]) -> Steps:
        """Compare every entry; items without an ending in the file wait for those that are named whole. Raises BadFile."""
        seen = bytearray(len(self.catalog))
        with closing(Waiting()) as waiting:
            while some := list(islice(entries, AT_ONCE)):
                yield from self._some([(entry, self._place(entry, waiting)) for entry in some], seen)
            taken = bytes(seen)
            while some := waiting.take(AT_ONCE):
                yield from self._some([(entry, self.catalog.find_stem(entry, taken)) for entry in some], seen)
        self.done.without = len(seen) - sum(seen)
        self.done.notes = Counter({what: n for what, n in self.conversion.notes.items() if n})

    def _place(self, entry: Entry, waiting: Waiting) -> Place | str | None:
        self.done.images += 1
        self._count(entry)
        if entry.is_stem and self.catalog.whole(entry) is None:
            waiting.put(entry)
            return None
        return self.catalog.find(entry)

    def _some(self, found: Sequence[tuple[Entry, Place | str | None]], seen: bytearray) -> Steps:
        places = {place for _, place in found if isinstance(place, int)}
        targets = yield [self.catalog.item(place) for place in places]
        for entry, place in found:
            if isinstance(place, int):
                self._one(entry, place, targets.get(self.catalog.item(place)), seen)
            elif place is not None:
                self.done.unmatched.add(place, entry.names[0])

    def _count(self, entry: Entry) -> None:
        for name in (*entry.labels, *(found.label for found in entry.regions)):
            n, to = self.done.classes.get(name) or (0, self._path_of(name))
            self.done.classes[name] = (n + 1, to)
        self.conversion.notes.update(f"{what} left out" for what in entry.left_out)

    def _path_of(self, name: str) -> str | None:
        naming = self.conversion.naming
        label = naming.find(name)
        return None if label is None else naming.labels.by_id(label).path

    def _one(self, entry: Entry, place: Place, target: Target | None, seen: bytearray) -> None:
        if target is None:  # gone since the project's items were listed
            self.done.unmatched.add(UNKNOWN, entry.names[0])
            return
        if seen[place]:
            self.done.refused.add(TWICE, target.path)
            return
        seen[place] = 1
        if not entry.answered or (self._is_empty(entry) and (self.skip_empty or not self._may_be_empty)):
            self.done.unanswered += 1
            return
        self._judge(entry, target)

    @property
    def _may_be_empty(self) -> bool:
        return self.rules.task_type.has_regions

    @staticmethod
    def _is_empty(entry: Entry) -> bool:
        return not entry.labels and not entry.regions

    def _judge(self, entry: Entry, target: Target) -> None:
        if (reason := self._closed(target)) is not None:
            self.done.refused.add(reason, target.path)
            return
        size_wh = (target.width, target.height)
        try:
            answer = self.conversion.answer(entry, size_wh)
        except NotTaken as why:
            self.done.refused.add(str(why), target.path)
            return
        if (reason := illegal_reason(self.rules, answer, size_wh)) is not None:
            self.done.refused.add(reason, target.path)
            return
        self._weigh(target, answer, entry)

    def _closed(self, target: Target) -> str | None:
        if target.state in (ItemState.UNREADABLE, ItemState.MISSING):
            return OUT_OF_WORK
        if target.gold and self.use is not As.GOLD:
            return IS_GOLD
        if self.use is As.GOLD and target.state == ItemState.NEEDS_REVIEW:
            return "it is not decided"
        if self.use is As.PRELABELS and target.state != ItemState.TODO:
            return "it is no longer to do"
        return None

    def _weigh(self, target: Target, answer: Answer, entry: Entry) -> None:
        now = orjson.loads(target.raw) if target.raw is not None and target.state == ItemState.LABELED else None
        if now == answer.to_json() and (target.gold or self.use is not As.GOLD):
            self.done.same += 1
        elif now is not None and now != answer.to_json() and not self.replace:
            self.done.kept += 1
        else:
            scores = [found.score for found in entry.regions if found.score is not None]
            self.done.answers.add(target.item, answer, min(scores, default=None))
