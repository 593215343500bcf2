"""What `status` and `metrics` say: an installation's state as facts for programs, as lines for people, and as Prometheus text. Pure."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from typing import Any

from core.background.processes import Process
from core.upkeep.installation import Installation, ProjectLine
from sshd.presence import version

ITEM_STATES = ("todo", "labeled", "skipped", "needs_review", "unreadable", "missing")
PREFIX = "tagline_"
GAUGES = {"sessions", "connections_unauthenticated", "memory_bytes", "loop_lag_worst_seconds", "output_waiting_bytes"}


def status_facts(found: Installation, *, now_ms: int) -> dict[str, Any]:
    """Everything that `status --json` prints."""
    alive = [one for one in found.processes if one.is_alive(now_ms)]
    return {
        "at_ms": now_ms,
        "versions": {"tagline": version(), "python": platform.python_version(), "schema": found.schema},
        "database": {"engine": found.dialect, "bytes": found.size_bytes, "accounts": found.accounts, "events": found.events},
        "sessions": int(sum(one.figures.get("sessions", 0) for one in alive)),
        "processes": [_process(one, now_ms) for one in found.processes],
        "workers": [
            {"name": one.name, "device": one.device, "note": one.note, "silent_s": _since(one.seen_ms, now_ms)}
            for one in found.workers
        ],
        "projects": [_project(one) for one in found.projects],
        "jobs": {kind: dict(states) for kind, states in sorted(found.jobs.items())},
    }  # fmt: skip


def _since(at_ms: int, now_ms: int) -> float:
    return round(max(0, now_ms - at_ms) / 1000, 1)


def _process(one: Process, now_ms: int) -> dict[str, Any]:
    return {
        "name": one.name, "kind": one.kind, "host": one.host, "version": one.version,
        "state": "alive" if one.is_alive(now_ms) else "silent", "silent_s": _since(one.seen_ms, now_ms),
        "up_s": _since(one.started_ms, now_ms), "figures": dict(one.figures),
    }  # fmt: skip


def _project(one: ProjectLine) -> dict[str, Any]:
    return {
        "name": one.name, "state": one.state.value, "items": one.items.total,
        **{state: getattr(one.items, state) for state in ITEM_STATES}, "in_hand": one.items.in_hand,
        "queue": {kind.name.lower(): n for kind, n in one.queue.items()},
    }  # fmt: skip


def prometheus(facts: Mapping[str, Any]) -> str:
    """The facts in Prometheus' text format."""
    lines: list[str] = []
    for name, kind, samples in _families(facts):
        lines.append(f"# TYPE {PREFIX}{name} {kind}")
        lines += [f"{PREFIX}{name}{_labels(labels)} {_number(value)}" for labels, value in samples]
    return "\n".join(lines) + "\n"


Sample = tuple[dict[str, str], float]


def _families(facts: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Sample]]]:
    database, projects = facts["database"], facts["projects"]
    yield "info", "gauge", [({**facts["versions"], "engine": database["engine"]}, 1)]
    yield "database_bytes", "gauge", [({}, database["bytes"])]
    yield "accounts", "gauge", [({}, database["accounts"])]
    yield "events_total", "counter", [({}, database["events"])]
    yield "items", "gauge", [
        ({"project": one["name"], "state": state}, one[state]) for one in projects for state in ITEM_STATES
    ]  # fmt: skip
    yield "items_in_hand", "gauge", [({"project": one["name"]}, one["in_hand"]) for one in projects]
    yield "queue_items", "gauge", [
        ({"project": one["name"], "kind": kind}, n) for one in projects for kind, n in one["queue"].items()
    ]  # fmt: skip
    yield "jobs", "gauge", [
        ({"kind": kind, "state": state}, n) for kind, states in facts["jobs"].items() for state, n in states.items()
    ]  # fmt: skip
    yield "workers", "gauge", [({}, len(facts["workers"]))]
    yield from _process_families(facts["processes"])


def _process_families(processes: list[dict[str, Any]]) -> Iterator[tuple[str, str, list[Sample]]]:
    yield "process_up", "gauge", [(_who(one), float(one["state"] == "alive")) for one in processes]
    yield "process_uptime_seconds", "gauge", [(_who(one), one["up_s"]) for one in processes]
    for name in sorted({name for one in processes for name in one["figures"]}):
        kind = "gauge" if name in GAUGES else "counter"
        samples = [(_who(one), one["figures"][name]) for one in processes if name in one["figures"]]
        yield f"process_{name}", kind, samples


def _who(one: Mapping[str, Any]) -> dict[str, str]:
    return {"process": one["name"], "kind": one["kind"], "host": one["host"], "version": one["version"]}


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{_escaped(str(value))}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
