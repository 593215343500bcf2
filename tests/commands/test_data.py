"""`data import FILE` and `data labels`, as an operator on the server and an admin over SSH use them."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from PIL import Image

from core.db.database import Database
from core.ids import ItemId, Role
from core.intake.ingest import item_count
from core.team.access import OPERATOR
from core.team.people import Account
from core.transfer.imported import targets_after
from sshd.commands import build_parser, run
from sshd.commands.context import Context
from tests.builders import World, make_account, make_world
from tests.conftest import Run
from tests.janitor import janitor

CSV = "file,label\n00000.jpg,robin\n00001.jpg,Barn\n00002.jpg,jay\n77777.jpg,robin\n"


async def tagline(db: Database, line: str, account: Account | None = None) -> tuple[int, str]:
    """Run a command; its status and all that it says."""
    said: list[bytes] = []

    async def hear(data: bytes) -> None:
        said.append(data)

    async def context() -> Context:
        return Context(db, account, hear, hear)

    status = await run(line.split(), build_parser("tagline"), context, hear, hear)
    return status, b"".join(said).decode()


async def labeled(db: Database, world: World) -> set[str]:
    """The paths of items that have an answer."""
    return {row.path for row in await db.read(targets_after, OPERATOR, world.project, ItemId(0), 100) if row.state == 1}


def test_labels_are_compared_first_and_then_taken(run_sqlite: Run, tmp_path: Path) -> None:
    """`--dry-run` says what would happen and changes nothing; then the same counts are written, and a second time nothing."""
    (tmp_path / "labels.csv").write_text(CSV)

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        asked = f"data labels Birds {tmp_path / 'labels.csv'}"
        status, said = await tagline(db, f"{asked} --dry-run")
        assert status == 0
        assert "4 images in csv: 2 would be taken as labels. Nothing was written." in said
        for words in (
            "1 not found",
            "77777.jpg",
            "the project has no label 'jay'",
            "Barn  taken as Owl/Barn",
            "--map 'jay=…'",
        ):
            assert words in said, (words, said)
        assert await labeled(db, world) == set()
        status, said = await tagline(db, f"{asked} --map jay=wren")
        assert (status, await labeled(db, world)) == (0, {"00000.jpg", "00001.jpg", "00002.jpg"}), said
        status, said = await tagline(db, f"{asked} --map jay=wren --json")
        facts = orjson.loads(said)
        assert (facts["same"], facts["written"]) == (3, 0)

    run_sqlite(body)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--map jay", "--map takes THEIRS=OURS"),
        ("--map jay=crow", "the project has no such label"),
        ("--format coco", "this is no JSON"),
    ],
)
def test_wrong_options_write_nothing(run_sqlite: Run, tmp_path: Path, options: str, says: str) -> None:
    """A map to nothing, or a file in another format, is one clear sentence."""
    (tmp_path / "labels.csv").write_text(CSV)

    async def body(db: Database) -> None:
        world = await make_world(db, items=4)
        status, said = await tagline(db, f"data labels Birds {tmp_path / 'labels.csv'} {options}")
        assert (status, said.count("\n")) == (1, 1)
        assert says in said
        assert await labeled(db, world) == set()

    run_sqlite(body)


def test_an_admin_takes_labels_that_were_sent(run_sqlite: Run, tmp_path: Path) -> None:
    """Over SSH the file is one that was sent to the project by scp; one that was not is said, with how to send it."""
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads/labels.csv").write_text(CSV)

    async def body(db: Database) -> None:
        world = await make_world(db, items=4, datastore=f"local:{tmp_path}")
        boss = await make_account(db, "boss", Role.ADMIN)
        async with janitor(db):
            status, said = await tagline(db, "data labels Birds /Birds/labels.csv --dry-run", boss)
            assert (status, await labeled(db, world)) == (0, set()), said
            assert "2 would be taken as labels. Nothing was written." in said
            status, said = await tagline(db, "data labels Birds /Birds/labels.csv", boss)
            assert (status, await labeled(db, world)) == (0, {"00000.jpg", "00001.jpg"}), said
            assert "4 images in csv: 2 taken as labels." in said
            status, said = await tagline(db, "data labels Birds /Birds/labels.csv --json", boss)
            assert (orjson.loads(said)["same"], orjson.loads(said)["written"]) == (2, 0)
            status, said = await tagline(db, "data labels Birds labels.csv --format coco", boss)
            assert (status, said.count("\n")) == (1, 1)
            assert "Taking the labels in did not work out: labels.csv, line 1" in said
        status, said = await tagline(db, "data labels Birds other.csv", boss)
        assert status == 1
        assert "scp -P PORT other.csv boss@HOST:/Birds/" in said
        for path in ("../../../etc/passwd.csv", "/etc/passwd"):
            status, said = await tagline(db, f"data labels Birds {path}", boss)
            assert status == 1

    run_sqlite(body)


def test_new_files_are_looked_for_by_the_servers_worker(run_sqlite: Run, tmp_path: Path) -> None:
    """Over SSH `data import` and `project refresh` say what the worker found; what cannot be is said in its words."""

    async def body(db: Database) -> None:
        photos = tmp_path / "photos"
        photos.mkdir()
        world = await make_world(db, items=0, datastore=f"local:{photos}")
        boss = await make_account(db, "boss", Role.ADMIN)
        async with janitor(db):
            status, said = await tagline(db, "data import Birds", boss)
            assert (status, "no file matches" in said) == (1, True), said
            Image.new("RGB", (30, 20)).save(photos / "a.png")
            status, said = await tagline(db, "data import Birds", boss)
            assert (status, "Birds: 1 new items of 1 images" in said) == (0, True), said
            Image.new("RGB", (30, 20)).save(photos / "b.png")
            status, said = await tagline(db, "project refresh Birds --json", boss)
            assert (status, orjson.loads(said)[0]["new"]) == (0, 1), said
        assert await db.read(item_count, world.project) == 2

    run_sqlite(body)


def test_files_of_the_server_are_copied_in(run_sqlite: Run, tmp_path: Path) -> None:
    """Images and folders of images become items; what is no image is said, and a second time nothing is copied."""
    photos, store = tmp_path / "new", tmp_path / "store"
    for path in (photos / "a.png", photos / "deep/b.png"):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (30, 20)).save(path)
    (tmp_path / "notes.txt").write_text("x")
    store.mkdir()

    async def body(db: Database) -> None:
        world = await make_world(db, items=1, datastore=f"local:{store}")
        status, said = await tagline(db, f"data import Birds {photos} {photos / 'a.png'} {tmp_path / 'notes.txt'}")
        assert status == 1
        assert "3 added" in said
        assert "neither an image" in said
        items = {row.path for row in await db.read(targets_after, OPERATOR, world.project, ItemId(0), 100)}
        assert items == {"00000.jpg", "uploads/a.png", "uploads/new/a.png", "uploads/new/deep/b.png"}
        status, said = await tagline(db, f"data import Birds {photos}")
        assert (status, "2 there already" in said) == (0, True), said

    run_sqlite(body)
