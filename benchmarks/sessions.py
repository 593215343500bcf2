"""What a session costs and how quickly it answers: 1, 20 and 50 sessions in one front-end process, over real SSH.

Times are taken inside the server (`benchmarks.rig.watched_front_end`): from the key's bytes to the first byte handed to the
channel, and from the submitting key to the last byte of the next page's pictures. The peer is textual-image's widget in a
stock Textual grid: the same page of photos rendered by it in this process, key handling left out.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import psutil
from PIL import Image
from textual_image._sixel import SixelOptions, image_to_sixels

from benchmarks.rig.databases import opened
from benchmarks.rig.report import latencies_ms
from benchmarks.rig.team import LABELS, Team, Typist, connected, free_port, make_team
from benchmarks.rig.watched_front_end import NOTES
from sshd.config import Config, load_config
from sshd.demo import PHOTOS
from sshd.life import Job
from sshd.supervisor import Supervisor
from tests.ssh.client import FOOT, KITTY, Profile

COUNTS = (1, 20, 50)
SIZE_CELLS = (120, 32)
ARROWS = (b"\x1b[C", b"\x1b[D", b"\x1b[B", b"\x1b[A")
KEY_EVERY_S = 0.5
SUBMITS = 12
NEXT_MS, KEY_P99_MS, SESSION_MB = 30, 50, 10
QUIET_S = 0.8
KEYS_IN = ("key", "enter")
FRONT_END = "watched front end"
Note = tuple[str, float, str, int]


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Figures a number of sessions, and of submitting."""
    found: dict[str, Any] = {}
    for count in COUNTS:
        found[f"{count} sessions"] = asyncio.run(_typing(count, args.seconds))
    found["submit to next picture, kitty"] = asyncio.run(_submitting(KITTY))
    found["submit to next picture, sixel"] = asyncio.run(_submitting(FOOT))
    found["the same page by textual-image's sixel encoder (peer)"] = _peer()
    more = found[f"{COUNTS[1]} sessions"]
    met = {
        f"key to bytes p99 under {KEY_P99_MS} ms at 20": more["key to bytes"]["p99_ms"] < KEY_P99_MS,
        f"under {SESSION_MB} MB a session": more["MB a session beyond the first"] < SESSION_MB,
        f"submit to next picture p50 under {NEXT_MS} ms": all(
            found[f"submit to next picture, {way}"]["p50_ms"] < NEXT_MS for way in ("kitty", "sixel")
        ),
    }
    return {"size_cells": SIZE_CELLS, **found, "met": met}


@asynccontextmanager
async def watched(folder: Path, team_size: int, items: int, *beside: Job) -> Any:
    """One watched front end under a supervisor, with other processes beside it, and its team."""
    config = load_config(folder, {})
    config = replace(config, host="127.0.0.1", port=free_port(), front_ends=1, log_level="ERROR")
    async with opened(config.database_url) as db:
        team = await make_team(db, folder, labelers=team_size, items=items)
        supervisor = Supervisor(config, [Job(FRONT_END, "benchmarks.rig.watched_front_end"), *beside])
        ready = asyncio.Event()
        serving = asyncio.create_task(supervisor.run(lambda _port: ready.set()))
        try:
            await ready.wait()
            yield config, team, supervisor
        finally:
            supervisor.stop()
            await serving


