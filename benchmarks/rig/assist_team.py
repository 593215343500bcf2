"""A labeler who knows the truth and presses the keys that the screens want: pages out of the real queue, answers back into it.

Keys are counted one for one: a digit, an arrow, Enter. A label costs one key whichever it is. Manual work is done in fast
mode, where the digit also submits; going there and back costs the keys that it costs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.annotation import Answer, Cursor, HeldItem, SubmittedItem
from core.db.database import Database
from core.ids import AccountId, ItemKind, ProjectId
from core.labeling.queue import claim_page
from core.labeling.submissions import submit

PAGE, COLUMNS = 9, 3
TO_FAST_MODE, FROM_FAST_MODE = 1, 4  # `f`; `f` and three times `g`


@dataclass
class Labeler:
    """One person's seat, and what they did there.

    Attributes:
        truth: the right answer of each path.
        keys, images, pages: by the kind of page.
        several: whether an image may have several labels: there is no fast mode then, an arrow or Enter follows each image.
        judged, right: prelabels that were shown, and those of them that were right; with several labels an image each by itself.
        target: the precision that the project wants of them.
    """

    db: Database
    project: ProjectId
    account: AccountId
    truth: Mapping[str, Answer]
    several: bool = False
    target: float = 0.95
    keys: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)
    judged: int = 0
    right: int = 0
    fast: bool = False
    cursor: Cursor = field(default_factory=dict)
    purity: list[tuple[int, float]] = field(default_factory=list)

    async def work(self, now_ms: int) -> int:
        """Label one page; returns how many images it had, 0 when nothing is left."""
        page = await self.db.write(claim_page, self.project, self.account, PAGE, now_ms=now_ms, after=self.cursor)
        self.cursor = page.cursor
        if not page.items:
            return 0
        kind = page.items[0].kind
        self.keys[kind.name.lower()] += self._keys(kind, page.items)
        self.images[kind.name.lower()] += len(page.items)
        self.pages[kind.name.lower()] += 1
        answers = [SubmittedItem(h.item, h.token, self.truth[h.path], 1000) for h in page.items]
        receipt = await self.db.write(submit, self.project, self.account, answers, now_ms=now_ms)
        assert not receipt.refused, receipt.refused
        return len(page.items)

    def _keys(self, kind: ItemKind, items: tuple[HeldItem, ...]) -> int:
        if kind is ItemKind.MANUAL and self.several:
            return sum(len(self.truth[held.path].labels) + 1 for held in items)
        if kind is ItemKind.MANUAL:
            keys = len(items) + (0 if self.fast else TO_FAST_MODE)
            self.fast = True
            return keys
        switch = FROM_FAST_MODE if self.fast else 0
        self.fast = False
        if kind is ItemKind.CLUSTERED:
            return switch + self._clustered(items)
        wrong = [n for n, h in enumerate(items) if set(h.draft.answer.labels) != set(self.truth[h.path].labels)]
        if self.several:
            shown = [(label, self.truth[h.path].labels) for h in items for label in h.draft.answer.labels]
            self.judged, self.right = (
                self.judged + len(shown),
                self.right + sum(label in truth for label, truth in shown),
            )
        else:
            self.judged, self.right = self.judged + len(items), self.right + len(items) - len(wrong)
        return switch + walk(wrong, len(items)) + sum(self._edits(items[n]) for n in wrong) + 1

    def _edits(self, held: HeldItem) -> int:
        """Digits that put one image right: in multi-class one, else one for each label that is missing or too much."""
        have, want = set(held.draft.answer.labels), set(self.truth[held.path].labels)
        return 1 if len(want) == 1 and len(have) <= 1 else len(have ^ want)

    def _clustered(self, items: tuple[HeldItem, ...]) -> int:
        """One digit for all, then the odd ones out, then Enter."""
        answers = [self.truth[h.path].labels for h in items]
        common, count = Counter(answers).most_common(1)[0]
        self.purity.append((len(items), count / len(items)))
        odd = [n for n, labels in enumerate(answers) if labels != common]
        digits = len(common) + sum(len(set(answers[n]) ^ set(common)) if len(common) > 1 else 1 for n in odd)
        return digits + walk(odd, len(items)) + 1

    @property
    def total_keys(self) -> int:
        """Every key pressed."""
        return self.keys.total()


def walk(places: list[int], count: int) -> int:
    """Arrows from the first image to each of these places, the nearest next one each time."""
    at, left, arrows = 0, list(places), 0
    while left:
        there = min(left, key=lambda place: _steps(at, place))
        arrows += _steps(at, there)
        left.remove(there)
        at = there
    return arrows


def _steps(a: int, b: int) -> int:
    return abs(a % COLUMNS - b % COLUMNS) + abs(a // COLUMNS - b // COLUMNS)
