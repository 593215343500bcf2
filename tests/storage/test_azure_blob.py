"""Azure Blob: listing, reading, writing and trouble, against Azurite; what opens a container is never shown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from core.db.database import Database
from core.db.tables import ITEM
from core.ids import ItemState, TaskType
from core.intake.ingest import import_files
from core.project import projects
from core.project.projects import NewProject
from storage import azure_blob, open_store
from storage.azure_access import find_access
from storage.azure_blob import AzureBlobStore
from storage.base import NoSuchFile, StorageError, Unreachable
from storage.cache import Cache
from tests.azurite import ACCOUNT, KEY, Azurite
from tests.conftest import Run

PHOTO = Path(__file__).parents[2] / "sshd" / "demo" / "photos" / "cells" / "BloodImage_00000.jpg"
FILES = ("a/1.jpg", "a/b/2.jpg", "a/b/note.txt", "c/3 ü#?%.jpg", "z.jpg")
_numbers = count()


@pytest.fixture
def container(azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A new container whose key is in the environment; files are cached below the test's folder."""
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection)
    monkeypatch.setenv("TAGLINE_CACHE", str(tmp_path / "cache"))
    with azurite.container(f"box{next(_numbers)}") as client:
        yield client


@pytest.fixture
def store(container: Any) -> AzureBlobStore:
    """The container with a few files below photos/, opened at that folder."""
    for name in FILES:
        container.upload_blob(f"photos/{name}", name.encode())
    container.upload_blob("outside.jpg", b"outside")
    found = open_store(f"azure://{ACCOUNT}/{container.container_name}/photos/")
    assert isinstance(found, AzureBlobStore)
    return found


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [("**", FILES), ("**/*.*", FILES), ("a/**", FILES[:3]), ("a/*", FILES[:1]), ("**/*.txt", FILES[2:3]), ("x/**", ())],
)
def test_a_pattern_takes_what_it_says(store: AzureBlobStore, pattern: str, taken: tuple[str, ...]) -> None:
    """A pattern means the same in a container as in a folder, and nothing outside of the URL's folder is listed."""
    assert tuple(file.path for file in store.list(pattern)) == taken


def test_files_are_read_whole_and_in_part(store: AzureBlobStore, tmp_path: Path) -> None:
    """Names with spaces, umlauts and signs are read like others; parts count from either end and stop at the file's."""
    assert store.get(FILES[3]) == FILES[3].encode()
    store.get_file(FILES[3], tmp_path / "taken")
    assert (tmp_path / "taken").read_bytes() == FILES[3].encode()
    assert (store.get_range("z.jpg", 1, 2), store.get_range("z.jpg", -3, 99), store.get_range("z.jpg", -99, 2)) == (
        b".j",
        b"jpg",
        b"z.",
    )
    assert store.get_range("z.jpg", 99, 5) == b""
    assert store.head("z.jpg").bytes == 5
    for ask in (store.get, store.head, lambda path: store.get_file(path, tmp_path / "taken")):
        with pytest.raises(NoSuchFile, match=r"no file 'gone\.jpg'"):
            ask("gone.jpg")
    with pytest.raises(StorageError, match="leaves the datastore"):
        store.get("../outside.jpg")


def test_a_changed_file_is_never_served_from_the_cache(store: AzureBlobStore, container: Any) -> None:
    """Unchanged, a file is sent once only; changed, its new content comes, under another etag."""
    first = store.head("z.jpg").etag
    assert store.get("z.jpg") == store.get("z.jpg") == b"z.jpg"
    container.upload_blob("photos/z.jpg", b"new", overwrite=True)
    assert store.get("z.jpg") == b"new"
    assert store.head("z.jpg").etag != first


