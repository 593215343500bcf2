"""What can keep a model from being made, beside the trouble that `core.errors` names."""

from __future__ import annotations

from core.errors import TaglineError


class CannotTrain(TaglineError):
    """The answers so far do not make a model; the text says why and what would help."""
