"""A first look at a datastore before anything is made of it: how many images, of which kinds, what else lies there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from storage.base import Store, StoredFile
from storage.images import is_image_path
from storage.local import SCHEME

MOST_FILES = 100_000
MOST_S = 5.0
FIRST = 8


@dataclass(frozen=True)
class Survey:
    """What was found under a pattern.

    Attributes:
        kinds: images by the ending of their names, most first.
        others: files that are no images.
        first: the first images in listing order.
        is_whole: False where the look ended before the listing did, so that the counts are the least there are.
    """

    images: int
    kinds: Mapping[str, int]
    others: int
    first: tuple[StoredFile, ...]
    is_whole: bool


def survey(store: Store, pattern: str, *, most_files: int = MOST_FILES, most_s: float = MOST_S) -> Survey:
    """Look at a datastore for a bounded time. Blocks; raises StorageError where it cannot be listed."""
    kinds: Counter[str] = Counter()
    first: list[StoredFile] = []
    others, is_whole, until_s = 0, True, time.monotonic() + most_s
    for n, file in enumerate(store.list(pattern)):
        if n >= most_files or time.monotonic() > until_s:
            is_whole = False
            break
        if not is_image_path(file.path):
            others += 1
            continue
        kinds[PurePosixPath(file.path).suffix.lower()] += 1
        if len(first) < FIRST:
            first.append(file)
    return Survey(kinds.total(), dict(kinds.most_common()), others, tuple(first), is_whole)


def is_within(url: str, roots: Sequence[str]) -> bool:
    """True where a datastore is one of these roots or lies below one; links of this machine's folders are followed."""
    return any(_is_below(url, root) for root in roots)


def _is_below(url: str, root: str) -> bool:
    if url.startswith(SCHEME) and root.startswith(SCHEME):
        return Path(url.removeprefix(SCHEME)).resolve().is_relative_to(Path(root.removeprefix(SCHEME)).resolve())
    parts = url.split("/")
    return url == root.rstrip("/") or (".." not in parts and url.startswith(root.rstrip("/") + "/"))
