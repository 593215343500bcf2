"""Files sent by the system's own sftp and scp: whole, as items at once, within bounds, and nowhere else."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from pathlib import Path

import asyncssh
import pytest

from sshd.incoming import Part
from sshd.limits import Limits
from tests.ssh.client import until
from tests.ssh.house import House, in_house
from tests.ssh.sending import make_project, options, paths, photo, scp, sftp

pytest.importorskip("pyghostty")


def test_sftp_puts_images_into_the_project(tmp_path: Path) -> None:
    """`put` and `put -r` make items at once, also in folders; what was sent lies in the datastore, byte for byte."""

    async def story(house: House) -> None:
        project = await make_project(house.db, tmp_path / "birds")
        one, two = photo(tmp_path / "sent/one.png"), photo(tmp_path / "sent/night/two.png", (20, 10))
        status, said = await sftp(
            house, "alice", "cd Birds", f"put {one}", f"put -r {two.parent}", "ls -1", "ls -1 night"
        )
        assert status == 0, said
        assert "one.png" in said
        assert "two.png" in said
        items = await paths(house.db, project)
        assert set(items) == {"old.jpg", "uploads/one.png", "uploads/night/two.png"}
        assert items["uploads/night/two.png"][2:4] == (20, 10)
        assert (tmp_path / "birds/uploads/one.png").read_bytes() == one.read_bytes()

    in_house(tmp_path, story)


@pytest.mark.parametrize("legacy", [False, True])
def test_scp_sends_files_and_folders(tmp_path: Path, legacy: bool) -> None:
    """Both protocols of scp: a file, a folder, several at once; the same file again changes nothing."""

    async def story(house: House) -> None:
        project = await make_project(house.db, tmp_path / "birds")
        one, two = photo(tmp_path / "one.png"), photo(tmp_path / "deep/er/two.png")
        for _ in range(2):
            status, said = await scp(house, "-r", str(one), str(two.parent), "alice@127.0.0.1:/Birds/", legacy=legacy)
            assert status == 0, said
        assert set(await paths(house.db, project)) == {"old.jpg", "uploads/one.png", "uploads/er/two.png"}
        changed, three = photo(tmp_path / "other/one.png"), photo(tmp_path / "three.png")
        before = (tmp_path / "birds/uploads/one.png").read_bytes()
        status, said = await scp(house, str(changed), str(three), "alice@127.0.0.1:/Birds/", legacy=legacy)
        assert status != 0
        assert "another file of the name" in said
        assert "uploads/three.png" in await paths(house.db, project)
        assert (tmp_path / "birds/uploads/one.png").read_bytes() == before

    in_house(tmp_path, story)


def counting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the pieces that the server has taken so far."""
    pieces: list[int] = []
    write = Part.write

    async def counted(part: Part, offset: int, data: bytes) -> None:
        await write(part, offset, data)
        pieces.append(len(data))

    monkeypatch.setattr(Part, "write", counted)
    return pieces


