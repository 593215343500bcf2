"""Every command by every role, and by nobody: what is not allowed is refused in one clear line."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.db.database import Database
from core.ids import Role
from core.team import people
from core.team.people import Account
from sshd.commands import build_parser, run_command
from tests.builders import NOW_MS, make_account, make_world
from tests.conftest import Run
from tests.janitor import janitor

# Who may: a(dmin), l(ead of the project), w(orker: its labeler). A stranger, who is a lead elsewhere, may none of these.
MATRIX = {
    "project list": ("alws", "project list"),
    "project status": ("alw", "project status Birds"),
    "project create": ("", "project create New --type multi-class --folder /tmp --label a"),
    "project pause": ("a", "project pause Birds"),
    "project resume": ("a", "project resume Birds"),
    "project delete": ("a", "project delete Doomed --yes"),
    "project member": ("a", "project member Birds stranger --role labeler --remove"),
    "project set": ("a", "project set Birds"),
    "project refresh": ("a", "project refresh Birds"),
    "project members": ("al", "project members Birds"),
    "project archive": ("a", "project archive Birds"),
    "project restore": ("a", "project restore /tmp/no-such.zip"),
    "label list": ("alw", "label list Birds"),
    "label add": ("a", "label add Birds jay --then continue"),
    "label rename": ("a", "label rename Birds robin robin"),
    "label merge": ("a", "label merge Birds robin wren"),
    "label recolor": ("a", "label recolor Birds wren #ffffff"),
    "label move": ("a", "label move Birds wren 1"),
    "label retire": ("a", "label retire Birds Owl"),
    "review list": ("al", "review list Birds"),
    "review show": ("al", "review show Birds 00000.jpg"),
    "review approve": ("al", "review approve Birds 00000.jpg"),
    "review reject": ("al", "review reject Birds 00000.jpg --comment no"),
    "review correct": ("al", "review correct Birds 00000.jpg --label wren"),
    "review resolve": ("al", "review resolve Birds 00000.jpg --label wren"),
    "assign": ("al", "assign Birds --nobody"),
    "gold add": ("al", "gold add Birds 00001.jpg --label wren"),
    "gold remove": ("al", "gold remove Birds 00001.jpg"),
    "gold report": ("al", "gold report Birds"),
    "agreement": ("al", "agreement Birds"),
    "assist status": ("al", "assist status Birds"),
    "assist train": ("a", "assist train Birds"),
    "assist cancel": ("a", "assist cancel Birds"),
    "assist on": ("a", "assist on Birds --first 50"),
    "assist off": ("a", "assist off Birds"),
    "dashboard": ("al", "dashboard Birds"),
    "report": ("al", "report Birds"),
    "audit": ("a", "audit"),
    "data import": ("a", "data import Birds"),
    "data labels": ("a", "data labels Birds /tmp/labels.json"),
    "export": ("a", "export Birds"),
    "user list": ("a", "user list"),
    "user add": ("a", "user add new"),
    "user role": ("a", "user role stranger lead"),
    "user disable": ("a", "user disable stranger"),
    "user enable": ("a", "user enable stranger"),
    "user key": ("a", "user key stranger"),
    "user password": ("a", "user password stranger --remove"),
    "doctor": ("a", "doctor"),
    "status": ("a", "status"),
    "metrics": ("a", "metrics"),
}
REFUSED = ("may not", "not given to you", "disabled")


def verbs(parser: argparse.ArgumentParser, before: str = "") -> Iterator[str]:
    """The words of every command there is."""
    nested = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not nested:
        yield before.strip()
    for action in nested:
        for name, child in action.choices.items():
            yield from verbs(child, f"{before} {name}")


def test_the_matrix_knows_every_command() -> None:
    """A command that nobody thought about is not in the table, and fails here; each shows an example in its help."""
    there = set(verbs(build_parser("tagline")))
    assert set(MATRIX) <= there
    assert not {
        name for name in there - set(MATRIX) if name.split()[0] in {"label", "review", "gold", "user", "assign"}
    }


async def people_of(db: Database, folder: Path) -> dict[str, Account]:
    """One account a letter of the matrix, and one that is shut out."""
    world = await make_world(db, items=3, datastore=f"local:{folder}")
    found = {
        "a": await make_account(db, "boss", Role.ADMIN),
        "l": await make_account(db, "lead", Role.LEAD),
        "w": world.labelers[0],
        "s": await make_account(db, "stranger", Role.LEAD),
    }
    await db.write(people.add_member, world.project, found["l"].id, Role.LEAD, by=None, now_ms=NOW_MS)
    return found


async def call(db: Database, account: Account, line: str) -> tuple[int, str]:
    """Run a command as an account; its status and what it complained of."""
    complaints: list[bytes] = []

    async def quiet(data: bytes) -> None:
        return None

    async def complain(data: bytes) -> None:
        complaints.append(data)

    status = await run_command(line.split(), account, db, quiet, complain)
    return status, b"".join(complaints).decode()


def test_every_command_by_every_role(run_sqlite: Run, tmp_path: Path) -> None:
    """Who may not is refused in one line that says so; who may is never refused for the role."""

    async def body(db: Database) -> None:
        who = await people_of(db, tmp_path)
        for name, (allowed, line) in MATRIX.items():
            for letter, account in who.items():
                async with janitor(db):
                    status, text = await call(db, account, line)
                refused = any(word in text for word in REFUSED)
                if letter in allowed:
                    assert not refused, (name, letter, text)
                elif name != "project create":
                    assert refused, (name, letter, status, text)
                    assert status == 1
                    assert text.count("\n") == 1
                else:
                    assert status == 1, (name, letter)

    run_sqlite(body)


def test_a_disabled_account_can_do_nothing(run_sqlite: Run, tmp_path: Path) -> None:
    """Whoever is shut out while a connection is still open is refused by each command that touches a project."""

    async def body(db: Database) -> None:
        who = await people_of(db, tmp_path)
        lead = who["l"]
        await db.write(people.set_disabled, lead.id, True, by=None, now_ms=NOW_MS)
        for name, (allowed, line) in MATRIX.items():
            if "l" in allowed and name != "project list":
                status, text = await call(db, lead, line)
                assert status == 1, name
                assert "disabled" in text, (name, text)

    run_sqlite(body)


@pytest.mark.parametrize("line", ["label list Birds --json", "dashboard Birds --json", "review list Birds --json"])
def test_facts_for_programs(run_sqlite: Run, tmp_path: Path, line: str) -> None:
    """What `--json` prints is JSON."""
    import orjson

    async def body(db: Database) -> None:
        who = await people_of(db, tmp_path)
        out: list[bytes] = []

        async def keep(data: bytes) -> None:
            out.append(data)

        assert await run_command(line.split(), who["l"], db, keep, keep) == 0
        assert orjson.loads(b"".join(out))

    run_sqlite(body)
