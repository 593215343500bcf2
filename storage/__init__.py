"""Bytes: datastores, and decoding image files into pixels. Knows nothing of labeling."""

from __future__ import annotations

from pathlib import Path

from storage.base import StorageError, Store
from storage.local import SCHEME as LOCAL
from storage.local import LocalStore

__all__ = ["open_store"]

AZURE = "azure://"


def open_store(url: str) -> Store:
    """The datastore that a URL such as `local:/data/photos` or `azure://ACCOUNT/CONTAINER/photos` names.

    Raises:
        StorageError: a URL of no known kind, a folder that is not there, or a secret that cannot be used.
    """
    if url.startswith(LOCAL):
        return LocalStore(Path(url.removeprefix(LOCAL)))
    if url.startswith(AZURE):
        from storage.azure_blob import AzureBlobStore  # its library is an extra

        return AzureBlobStore(url)
    raise StorageError(f"The datastore {url!r} is of no known kind; local:/FOLDER and azure://ACCOUNT/CONTAINER are.")
