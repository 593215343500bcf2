"""What the dashboard says of a model: its curve, and what its runs say of themselves."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from core.assist.learning import Live, Run, RunState
from core.assist.settings import AssistSettings
from core.assist.suggestions import Judged
from core.ids import ProjectId
from core.oversight.assist_status import AssistStatus
from tui.screens.manage.learning import curve_cells, learning, took

COLORS = defaultdict(lambda: "white")
POINTS = [(0.9, 0.5, 1.0), (0.2, 1.0, 0.75)]


def test_the_curve_goes_from_the_surest_answers_to_all() -> None:
    """However wide the section, its left end is the strictest threshold and its right end everything that was found."""
    points = [(0.9, 0.2, 1.0), (0.6, 0.5, 0.9), (0.2, 0.8, 0.7)]
    assert [precision for _, precision in curve_cells(points, 4)] == [1.0, 0.9, 0.7, 0.7]
    assert curve_cells(points, 8)[-1] == (0.8, 0.7)


def test_a_single_point_fills_the_section() -> None:
    """One audit image is a curve, too."""
    assert curve_cells([(0.9, 1.0, 1.0)], 3) == [(1 / 3, 1.0), (2 / 3, 1.0), (1.0, 1.0)]


def shown(width: int, *runs: Run, says: str = "") -> list[str]:
    """The section's lines."""
    found = AssistStatus(
        AssistSettings(on=True), 200, 270, {}, 0, 0, None, Live(0, 0.0), Judged(), runs, None, (), says
    )
    return learning(found, COLORS, width, 0).plain.splitlines()


def run(state: RunState, log: str, **metrics: Any) -> Run:
    """A training that took three quarters of a minute."""
    return Run(1, ProjectId(1), "train", state, "cpu", 0.8, metrics, log, 200, 0, 45_000)


@pytest.mark.parametrize("width", [40, 60, 130])
def test_the_curve_is_as_high_as_the_model_is_right(width: int) -> None:
    """All right fills four rows, half way down to a half two of them; no line is wider than the section."""
    lines = shown(width, run(RunState.ACTIVE, "", curve=POINTS))
    top = next(n for n, line in enumerate(lines) if line.startswith("precision"))
    blocks = [line.count("\N{FULL BLOCK}") for line in lines[top : top + 4]]
    assert blocks[0] == blocks[1] > 0
    assert blocks[2] == blocks[3] == pytest.approx(2 * blocks[0], abs=1)
    assert max(map(len, lines)) <= max(width, 60)


def test_a_run_says_why_it_failed_once() -> None:
    """Under its row, on as many lines as it takes; what the section says at its top is not said again."""
    failed = run(RunState.FAILED, "The weights file lite0.pth cannot be used; install it anew, then train now.\n")
    lines = shown(50, failed)
    assert "  The weights file lite0.pth cannot be used;" in "\n".join(lines)
    assert max(map(len, lines[3:])) <= 59
    again = shown(50, failed, says="The weights file lite0.pth cannot be used; install it anew, then train now.")
    assert " ".join("\n".join(again).split()).count("lite0.pth") == 1


def test_a_model_that_was_switched_off_is_not_said_to_be_shown() -> None:
    """Its curve stays, as what was shown; why it was switched off stands at the top and is not said again under its row."""
    why = "Switched off: people kept 70% of 54 suggestions, under the target of 90%."
    lines = shown(100, run(RunState.SWITCHED_OFF, f"496 prelabeled.\n{why}\n", curve=POINTS), says=why)
    assert any(line.endswith("bright: was shown") for line in lines)
    assert "  496 prelabeled." in lines
    assert "\n".join(lines).count(why) == 1
    assert any(line.endswith("bright: shown") for line in shown(100, run(RunState.ACTIVE, "", curve=POINTS)))


def test_how_long_it_took_is_short() -> None:
    """Seconds, minutes and hours fit a narrow column."""
    shortened = [took(ms) for ms in (400, 45_000, 100_000, 150_000, 10_000_000, 400_000_000)]
    assert shortened == ["0 s", "45 s", "100 s", "2 min", "3 h", "5 d"]
