"""Letters that choose one of several things with as few keys as possible. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

KEYS = "asdfghjklqwertyuiopzxcvbnm"


def hint_texts(count: int) -> tuple[str, ...]:
    """So many different texts of one letter each, or of two where there are not enough letters."""
    if count <= len(KEYS):
        return tuple(KEYS[:count])
    pairs: Iterator[str] = ("".join(pair) for pair in itertools.product(KEYS, repeat=2))
    return tuple(itertools.islice(pairs, count))
