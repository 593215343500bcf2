"""Letters that choose one of several things with as few keys as possible. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

KEYS = "asdfghjklqwertyuiopzxcvbnm"


def hint_texts(count: int) -> tuple[str, ...]:
    """So many different texts of one letter each, or of as many more as it takes; none begins another."""
    length = 1
    while len(KEYS) ** length < count:
        length += 1
    texts: Iterator[str] = ("".join(letters) for letters in itertools.product(KEYS, repeat=length))
    return tuple(itertools.islice(texts, count))
