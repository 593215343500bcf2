"""Answers that wait on the disk until they are written, in the order of their items."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from core.annotation import Answer
from core.ids import ItemId
from exporters.importers.spool import Spool


class Answers(Mapping[ItemId, Answer]):
    """Answers by item, and how sure the file is of each; 32 bytes of memory an answer. The file ends with the object."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._items, self._starts, self._scores = array("q"), array("Q"), array("d")
        self._order: NDArray[np.int64] = np.zeros(0, np.int64)

    def add(self, item: ItemId, answer: Answer, score: float | None = None) -> None:
        """One more; each item once."""
        self._items.append(item)
        self._starts.append(self._spool.put(answer))
        self._scores.append(math.nan if score is None else score)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[ItemId]:
        return (ItemId(self._items[n]) for n in self._sorted().tolist())

    def __getitem__(self, item: ItemId) -> Answer:
        order = self._sorted()
        place = int(np.searchsorted(np.array(self._items, np.int64), item, sorter=order))
        if place == len(order) or self._items[order[place]] != item:
            raise KeyError(item)
        return self._read(int(order[place]))

    def batches(self, size: int) -> Iterator[tuple[dict[ItemId, Answer], dict[ItemId, float]]]:
        """All of them in the order of their items, so many at a time, and the scores of those that have one."""
        order = self._sorted()
        for first in range(0, len(order), size):
            places = order[first : first + size].tolist()
            answers = {ItemId(self._items[n]): self._read(n) for n in places}
            scores = {ItemId(self._items[n]): self._scores[n] for n in places}
            yield answers, {item: score for item, score in scores.items() if not math.isnan(score)}

    def _sorted(self) -> NDArray[np.int64]:
        if len(self._order) != len(self._items):
            self._order = np.argsort(np.array(self._items, np.int64), kind="stable")
        return self._order

    def _read(self, number: int) -> Answer:
        answer: Answer = self._spool.read(self._starts[number])[0]
        return answer
