"""`tagline` on the server itself: what is wrong is one clear line and a status, what is right can be read by machines."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sshd import cli
from sshd.commands import build_parser
from sshd.commands.context import Parser, Refused
from tests.ssh.house import make_key

ROOT = Path(__file__).parents[2]
PHOTOS = ROOT / "sshd" / "demo" / "photos" / "cells"
Tagline = Callable[..., tuple[int, str, str]]


def leaves(parser: Parser) -> Iterator[Parser]:
    """Every command that can be run."""
    groups = [action for action in parser._actions if isinstance(action.choices, dict)]
    if not groups:
        yield parser
    for group in groups:
        for child in group.choices.values():  # type: ignore[union-attr]
            yield from leaves(child)


def whole_parser() -> Parser:
    """The parser of `tagline` with the operator's own commands."""
    parser = build_parser("tagline")
    parser.add_argument("--data")
    cli._add_own(parser)
    return parser


LEAVES = {leaf.prog: leaf for leaf in leaves(whole_parser())}


@pytest.fixture
def tagline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tagline:
    """Runs one command on a data folder of its own; returns status, stdout and stderr."""

    def act(*argv: str) -> tuple[int, str, str]:
        status = cli.main(["--data", str(tmp_path / "data"), *argv])
        out, err = capsys.readouterr()
        return status, out, err

    return act


@pytest.fixture
def ready(tagline: Tagline, tmp_path: Path) -> Tagline:
    """The same with a database, the user alice and the project Cells."""
    key = make_key(tmp_path / "alice")
    for line in (
        "init",
        f"user add alice --key {key}.pub",
        f"project create Cells --type multi-label --folder {PHOTOS} --label red --label white/large --member alice",
    ):
        status, _, err = tagline(*shlex.split(line))
        assert status == 0, err
    return tagline


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_has_help_with_an_example_that_parses(name: str) -> None:
    """`--help` of each command shows an example, and the example is one that Tagline takes."""
    with pytest.raises(Refused) as asked:
        LEAVES[name].parse_args(["--help"])
    assert asked.value.status == 0
    _, _, example = asked.value.text.partition("example:\n")
    argv = shlex.split(example.strip().splitlines()[0].split(" > ")[0])
    assert argv[0] == "tagline"
    whole_parser().parse_args(argv[1:])


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("project create New --type multi-class --label a --folder {tmp}/nothing", 1, "does not exist"),
        ("project create New --type multi-class --label a --folder {tmp}/empty", 1, "Nothing to label"),
        ("project create New --type multi-class --label a --folder {photos}/BloodImage_00000.jpg", 1, "not a folder"),
        ("project create New --type multi-class --label a --folder {photos} --pattern 'x/**'", 1, "no folder 'x'"),
        ("project create Cells --type multi-class --label a --folder {photos}", 1, "never used again"),
        ("project create New --type multi-class --folder {photos}", 1, "at least one label"),
        ("project create New --type multi-class --label a//b --folder {photos}", 1, "empty name"),
        ("project create New --type multi-class --label a/b/c/d/e/f/g --folder {photos}", 1, "7 levels"),
        ("project create New --type multi-class --label a --label a --folder {photos}", 1, "twice"),
        ("project create New --type multi-class --label a --folder {photos} --member nobody", 1, "no user 'nobody'"),
        ("project create New --type multi-class --label a --folder {photos} --lease 0", 1, "lease"),
        ("project create New --type multi-class --label a --folder {photos} --seed 99999999999999999999", 1, "seed"),
        (
            "project create New --type multi-class --labels-file {photos}/BloodImage_00000.jpg --folder {photos}",
            1,
            "no text",
        ),
        ("project create New --type boxes --label a --folder {photos}", 2, "invalid choice"),
        ("project status Nothing", 1, "no project 'Nothing'"),
        ("project delete Cells", 1, "--yes"),
        ("project member Cells nobody", 1, "no user 'nobody'"),
        ("data import Nothing", 1, "no project 'Nothing'"),
        ("export Nothing", 1, "no project 'Nothing'"),
        ("export Cells -o {photos}/BloodImage_00000.jpg/x", 1, "cannot be written"),
        ("user add alice --key {tmp}/alice.pub", 1, "alice"),
        ("user add bob", 1, "--key or --password"),
        ("user add bob --key {tmp}/nothing.pub", 1, "cannot be read"),
        ("user add bob --key {photos}/BloodImage_00000.jpg", 1, "no text"),
        ("user add bob --key 'ssh-ed25519 AAAA'", 1, "no OpenSSH public key"),
        ("user disable nobody", 1, "no user 'nobody'"),
        ("serve --port 99999", 1, "ports go from 0 to 65535"),
        ("serve --front-ends 0", 1, "1 to 64"),
        ("nonsense", 2, "invalid choice"),
        ("project", 2, "required"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    ready: Tagline, tmp_path: Path, line: str, status: int, words: str
) -> None:
    """Each wrong call ends with a status and one sentence that says what is wrong; nothing is made or changed."""
    (tmp_path / "empty").mkdir()
    before = ready("project", "list", "--json")[1], ready("user", "list", "--json")[1]
    found, out, err = ready(*shlex.split(line.format(tmp=tmp_path, photos=PHOTOS)))
    assert (found, out) == (status, "")
    assert words in err
    assert len(err.splitlines()) == 1
    assert (ready("project", "list", "--json")[1], ready("user", "list", "--json")[1]) == before


