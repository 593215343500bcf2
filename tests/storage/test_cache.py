"""The cache of a distant datastore: bounded, never stale, never in the way."""

from __future__ import annotations

from pathlib import Path

from storage.cache import Cache


def used(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_a_copy_is_of_exactly_that_content(tmp_path: Path) -> None:
    """Another etag, path or datastore has no copy."""
    cache = Cache(tmp_path)
    cache.put("azure://a/b", "x.jpg", "1", b"one")
    assert cache.get("azure://a/b", "x.jpg", "1") == b"one"
    others = (("azure://a/b", "x.jpg", "2"), ("azure://a/b", "y.jpg", "1"), ("azure://a/c", "x.jpg", "1"))
    assert [cache.get(*other) for other in others] == [None] * 3


def test_the_folder_never_grows_over_its_bound(tmp_path: Path) -> None:
    """After each of many files the folder is within the bound; the newest is there, a file larger than a part is not kept."""
    cache = Cache(tmp_path, limit_bytes=16_000)
    for n in range(60):
        cache.put("s", f"{n}.jpg", "1", bytes(900))
        assert used(tmp_path) <= 16_000
    assert cache.get("s", "59.jpg", "1") == bytes(900)
    assert cache.get("s", "0.jpg", "1") is None
    cache.put("s", "huge.jpg", "1", bytes(8_000))
    assert cache.get("s", "huge.jpg", "1") is None


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """Where a file stands in the way, nothing is kept and nothing fails."""
    (tmp_path / "file").write_bytes(b"")
    cache = Cache(tmp_path / "file")
    cache.put("s", "x.jpg", "1", b"one")
    assert cache.get("s", "x.jpg", "1") is None
