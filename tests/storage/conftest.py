"""The datastore tests run against Azurite, which is started once for all of them."""

from tests.azurite import azurite

__all__ = ["azurite"]
