"""A folder as a datastore: what a pattern takes, and that nothing outside of the folder can be reached."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import open_store
from storage.base import NoSuchFile, StorageError
from storage.local import LocalStore
from storage.pattern import compile_pattern, fixed_folder

TREE = ("a.jpg", "b/c.png", "b/d/e.jpg", "b/d/f.txt", "b-2/g.jpg", "train/x.jpg", "train/deep/y.JPG", "noending")
names = st.text(st.characters(codec="ascii", exclude_characters="/*?\0"), min_size=1, max_size=8)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """A store over the tree, with a secret beside its root."""
    for path in TREE:
        full = tmp_path / "root" / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(path.encode())
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    return LocalStore(tmp_path / "root")


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        ("**", TREE),
        ("", TREE),
        ("**/*.*", TREE),  # the reference takes the whole container by it
        ("*", ("a.jpg", "noending")),
        ("train/**", ("train/x.jpg", "train/deep/y.JPG")),
        ("/train/**", ("train/x.jpg", "train/deep/y.JPG")),
        ("train/*.jpg", ("train/x.jpg",)),
        ("**/*.jpg", ("a.jpg", "b/d/e.jpg", "b-2/g.jpg", "train/x.jpg")),
        ("b/**/*.jpg", ("b/d/e.jpg",)),
        ("b/?.png", ("b/c.png",)),
        ("b/d/e.jpg", ("b/d/e.jpg",)),
        ("b?2/*", ("b-2/g.jpg",)),
        ("[ab].jpg", ()),  # brackets are letters, as in the reference
    ],
)
def test_a_pattern_takes_what_it_says(store: LocalStore, pattern: str, taken: tuple[str, ...]) -> None:
    """Each pattern takes exactly these files, in path order, so that a cap cuts at the same place each time."""
    listed = [file.path for file in store.list(pattern)]
    assert listed == sorted(taken)


@given(folders=st.lists(names, max_size=3), name=names)
def test_every_file_matches_its_own_path_and_everything_above(folders: list[str], name: str) -> None:
    """A path matches itself, its folder's `**` and the whole store's, whatever characters it has."""
    path = "/".join([*folders, name])
    if any(part.strip(".") == "" for part in [*folders, name]):
        return
    patterns = [path, "**", *("/".join([*folders[:n], "**"]) for n in range(len(folders) + 1))]
    assert all(compile_pattern(pattern)(path) for pattern in patterns)
    assert fixed_folder(path) == "/".join(folders)


def test_a_pattern_of_a_folder_that_is_not_there_is_said(store: LocalStore) -> None:
    """A slip in the folder's name is an error that names it, not an empty listing."""
    with pytest.raises(StorageError, match="trian"):
        list(store.list("trian/**"))


@pytest.mark.parametrize(
    "path", ["../secret.jpg", "b/../../secret.jpg", "/etc/passwd", "b/d/../../../secret.jpg", "a\0b"]
)
def test_no_path_leaves_the_folder(store: LocalStore, tmp_path: Path, path: str) -> None:
    """`..`, absolute paths and NUL are refused by every way in, for reading and for writing."""
    for way in (
        lambda: store.get(path),
        lambda: store.head(path),
        lambda: store.get_range(path, 0, 9),
        lambda: store.get_file(path, tmp_path / "taken"),
        lambda: store.put(path, b"x"),
        lambda: list(store.list(path + "/**")),
    ):
        with pytest.raises(StorageError):
            way()


def test_links_lead_nowhere_outside(store: LocalStore, tmp_path: Path) -> None:
    """A link that points out of the folder is neither listed nor read; one that stays inside is a file like others."""
    root = tmp_path / "root"
    (root / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "out").symlink_to(tmp_path)
    (root / "loop").symlink_to(root)
    (root / "in.jpg").symlink_to(root / "a.jpg")
    (root / "dangling.jpg").symlink_to(root / "nothing.jpg")
    listed = [file.path for file in store.list("**")]
    assert listed == sorted([*TREE, "in.jpg"])
    for path in ("out.jpg", "out/secret.jpg"):
        with pytest.raises(StorageError, match="leaves the datastore"):
            store.get(path)


