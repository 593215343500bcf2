"""`tagline demo`: two small projects of real photos, users, a server on this machine, and a session in it at once."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import asyncssh

from core.db.database import Database, open_database
from core.errors import NotFound, TaglineError
from core.ids import ProjectState, Role, TaskType
from core.project import projects
from core.project.projects import NewProject
from core.team import people
from core.team.people import Account
from sshd.commands.context import Context
from sshd.commands.project import give, load
from sshd.commands.user import read_key
from sshd.config import Config
from sshd.installation import install

PHOTOS = Path(__file__).parent / "photos"
DATA_DIR = "demo-data"
HOST = "127.0.0.1"
START_S = 60.0
END_S = 20.0
USERS = {"alice": Role.LABELER, "bob": Role.LABELER, "lead": Role.LEAD, "admin": Role.ADMIN}
SIGNS = """# Hand signs

Each photo shows a hand that signs a digit from 1 to 9 in Turkish sign language. Press that digit.

- From 1 to 5, count the fingers.
- From 6 to 9, the thumb touches a finger: the little one is 6, the ring finger 7, the middle finger 8, the index finger 9.

A photo that you cannot read: press `s` to set it aside.
"""
CELLS = """# Blood cells

What is in the picture? An image may have several labels; a second press of the same key takes one away.

1. **red cell** is pale and round, mostly many of them.
2. **white cell** is large and stained violet.
3. **platelet** is small, violet, and lies alone.
"""
BOXES = """# Cells in boxes

Draw a box around every cell. `r` takes the rectangle: two letters point at a corner, a third goes finer, arrows nudge,
`Space` puts the corner down. A digit says what is in the box.
"""
PROJECTS = (
    NewProject(
        "Hand signs", TaskType.MULTI_CLASS, f"local:{PHOTOS / 'signs'}",
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"), instructions=SIGNS,
    ),
    NewProject(
        "Blood cells", TaskType.MULTI_LABEL, f"local:{PHOTOS / 'cells'}",
        ("red cell", "white cell", "platelet"), instructions=CELLS,
    ),
    NewProject(
        "Cells in boxes", TaskType.OBJECT_DETECTION, f"local:{PHOTOS / 'cells'}",
        ("red cell", "white cell", "platelet"), instructions=BOXES,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class DemoServer:
    """A running server of the demo: its process, and the port that it answers on."""

    process: subprocess.Popen[bytes]
    port: int


def demo(config: Config) -> int:
    """Make what is missing, serve it on loopback, and open a session where there is a terminal and an ssh."""
    config = replace(config, host=HOST, port=free_port(config.port), front_ends=1)
    print("Preparing the demo …", flush=True)
    asyncio.run(prepare(config))
    return attend(config, start(config))


def attend(config: Config, server: DemoServer) -> int:
    """Stay for as long as somebody is there: a terminal that is closed ends the server, as Ctrl+C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        return converse(config, server)
    except KeyboardInterrupt:
        return 0
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # one of them may follow the other
        end(server)


async def prepare(config: Config) -> None:
    """The data folder with its users and projects; what is there already stays as it is."""
    await install(config)
    write_known_hosts(config)
    db = await open_database(config.database_url)
    try:
        context = Context(db, None, _to_stdout, _to_stdout)
        accounts = [await _account(context, config, name, role) for name, role in USERS.items()]
        for new in PROJECTS:
            await _project(context, new, [account for account in accounts if account.role is not Role.ADMIN])
    finally:
        await db.close()


async def _account(context: Context, config: Config, name: str, role: Role) -> Account:
    try:
        return await context.db.read(people.account_by_name, name)
    except NotFound:
        key = read_key(str(_make_key(key_path(config, name))), may_open=True)
    return await context.db.write(people.add_account, name, role, keys=[key], by=None, now_ms=context.now_ms)


async def _project(context: Context, new: NewProject, members: list[Account]) -> None:
    project = await _find(context.db, new.name)
    if project is None:
        project = await context.db.write(projects.create_project, new, by=None, now_ms=context.now_ms)
        await give(context, project, members)
    if project.state is ProjectState.INITIALIZING:  # made just now, or by a demo that was cut off here
        await load(context, project)


