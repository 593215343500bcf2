"""The house stands as docs/contributing.md draws it: whose modules these are, and what each room brings into memory."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("sshd", "tui", "assist", "exporters", "core", "storage")
LEARNING = {"torch", "torchvision", "onnxruntime"}
SCREEN = {"textual", "rich", "asyncssh"}

LOAD_ROOM = """
import importlib, json, pkgutil, sys
for room in sys.argv[1:]:
    package = importlib.import_module(room)
    for found in pkgutil.walk_packages(package.__path__, room + "."):
        if "migrations" not in found.name and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
LOAD_MODULES = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def loaded(script: str, *names: str) -> set[str]:
    """What a fresh interpreter holds after it has imported these."""
    command = [sys.executable, "-c", script, *names]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout))


def contract(name: str) -> dict[str, Any]:
    """One import contract of pyproject.toml."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(found for found in contracts if found["name"] == name)


@pytest.mark.parametrize("room", ROOMS)
def test_the_rooms_are_ours(room: str) -> None:
    """No installed package hides one of our folders, whose names are short and common."""
    spec = importlib.util.find_spec(room)
    assert spec is not None
    assert Path(str(spec.origin)).is_relative_to(ROOT)
    assert set(importlib.metadata.packages_distributions().get(room, ["tagline"])) == {"tagline"}


def test_what_is_installed_is_the_whole_house() -> None:
    """Who installs the package, and does not run it from its folder, misses no room of it."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {
        ".".join(init.parent.relative_to(ROOT).parts) for room in ROOMS for init in (ROOT / room).rglob("__init__.py")
    }
    assert set(listed) == found


def test_serving_never_loads_torch() -> None:
    """A front end, the janitor and every command run on a machine without PyTorch."""
    assert not loaded(LOAD_ROOM, "sshd", "tui", "exporters", "core", "storage") & LEARNING


def test_nothing_below_the_screen_loads_a_screen_or_a_socket() -> None:
    """Exporters, core and storage can be used by a script, a worker or a test without a terminal."""
    assert not loaded(LOAD_ROOM, "exporters", "core", "storage") & (SCREEN | LEARNING)


def test_the_supervisor_loads_nothing_that_can_break_its_children() -> None:
    """What restarts the others holds neither their screens nor their database."""
    assert not loaded(LOAD_MODULES, "sshd.supervisor") & {*SCREEN, *LEARNING, "sqlalchemy", "asyncpg"}


def test_the_pure_modules_load_no_database() -> None:
    """The rules of labeling run, at run time too, without a database or a datastore."""
    pure = contract("core's pure modules do no I/O")
    assert not loaded(LOAD_MODULES, *pure["source_modules"]) & {"sqlalchemy", "sqlmodel", "storage", "core.db.database"}
