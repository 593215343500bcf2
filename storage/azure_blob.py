"""An Azure Blob container, or a folder of one, as a datastore. Needs the extra `azure`."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from storage.azure_access import Access, find_access
from storage.base import NoSuchFile, StorageError, StoredFile, Unreachable
from storage.cache import Cache, default_folder
from storage.pattern import compile_pattern, fixed_folder

URL = re.compile(r"azure://([a-z0-9]{3,24})/([a-z0-9$](?:[a-z0-9-]{1,61}[a-z0-9])?)(?:/(.*))?")
RETRIES = 2
CONNECT_S, READ_S = 5, 30
PARALLEL = 4
PIECE_BYTES = 4 * 1024 * 1024
ETAGS = 200_000


class _Blob(Protocol):
    name: str
    size: int
    etag: str


class AzureBlobStore:
    """The blobs below one prefix of a container. Files once read are kept in a cache and asked for by etag."""

    def __init__(self, url: str, cache: Cache | None = None, access: Access | None = None) -> None:
        match = URL.fullmatch(url.rstrip("/"))
        if match is None:
            raise StorageError(
                f"{url!r} names no container; write azure://ACCOUNT/CONTAINER or azure://ACCOUNT/CONTAINER/FOLDER."
            )
        self._account, self._container, folder = match[1], match[2], (match[3] or "").strip("/")
        _checked(folder)
        self._prefix = f"{folder}/" if folder else ""
        self._cache = cache or Cache(default_folder())
        self._access = access or find_access(self._account)
        self._client = _client(self._access, self._container)
        self._etags: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    @property
    def url(self) -> str:
        """`azure://ACCOUNT/CONTAINER/FOLDER`; what opens it is not part of it."""
        return f"azure://{self._account}/{self._container}/{self._prefix}".rstrip("/")

    def list(self, pattern: str) -> Iterator[StoredFile]:
        """Files that match, in path order, page by page. Raises StorageError."""
        matches = compile_pattern(pattern)
        folder = fixed_folder(pattern)
        start = self._prefix + (f"{folder}/" if folder else "")
        with self._asking(f"the files of {self.url}"):
            for blob in self._client.list_blobs(name_starts_with=start or None):
                path = blob.name[len(self._prefix) :]
                if path and not path.endswith("/") and matches(path):
                    yield self._stored(path, blob)

    def head(self, path: str) -> StoredFile:
        """One file's facts. Raises NoSuchFile, StorageError."""
        with self._asking(path):
            return self._stored(path, self._blob(path).get_blob_properties())

    def get(self, path: str) -> bytes:
        """A file's whole content, from the cache while the datastore says that it has not changed."""
        etag = self._etags.get(path, "")
        kept = self._cache.get(self.url, path, etag) if etag else None
        if kept is None:
            return self._download(path)
        try:
            return self._download(path, unless=etag)
        except _NotChanged:
            return kept

    def _download(self, path: str, unless: str = "") -> bytes:
        from azure.core import MatchConditions
        from azure.core.exceptions import HttpResponseError

        only: dict[str, Any] = {"etag": f'"{unless}"', "match_condition": MatchConditions.IfModified} if unless else {}
        with self._asking(path):
            try:
                stream = self._blob(path).download_blob(max_concurrency=PARALLEL, **only)
            except HttpResponseError as error:
                if error.status_code == 304:
                    raise _NotChanged(path) from None
                raise
            data: bytes = stream.readall()
            self._cache.put(self.url, path, self._stored(path, stream.properties).etag, data)
            return data

    def get_file(self, path: str, file: Path) -> None:
        """The content into a file of this machine, a piece at a time; the cache keeps nothing of it."""
        with file.open("wb") as taken, self._asking(path):
            self._blob(path).download_blob(max_concurrency=PARALLEL).readinto(taken)

    def get_range(self, path: str, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`, counted from the end when negative."""
        if start < 0:
            start = max(0, self.head(path).bytes + start)
        with self._asking(path):
            try:
                data: bytes = self._blob(path).download_blob(offset=start, length=length).readall()
            except Exception as error:
                if getattr(error, "status_code", None) == 416:  # the range begins after the end
                    return b""
                raise
            return data

    def put(self, path: str, data: bytes) -> StoredFile:
        """Write a file whole or not at all: blocks count only once all are there."""
        with self._asking(path):
            self._blob(path).upload_blob(data, overwrite=True, max_concurrency=PARALLEL)
        return self.head(path)

    def put_file(self, path: str, file: Path) -> StoredFile:
        """The same from a file of this machine, a block at a time."""
        with file.open("rb") as data, self._asking(path):
            self._blob(path).upload_blob(data, length=file.stat().st_size, overwrite=True, max_concurrency=PARALLEL)
        return self.head(path)

    def sign(self, path: str, seconds: int) -> str | None:
        """A URL for this file alone, where the account's key is known; a SAS would open more than the file."""
        if not self._access.key:
            return None
        from azure.storage.blob import BlobSasPermissions, generate_blob_sas

        blob = self._blob(path)
        signature = generate_blob_sas(
            self._account,
            self._container,
            self._prefix + path,
            account_key=self._access.key,
            permission=BlobSasPermissions(read=True),
            expiry=datetime.now(UTC) + timedelta(seconds=seconds),
        )
        return f"{blob.url}?{signature}"

    def _blob(self, path: str) -> Any:
        _checked(path)
        return self._client.get_blob_client(self._prefix + path)

    def _stored(self, path: str, blob: _Blob) -> StoredFile:
        etag = str(blob.etag).strip('"')
        with self._lock:
            self._etags[path] = etag
            self._etags.move_to_end(path)
            if len(self._etags) > ETAGS:
                self._etags.popitem(last=False)
        return StoredFile(path, int(blob.size), etag)

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Turn the library's errors into ours; its texts are left out, since they may hold a signature."""
        from azure.core import exceptions as azure

        try:
            yield
        except azure.ResourceNotFoundError as error:
            if str(getattr(error, "error_code", "")) == "ContainerNotFound":
                raise StorageError(
                    f"There is no container {self._container!r} in the account {self._account!r}."
                ) from None
            raise NoSuchFile(f"There is no file {what!r} in the datastore.") from None
        except azure.HttpResponseError as error:
            status = error.status_code or 0
            code = getattr(error, "error_code", None) or status
            name = getattr(code, "value", code)
            if isinstance(error, azure.ClientAuthenticationError) and not status:  # asked of Azure's own login
                raise StorageError(
                    f"No login for {self.url} was found; give a connection string or a SAS, or log in with `az login`."
                ) from None
            if status in (401, 403):
                raise StorageError(
                    f"Azure does not let Tagline into {self.url} ({name}); check the key, the SAS or the login."
                ) from None
            if 400 <= status < 500 and status not in (408, 429):
                raise StorageError(f"Azure refuses {what!r} in {self.url}: {name}.") from None
            raise Unreachable(f"The datastore {self.url} does not answer just now; try again in a moment.") from None
        except (azure.AzureError, OSError):
            raise Unreachable(f"The datastore {self.url} does not answer just now; try again in a moment.") from None


class _NotChanged(Exception):
    """The datastore has what the cache has."""


def _checked(path: str) -> None:
    if "\0" in path or ".." in path.split("/"):
        raise StorageError(f"The path {path!r} leaves the datastore.")


def _client(access: Access, container: str) -> Any:
    try:
        from azure.storage.blob import ContainerClient, ExponentialRetry
    except ImportError:
        raise StorageError("Azure Blob needs the extra `azure`: pip install 'tagline[azure]'.") from None
    return ContainerClient(
        access.endpoint,
        container,
        credential=access.credential(),
        retry_policy=ExponentialRetry(initial_backoff=0, increment_base=2, random_jitter_range=1, retry_total=RETRIES),
        connection_timeout=CONNECT_S,
        read_timeout=READ_S,
        max_single_get_size=PIECE_BYTES,
        max_chunk_get_size=PIECE_BYTES,
        max_single_put_size=PIECE_BYTES,
        max_block_size=PIECE_BYTES,
    )