def test_an_unchanged_file_is_not_sent_again(store: AzureBlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second reading asks whether the file changed, and takes the copy."""
    store.get("z.jpg")
    puts: list[str] = []
    monkeypatch.setattr(Cache, "put", lambda _self, _url, path, *_rest: puts.append(path))
    assert store.get("z.jpg") == b"z.jpg"
    assert puts == []


def test_large_files_come_back_as_they_went(store: AzureBlobStore) -> None:
    """A file of several blocks is written and read in parallel pieces, and is what it was."""
    data = bytes(range(256)) * (9 * 4096 + 7)
    assert store.put("Labeling/export/big.bin", data).bytes == len(data)
    assert store.get("Labeling/export/big.bin") == data


def test_a_signed_url_opens_one_file(store: AzureBlobStore) -> None:
    """A signed URL gives its file to anyone for a while."""
    url = store.sign("z.jpg", 60)
    assert url is not None
    with urlopen(url) as answer:
        assert answer.read() == b"z.jpg"


def test_a_container_that_is_not_there_is_said(azurite: Azurite, container: Any) -> None:
    """A wrong container or key is named as such, and the key is not in the text."""
    with pytest.raises(StorageError, match="no container 'nowhere'"):
        list(open_store(f"azure://{ACCOUNT}/nowhere").list("**"))
    wrong = find_access(ACCOUNT, {"AZURE_STORAGE_CONNECTION_STRING": azurite.connection.replace("Eby8", "AAAA")})
    with pytest.raises(StorageError, match="does not let Tagline into") as error:
        list(AzureBlobStore(f"azure://{ACCOUNT}/{container.container_name}", access=wrong).list("**"))
    assert "AAAA" not in str(error.value)


def test_no_secret_is_logged(
    azurite: Azurite, store: AzureBlobStore, container: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With a SAS from a file and everything logged, neither the log, an error nor the URL has its signature."""
    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    sas = generate_container_sas(
        ACCOUNT,
        container.container_name,
        account_key=KEY,
        permission=ContainerSasPermissions(read=True, list=True),
        expiry=datetime.now(UTC) + timedelta(minutes=5),
    )
    signature = sas.partition("sig=")[2].partition("&")[0]
    secrets = tmp_path / "secrets.toml"
    secrets.touch(0o600)
    secrets.write_text(f'[{ACCOUNT}]\nsas = "{sas}"\nendpoint = "{azurite.endpoint}"\n')
    access = find_access(ACCOUNT, {"TAGLINE_AZURE_SECRETS": str(secrets)})
    shared = AzureBlobStore(store.url, access=access)
    with caplog.at_level(logging.DEBUG):
        assert [file.path for file in shared.list("**")] == list(FILES)
        with pytest.raises(StorageError) as error:
            shared.put("new.jpg", b"")
    for text in (caplog.text, str(error.value), shared.url, repr(access)):
        assert signature not in text
    assert shared.sign("z.jpg", 60) is None


def test_a_secrets_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Secrets that lie open are not used; the way to close them is said. A broken file is not quoted."""
    secrets = tmp_path / "secrets.toml"
    secrets.write_text("[x]\nsas = 'abc'\n")
    secrets.chmod(0o644)
    env = {"TAGLINE_AZURE_SECRETS": str(secrets)}
    with pytest.raises(StorageError, match="chmod 600"):
        find_access("x", env)
    secrets.chmod(0o600)
    assert find_access("x", env).sas == "abc"
    secrets.write_text("[x]\nsas = hush\n")
    with pytest.raises(StorageError, match="is no TOML") as error:
        find_access("x", env)
    assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["azure://", "azure://acc", "azure://acc/UPPER", "azure://acc/box/../x", "azure://a:b@c/d"]
)
def test_a_url_of_no_container_is_said(url: str) -> None:
    """What is no URL of a container is refused before anything is asked of the network."""
    with pytest.raises(StorageError, match=r"write azure://ACCOUNT/CONTAINER|leaves the datastore"):
        open_store(url)


def test_a_datastore_cut_off_during_an_import_loses_nothing(
    azurite: Azurite, container: Any, run_sqlite: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off, an import says so and marks no file unreadable; run again when the datastore is back, it adds all."""
    monkeypatch.setattr(azure_blob, "RETRIES", 1)
    for n in range(8):
        container.upload_blob(f"{n}.jpg", PHOTO.read_bytes())

    async def act(db: Database) -> None:
        store = open_store(f"azure://{ACCOUNT}/{container.container_name}")
        new = NewProject("Far", TaskType.MULTI_CLASS, store.url, ("cell",))
        project = await db.write(projects.create_project, new, by=None, now_ms=0)
        cut = _CutOff(store, azurite)
        with pytest.raises(Unreachable, match="does not answer just now"):
            await import_files(db, project.id, cut, by=None, now_ms=lambda: 0)
        await asyncio.to_thread(azurite.start)
        report = await import_files(db, project.id, store, by=None, now_ms=lambda: 0)
        assert (report.found, report.unreadable) == (8, 0)
        states = await db.read(lambda conn: conn.execute(ITEM.select()).all())
        assert {(ItemState(row.state), row.width) for row in states} == {(ItemState.TODO, 640)}
        assert len(states) == 8

    run_sqlite(act)


class _CutOff:
    """A datastore that stops right after it was listed."""

    def __init__(self, store: Any, azurite: Azurite) -> None:
        self._store, self._azurite = store, azurite

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def list(self, pattern: str) -> list[Any]:
        found = list(self._store.list(pattern))
        self._azurite.stop()
        return found