def test_hidden_files_and_odd_files_are_passed_over(store: LocalStore, tmp_path: Path) -> None:
    """Thumbnails folders of desktops, half-written uploads and pipes never become items, and do not hang the listing."""
    root = tmp_path / "root"
    (root / ".hidden").mkdir()
    (root / ".hidden" / "x.jpg").write_bytes(b"x")
    (root / ".y.jpg").write_bytes(b"y")
    os.mkfifo(root / "pipe.jpg")
    assert [file.path for file in store.list("**")] == sorted(TREE)


def test_a_wrong_folder_is_said(tmp_path: Path) -> None:
    """A folder that is not there, a file in its place, and a datastore of no known kind are each named."""
    (tmp_path / "file").write_bytes(b"")
    for url, words in (
        (f"local:{tmp_path}/nothing", "does not exist"),
        (f"local:{tmp_path}/file", "is a file, not a folder"),
        ("ftp://host/photos", "no known kind"),
    ):
        with pytest.raises(StorageError, match=words):
            open_store(url)


def test_a_file_that_went_away_is_said(store: LocalStore, tmp_path: Path) -> None:
    """A file that was deleted after the listing is a clear error of its own kind; so is a folder asked for as a file."""
    (tmp_path / "root" / "a.jpg").unlink()
    for path in ("a.jpg", "b", "a.jpg/deeper"):
        with pytest.raises(NoSuchFile, match="no file"):
            store.get(path)
        with pytest.raises(NoSuchFile, match="no file"):
            store.get_file(path, tmp_path / "taken")


def test_a_file_comes_as_a_file(store: LocalStore, tmp_path: Path) -> None:
    """What may be too large for memory is copied as it is."""
    store.get_file("b/c.png", tmp_path / "taken")
    assert (tmp_path / "taken").read_bytes() == b"b/c.png"


def test_parts_of_a_file_can_be_read(store: LocalStore) -> None:
    """The head, the tail and too much of either are answered with what is there."""
    assert store.get_range("b/c.png", 0, 3) == b"b/c"
    assert store.get_range("b/c.png", -3, 99) == b"png"
    assert store.get_range("b/c.png", -99, 99) == b"b/c.png"
    assert store.get_range("b/c.png", 99, 9) == b""


def test_a_write_is_whole_or_not_at_all(store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails half-way leaves the old file, and nothing that a listing would take."""
    store.put("new/z.jpg", b"old")

    def fail(_path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(StorageError, match="No space left"):
        store.put("new/z.jpg", b"new")
    assert store.get("new/z.jpg") == b"old"
    assert [entry.name for entry in (tmp_path / "root" / "new").iterdir()] == ["z.jpg"]


def test_a_changed_file_has_another_etag(store: LocalStore) -> None:
    """Whoever kept a file's etag notices that it was replaced, even by one of the same length."""
    before = store.head("a.jpg")
    assert store.put("a.jpg", b"A.JPG").etag != before.etag
    assert store.url.startswith("local:/")
    assert store.sign("a.jpg", 60) is None


def test_what_goes_away_during_a_listing_is_left_out(store: LocalStore, tmp_path: Path) -> None:
    """Files and folders that are deleted while a long listing runs do not end it."""
    listing = store.list("**")
    first = next(listing)
    for name in ("b-2/g.jpg", "noending"):
        (tmp_path / "root" / name).unlink()
    shutil.rmtree(tmp_path / "root" / "train")
    rest = [file.path for file in listing]
    assert [first.path, *rest] == ["a.jpg", "b/c.png", "b/d/e.jpg", "b/d/f.txt"]
