"""What can keep a model from being made or used, beside the trouble that `core.errors` names."""

from __future__ import annotations

import errno

from core.errors import DiskFull, TaglineError

FULL = "The disk of the learning worker's folder is full; what it had learned is kept. Free some room; it goes on by itself."


class CannotTrain(TaglineError):
    """The answers so far do not make a model; the text says why and what would help."""


class UnreadableModel(TaglineError):
    """A stored model is damaged, or of another version of Tagline."""

    def __init__(self, why: BaseException) -> None:
        super().__init__(
            f"The stored model cannot be read ({type(why).__name__}). Its images are served by hand until the next training."
        )


class Unexpected(TaglineError):
    """An error of a library, or of ours, in words."""

    def __init__(self, error: BaseException) -> None:
        said = str(error).splitlines()
        super().__init__(
            f"The learning worker met an error that it did not expect ({type(error).__name__}: "
            f"{said[0][:160] if said else 'without a word'}). Labels are untouched; its log says more."
        )


def explained(error: OSError) -> Exception:
    """A full disk as `DiskFull`, any other error as it is."""
    return DiskFull(FULL) if error.errno in (errno.ENOSPC, errno.EDQUOT) else error