async def _typing(count: int, seconds: float) -> dict[str, Any]:
    """So many labelers who press a key twice a second."""
    with TemporaryDirectory(prefix="tagline-sessions-") as name:
        folder = Path(name)
        async with watched(folder, count, count * 12) as (config, team, supervisor), AsyncExitStack() as stack:
            process = psutil.Process(supervisor.children[FRONT_END].process.pid)
            typists: list[Typist] = []
            first_mb = 0.0
            for user in team.keys:
                typists.append(await seated(stack, config, team, user, KITTY))
                if len(typists) == 1:
                    await asyncio.sleep(QUIET_S)
                    first_mb = memory_mb(process)
            await asyncio.sleep(QUIET_S)
            each_mb = (memory_mb(process) - first_mb) / max(1, count - 1)
            cpu_s, began = cpu_seconds(process), time.perf_counter()
            await asyncio.gather(*(press(typist, seconds, number) for number, typist in enumerate(typists)))
            cpu_s, took = cpu_seconds(process) - cpu_s, time.perf_counter() - began
        notes = notes_of(folder)
    answers, sizes = answers_to_keys(notes)
    return {
        "key to bytes": latencies_ms(answers),
        "bytes a key, median": sorted(sizes)[len(sizes) // 2] if sizes else 0,
        "MB a session beyond the first": round(each_mb, 2) if count > 1 else 0.0,
        "CPU ms a key": round(1000 * cpu_s / max(1, len(answers)), 2),
        "CPU of one core": round(cpu_s / took, 2),
    }


async def seated(stack: AsyncExitStack, config: Config, team: Team, user: str, profile: Profile) -> Typist:
    """A labeler at work on a first page."""
    session = connected(config.port, user, team.keys[user], size_cells=SIZE_CELLS, profile=profile, pixels=(1200, 640))
    typist, _ = await stack.enter_async_context(session)
    await typist.until(lambda text: "labeled" in text)
    typist.send(b"\r")
    await typist.until(lambda text: "saved" in text and ".jpg" in text)
    return typist


async def press(typist: Typist, seconds: float, number: int) -> None:
    rng = random.Random(number)
    await asyncio.sleep(rng.random() * KEY_EVERY_S)
    until = time.perf_counter() + seconds
    turn = number
    while time.perf_counter() < until:
        typist.send(key_of(turn))
        turn += 1
        await asyncio.sleep(KEY_EVERY_S * rng.uniform(0.9, 1.1))


def key_of(turn: int) -> bytes:
    """An arrow, then a label that the image under it does not have yet: each key changes what is seen."""
    step, is_label = divmod(turn, 2)
    return str((step % 4 + step // 4) % len(LABELS) + 1).encode() if is_label else ARROWS[step % 4]


async def _submitting(profile: Profile) -> dict[str, Any]:
    """One labeler who labels a page and submits it, again and again; the next page had time to be prepared."""
    with TemporaryDirectory(prefix="tagline-sessions-") as name:
        folder = Path(name)
        async with watched(folder, 1, 4 * (SUBMITS + 4)) as (config, team, _), AsyncExitStack() as stack:
            typist = await seated(stack, config, team, "labeler0", profile)
            for _ in range(SUBMITS):
                await asyncio.sleep(QUIET_S)
                typist.send(b"a1")
                await asyncio.sleep(QUIET_S)
                typist.send(b"\r")
            await asyncio.sleep(QUIET_S * 2)
        notes = notes_of(folder)
    times, sizes = last_pictures(notes)
    return latencies_ms(times[2:]) | {"picture_bytes": sorted(sizes)[len(sizes) // 2] if sizes else 0}


def notes_of(folder: Path) -> list[Note]:
    """What the watched front ends noted; it is there once they have ended."""
    return [tuple(orjson.loads(line)) for path in folder.glob(f"*.{NOTES}") for line in path.read_bytes().splitlines()]


def by_user(notes: Sequence[Note]) -> Iterator[list[tuple[float, str, int]]]:
    users: dict[str, list[tuple[float, str, int]]] = {}
    for user, at_s, what, size in notes:
        users.setdefault(user, []).append((at_s, what, size))
    yield from users.values()


def answers_to_keys(notes: Sequence[Note]) -> tuple[list[float], list[int]]:
    """For each key press after a session's first: seconds to the first bytes out, and bytes until the next key."""
    times, sizes = [], []
    for rows in by_user(notes):
        keys = [n for n, row in enumerate(rows) if row[1] in KEYS_IN][1:]
        for start, end in zip(keys, [*keys[1:], len(rows)], strict=True):
            if out := [row for row in rows[start + 1 : end] if row[1] not in KEYS_IN]:
                times.append(out[0][0] - rows[start][0])
                sizes.append(sum(row[2] for row in out))
    return times, sizes


def last_pictures(notes: Sequence[Note]) -> tuple[list[float], list[int]]:
    """For each Enter on a labeled page: seconds to the last byte of pictures before the next key, and how many bytes."""
    times, sizes = [], []
    for rows in by_user(notes):
        keys = [n for n, row in enumerate(rows) if row[1] in KEYS_IN]
        for start, end in zip(keys, [*keys[1:], len(rows)], strict=True):
            pictures = [row for row in rows[start + 1 : end] if row[1] == "picture"]
            if rows[start][1] == "enter" and pictures:
                times.append(pictures[-1][0] - rows[start][0])
                sizes.append(sum(row[2] for row in pictures))
    return times, sizes


def _peer() -> dict[str, Any]:
    """Four photos, each fitted into a quarter of the page, through textual-image's sixel encoder."""
    photos = [Image.open(path).convert("RGB") for path in sorted((PHOTOS / "signs").glob("*.jpg"))[:4]]
    times = []
    for _ in range(5):
        began = time.perf_counter()
        for photo in photos:
            image_to_sixels(photo.resize((280, 280), Image.Resampling.LANCZOS), SixelOptions())
        times.append(time.perf_counter() - began)
    return latencies_ms(times)


def memory_mb(process: psutil.Process) -> float:
    return float(process.memory_full_info().uss) / 2**20


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