async def _find(db: Database, name: str) -> projects.Project | None:
    try:
        return await db.read(projects.get_project, name)
    except NotFound:
        return None


def key_path(config: Config, name: str) -> Path:
    """Where the demo keeps a user's private key."""
    return config.data_dir / "keys" / name


def _make_key(path: Path) -> Path:
    """An ed25519 pair; returns the public half's path."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    key = asyncssh.generate_private_key("ssh-ed25519", comment=f"{path.name}@tagline-demo")
    public = path.with_name(path.name + ".pub")
    key.write_public_key(public)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(key.export_private_key())
    return public


def write_known_hosts(config: Config) -> None:
    """Let the demo's ssh know the host key, so that it asks nothing."""
    public = asyncssh.read_private_key(config.host_key_path).export_public_key().decode().strip()
    (config.data_dir / "known_hosts").write_text(f"[{HOST}]:{config.port} {public}\n", encoding="ascii")


def free_port(wanted: int) -> int:
    """The wanted port, or any other when something else has it."""
    for port in (wanted, 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((HOST, port))
            except OSError:
                continue
            return int(trial.getsockname()[1])
    raise TaglineError("No port of this machine is free for the demo.")


def start(config: Config) -> DemoServer:
    """Start the server and wait until it answers. Raises TaglineError when it does not."""
    log = config.data_dir / "server.log"
    command = [sys.executable, "-m", "sshd", "--data", str(config.data_dir), "serve"]
    command += ["--host", HOST, "--port", str(config.port), "--front-ends", str(config.front_ends)]
    with log.open("ab") as file:
        # A session of its own: Ctrl+C in the terminal is the user's, and must not stop the server under them.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
            env={"TAGLINE_SOURCES": str(PHOTOS), **os.environ},
        )  # fmt: skip
    server = DemoServer(process, config.port)
    until = time.monotonic() + START_S
    while not _answers(config.port):
        if process.poll() is not None or time.monotonic() > until:
            end(server)
            raise TaglineError(f"The demo's server did not start; {log} says why.")
        time.sleep(0.05)
    return server


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def end(server: DemoServer) -> None:
    """Stop the server; sessions save their work first."""
    if server.process.poll() is None:
        server.process.send_signal(signal.SIGTERM)
        try:
            server.process.wait(END_S)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()


def ssh_command(config: Config, port: int, name: str) -> list[str]:
    """What connects as one of the demo's users."""
    known = config.data_dir / "known_hosts"
    options = ["-o", "IdentitiesOnly=yes", "-o", f'UserKnownHostsFile="{known}"']
    return ["ssh", "-p", str(port), "-i", str(key_path(config, name)), *options, f"{name}@{HOST}"]


def converse(config: Config, server: DemoServer) -> int:
    """A session as alice where there is a terminal; else the command to connect, until Ctrl+C."""
    admin = shlex.join(ssh_command(config, server.port, "admin"))
    if sys.stdin.isatty() and sys.stdout.isatty() and shutil.which("ssh"):
        subprocess.run(ssh_command(config, server.port, "alice"), check=False)
        print("The demo's server has stopped; `make demo` goes on where you left. To see the labels as COCO meanwhile:")
        print(f"  {sys.executable} -m sshd --data {config.data_dir} export 'Hand signs' --format coco")
        return 0
    print(f"Ready. Connect with:\n  {shlex.join(ssh_command(config, server.port, 'alice'))}")
    print("  (bob and lead have keys too)\nThe admin's page, and the labels as COCO:")
    print(f"  {admin}\n  {admin} export '\"Hand signs\"' --format coco > labels.json\nCtrl+C ends it.", flush=True)
    return _stay(server)


def _stay(server: DemoServer) -> int:
    status = server.process.wait()
    raise TaglineError(f"The demo's server has ended with status {status}; its log says why.")


async def _to_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
