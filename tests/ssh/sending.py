"""What the tests of transfers share: a project over a folder, and the system's own sftp and scp."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from core.db.database import Database
from core.ids import ProjectId, ProjectState, TaskType
from core.intake.ingest import NewItem, add_items
from core.project import projects
from core.project.projects import NewProject
from core.team.access import OPERATOR
from core.transfer.imported import Target, targets_after
from tests.ssh.client import Login
from tests.ssh.house import NOW_MS, House


async def make_project(
    db: Database, folder: Path, *, name: str = "Birds", pattern: str = "**", cap: int = 1000
) -> ProjectId:
    """A running project over a folder, with one item that was there before."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    new = NewProject(name, TaskType.MULTI_CLASS, f"local:{folder}", ("robin",), pattern, max_items=cap)
    project = await db.write(projects.create_project, new, by=None, now_ms=NOW_MS)
    await db.write(add_items, project.id, project.seed, [NewItem("old.jpg", "1", 9, (8, 8))])
    await db.write(projects.set_state, project.id, ProjectState.RUNNING, by=None, now_ms=NOW_MS)
    return project.id


async def paths(db: Database, project: ProjectId) -> dict[str, Target]:
    """The project's items."""
    return {row.path: row for row in await db.read(targets_after, OPERATOR, project, 0, 1000)}  # type: ignore[arg-type]


def photo(path: Path, size: tuple[int, int] = (40, 30)) -> Path:
    """A real picture that does not compress."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.frombytes("RGB", size, os.urandom(size[0] * size[1] * 3)).save(path)
    return path


def options(login: Login) -> list[str]:
    """What sftp and scp need to find the server."""
    found = [
        "-i",
        str(login.key),
        "-o",
        f"UserKnownHostsFile={login.known_hosts}",
        "-o",
        "StrictHostKeyChecking=accept-new",
    ]
    return ["-F", "none", "-P", str(login.port), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", *found]


async def client(program: Sequence[str], login: Login, *tail: str, say: str = "") -> tuple[int, str]:
    """Run sftp or scp; its status, and all that it says."""
    process = await asyncio.create_subprocess_exec(
        *program, *options(login), *tail,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(say.encode()), 30)
    return process.returncode or 0, out.decode(errors="replace")


async def sftp(house: House, user: str, *lines: str) -> tuple[int, str]:
    """A batch of sftp's commands."""
    login = Login(house.login.port, house.login.key.with_name(user), house.login.known_hosts)
    return await client(["sftp", "-b", "-"], login, f"{user}@127.0.0.1", say="\n".join(lines) + "\n")


async def scp(house: House, *tail: str, legacy: bool = False) -> tuple[int, str]:
    """scp as alice; `legacy` is the protocol that it had before version 9."""
    return await client(["scp", "-O"] if legacy else ["scp"], house.login, *tail)
