"""Exports into a container run against Azurite."""

from tests.azurite import azurite

__all__ = ["azurite"]
