"""Path patterns such as `folder/**` or `**/*.jpg`, in the meaning that the reference product gave them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """A test for `/`-separated relative paths.

    `**` stands for any number of folders (and, at the end, for every file below), `*` for anything inside one name, `?` for
    one character. `**/*.*` takes the whole store, files without a dot included, as the reference does.
    """
    if pattern.strip("/") in ("", "**", "**/*.*", "**/*"):
        return lambda _path: True
    regex = re.compile(
        "".join(_piece(token) for token in re.split(r"(\*\*/|\*\*|\*|\?)", pattern.lstrip("/"))), re.DOTALL
    )
    return lambda path: regex.fullmatch(path) is not None


def fixed_folder(pattern: str) -> str:
    """The folder that every match lies in, so that a listing can start there; empty for the root."""
    folders: list[str] = []
    for name in pattern.strip("/").split("/")[:-1]:
        if "*" in name or "?" in name:
            break
        folders.append(name)
    return "/".join(folders)


def _piece(token: str) -> str:
    match token:
        case "**/":
            return r"(?:.*/)?"
        case "**":
            return r".*"
        case "*":
            return r"[^/]*"
        case "?":
            return r"[^/]"
        case _:
            return re.escape(token)