@pytest.mark.parametrize("legacy", [False, True])
def test_a_cut_upload_leaves_nothing(tmp_path: Path, legacy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is killed half-way leaves no file, no item and no part; sent again, the file is there."""
    counted = counting(monkeypatch)

    async def story(house: House) -> None:
        project = await make_project(house.db, tmp_path / "birds")
        big = photo(tmp_path / "big.bmp", (3000, 2000))
        program = ["scp", "-l", "40000", *(["-O"] if legacy else [])]
        process = await asyncio.create_subprocess_exec(
            *program, *options(house.login), str(big), "alice@127.0.0.1:/Birds/", process_group=0
        )
        await until(lambda: sum(counted) > 1_000_000)  # of 18 MB, which take nearly four seconds at 40 Mbit/s
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await until(lambda: house.front_end.commands["alice"] == 0)
        assert set(await paths(house.db, project)) == {"old.jpg"}
        assert not [one for one in (tmp_path / "birds").rglob("*") if one.is_file()]
        status, said = await scp(house, str(big), "alice@127.0.0.1:/Birds/", legacy=legacy)
        assert status == 0, said
        assert (tmp_path / "birds/uploads/big.bmp").read_bytes() == big.read_bytes()

    in_house(tmp_path, story)


def test_a_file_that_its_sender_cannot_read_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old scp fills a file that shrinks under it up with zeros, and says so: nothing of it is kept, the next one is."""
    counted = counting(monkeypatch)

    async def story(house: House) -> None:
        project = await make_project(house.db, tmp_path / "birds")
        big, small = photo(tmp_path / "big.bmp", (3000, 2000)), photo(tmp_path / "small.png")
        process = await asyncio.create_subprocess_exec(
            "scp", "-O", "-l", "60000", *options(house.login), str(big), str(small), "alice@127.0.0.1:/Birds/",
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await until(lambda: sum(counted) > 1_000_000)
        await asyncio.to_thread(os.truncate, big, 2_000_000)
        await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode != 0
        assert set(await paths(house.db, project)) == {"old.jpg", "uploads/small.png"}
        assert not (tmp_path / "birds/uploads/big.bmp").exists()

    in_house(tmp_path, story)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_full_disk_is_said(tmp_path: Path, legacy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server has no room for a piece, the file is refused in words; the others of the same command come in."""
    write = Part.write

    async def full(part: Part, offset: int, data: bytes) -> None:
        if part.name == "one.png" and offset:
            raise OSError(errno.ENOSPC, "No space left on device")
        await write(part, offset, data)

    monkeypatch.setattr(Part, "write", full)

    async def story(house: House) -> None:
        project = await make_project(house.db, tmp_path / "birds")
        one, two = photo(tmp_path / "one.png", (400, 400)), photo(tmp_path / "two.png")
        status, said = await scp(house, str(one), str(two), "alice@127.0.0.1:/Birds/", legacy=legacy)
        assert status != 0
        assert "cannot hold the file" in said
        assert set(await paths(house.db, project)) == {"old.jpg", "uploads/two.png"}

    in_house(tmp_path, story)


def test_only_images_and_labels_are_taken(tmp_path: Path) -> None:
    """Programs, hidden and empty files are refused with the reason on the user's screen; a file of labels is kept."""

    async def story(house: House) -> None:
        project = await make_project(house.db, tmp_path / "birds")
        for name, text in (
            ("run.sh", "x"),
            (".hidden.jpg", "x"),
            ("empty.jpg", ""),
            ("labels.json", "{}"),
            ("bad.jpg", "x"),
        ):
            (tmp_path / name).write_text(text)
        for name, reason in (("run.sh", "neither an image"), (".hidden.jpg", "no name"), ("empty.jpg", "is empty")):
            status, said = await sftp(house, "alice", f"put {tmp_path / name} /Birds/{name}")
            assert status != 0
            assert reason in said, said
        status, said = await sftp(
            house, "alice", f"put {tmp_path / 'labels.json'} /Birds/", f"put {tmp_path / 'bad.jpg'} /Birds/"
        )
        assert status == 0, said
        items = await paths(house.db, project)
        assert set(items) == {"old.jpg", "uploads/bad.jpg"}
        assert items["uploads/bad.jpg"].state == 4  # unreadable, with the reason, as in any folder

    in_house(tmp_path, story)


def test_nobody_climbs_out(tmp_path: Path) -> None:
    """`..` leads nowhere, links of the server are not followed, links cannot be made, and nothing can be read or removed."""

    async def story(house: House) -> None:
        await make_project(house.db, tmp_path / "birds")
        (tmp_path / "secret").mkdir()
        (tmp_path / "birds/uploads").symlink_to(tmp_path / "secret")
        one = photo(tmp_path / "one.png")
        for line in (
            f"put {one} /../../../etc/one.png", f"put {one} /Birds/../../one.png", f"put {one} /Birds/../Nowhere/one.png",
            f"put {one} /Birds/one.png", f"put {one} /one.png", "get /etc/passwd", "get /Birds/../../etc/passwd",
            "ln -s /etc/passwd /Birds/a.jpg", "rm /Birds/one.png", "rename /Birds/one.png /Birds/two.png", "ls /etc",
        ):  # fmt: skip
            status, said = await sftp(house, "alice", line)
            assert status != 0, (line, said)

    in_house(tmp_path, story)
    assert not list((tmp_path / "secret").iterdir())
    assert not list(tmp_path.rglob("passwd"))


def test_who_may_not_import_sees_and_sends_nothing(tmp_path: Path) -> None:
    """A labeler's SFTP shows an empty house; what they send is refused with the reason."""

    async def story(house: House) -> None:
        project = await make_project(house.db, tmp_path / "birds")
        one = photo(tmp_path / "one.png")
        status, said = await sftp(house, "bob", "ls /")
        assert status == 0
        assert "Birds" not in said
        status, said = await sftp(house, "bob", f"put {one} /Birds/one.png")
        assert status != 0
        assert "not given to you" in said or "may not import data" in said, said
        assert set(await paths(house.db, project)) == {"old.jpg"}

    in_house(tmp_path, story)


def test_uploads_have_bounds(tmp_path: Path) -> None:
    """A file over the limit, a project over its quota and a project that is full are refused; what was sent is dropped."""

    async def story(house: House) -> None:
        await make_project(house.db, tmp_path / "birds")
        await make_project(house.db, tmp_path / "full", name="Full", cap=1)
        big, small = photo(tmp_path / "big.bmp", (800, 800)), photo(tmp_path / "small.bmp", (500, 500))
        status, said = await sftp(house, "alice", f"put {big} /Birds/big.bmp")
        assert status != 0
        assert "1 MB" in said, said
        for n, expected in ((1, 0), (2, 0), (3, 1)):
            status, said = await sftp(house, "alice", f"put {small} /Birds/{n}.bmp")
            assert (status != 0) == bool(expected), said
        assert "2 MB of uploads" in said
        status, said = await sftp(house, "alice", f"put {small} /Full/small.bmp")
        assert status != 0
        assert "the most it may have" in said

    in_house(tmp_path, story, Limits(upload_mb=1, uploads_project_mb=2))
    assert {one.name for one in tmp_path.glob("*/uploads/*")} == {"1.bmp", "2.bmp"}


def test_names_that_clients_use_on_the_way(tmp_path: Path) -> None:
    """A client that sends `a.png.filepart` and renames it gets one file; pieces may come out of order."""

    async def story(house: House) -> None:
        project = await make_project(house.db, tmp_path / "birds")
        data = photo(tmp_path / "one.png", (200, 200)).read_bytes()
        async with (
            asyncssh.connect(
                "127.0.0.1", house.login.port, username="alice", client_keys=[str(house.login.key)], known_hosts=None
            ) as connection,
            connection.start_sftp_client() as files,
        ):
            async with files.open("/Birds/a.png.filepart", "wb") as file:
                half = len(data) // 2
                await file.write(data[half:], half)
                await file.write(data[:half], 0)
            assert set(await paths(house.db, project)) == {"old.jpg"}
            await files.rename("/Birds/a.png.filepart", "/Birds/a.png")
            assert (tmp_path / "birds/uploads/a.png").read_bytes() == data
            assert (await files.stat("/Birds/a.png")).size == len(data)
        assert set(await paths(house.db, project)) == {"old.jpg", "uploads/a.png"}

    in_house(tmp_path, story)


def test_uploads_go_where_the_pattern_looks(tmp_path: Path) -> None:
    """A project of `train/**` gets its files in train/uploads; one of `*.jpg` at the top, and no PNG."""

    async def story(house: House) -> None:
        await make_project(house.db, tmp_path / "one", name="One", pattern="train/**")
        await make_project(house.db, tmp_path / "two", name="Two", pattern="*.jpg")
        file, png = photo(tmp_path / "a.jpg"), photo(tmp_path / "a.png")
        status, said = await sftp(house, "alice", f"put {file} /One/", f"put {file} /Two/")
        assert status == 0, said
        assert (tmp_path / "one/train/uploads/a.jpg").exists()
        assert (tmp_path / "two/a.jpg").exists()
        status, said = await sftp(house, "alice", f"put {png} /Two/")
        assert status != 0
        assert "does not find" in said

    in_house(tmp_path, story)