def test_facts_can_be_read_by_machines(ready: Tagline) -> None:
    """`--json` prints JSON with the same facts as the table."""
    (project,) = json.loads(ready("project", "list", "--json")[1])
    assert (project["name"], project["items"], project["todo"]) == ("Cells", 12, 12)
    (status,) = json.loads(ready("project", "status", "Cells", "--json")[1])
    assert status["labels"] == {"red": 0, "white": 0, "white/large": 0}
    assert [user["name"] for user in json.loads(ready("user", "list", "--json")[1])] == ["alice"]
    assert len(json.loads(ready("user", "key", "alice", "--json")[1])) == 1
    assert {finding["check"] for finding in json.loads(ready("doctor", "--json")[1])} >= {"database", "sqlite", "disk"}
    assert "Cells" in ready("project", "list")[1]


def test_an_export_goes_to_a_file_or_a_pipe(ready: Tagline, tmp_path: Path) -> None:
    """The file and standard output hold the same; a broken export leaves no file behind."""
    status, said, _ = ready("export", "Cells", "--all", "-o", str(tmp_path / "labels.json"))
    assert (status, "12 images" in said) == (0, True)
    piped = json.loads(ready("export", "Cells", "--all")[1])
    assert piped["images"] == json.loads((tmp_path / "labels.json").read_bytes())["images"]
    assert not list(tmp_path.glob("*.part"))


def test_a_project_is_paused_resumed_and_deleted_for_ever(ready: Tagline) -> None:
    """The states follow the commands, and a deleted project's name is never free again."""
    for verb, state in (("pause", "paused"), ("resume", "running")):
        assert ready("project", verb, "Cells")[0] == 0
        assert json.loads(ready("project", "list", "--json")[1])[0]["state"] == state
    assert ready("project", "delete", "Cells", "--yes")[0] == 0
    assert ready("project", "list")[1] == "There is no project yet.\n"
    again = ready("project", "create", "Cells", "--type", "multi-class", "--label", "a", "--folder", str(PHOTOS))
    assert (again[0], "never used again" in again[2]) == (1, True)


def test_without_a_data_folder_the_next_step_is_said(tagline: Tagline, tmp_path: Path) -> None:
    """A wrong --data, or an empty folder, says to run init; the doctor, which needs no database, says the same."""
    assert "init" in tagline("project", "list")[2]
    assert not (tmp_path / "data").exists()
    (tmp_path / "data").mkdir()
    assert "tagline init" in tagline("project", "list")[2]
    shutil.rmtree(tmp_path / "data")
    status, out, _ = tagline("doctor", "--json")
    verdicts = {finding["check"]: finding for finding in json.loads(out)}
    assert (status, verdicts["data folder"]["verdict"]) == (1, "FAIL")
    assert "init" in verdicts["data folder"]["finding"]


def test_a_newer_database_is_refused_by_every_command(ready: Tagline, tmp_path: Path) -> None:
    """After a downgrade each command says that Tagline must be upgraded, and touches nothing."""
    import sqlite3

    with sqlite3.connect(tmp_path / "data" / "tagline.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    for line in ("project list", "init", "export Cells"):
        status, _, err = ready(*line.split())
        assert (status, "Upgrade Tagline" in err) == (1, True)
