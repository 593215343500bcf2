"""The key table: complete, without clashes, and the source of everything that documents keys."""

from __future__ import annotations

import inspect
from collections import Counter
from pathlib import Path

import pytest

from tui.keymap import KEYS, Scope, as_markdown, bindings, footer, keys_of
from tui.screens.base import TaglineScreen
from tui.screens.canvas.screen import CanvasScreen
from tui.screens.labeling import LabelingScreen
from tui.screens.manage.classes import ClassesScreen
from tui.screens.manage.dashboard import DashboardScreen
from tui.screens.manage.details import DetailsScreen
from tui.screens.manage.log import LogScreen
from tui.screens.manage.members import MembersScreen
from tui.screens.manage.people import PeopleScreen
from tui.screens.manage.wizard import WizardScreen
from tui.screens.projects import ProjectsScreen
from tui.screens.review.correction import CorrectionScreen
from tui.screens.review.data import DataScreen
from tui.screens.review.item import ItemScreen

SCREENS: tuple[type[TaglineScreen], ...] = (
    ProjectsScreen,
    LabelingScreen,
    CanvasScreen,
    DashboardScreen,
    DetailsScreen,
    MembersScreen,
    ClassesScreen,
    PeopleScreen,
    LogScreen,
    WizardScreen,
    DataScreen,
    ItemScreen,
    CorrectionScreen,
)


@pytest.mark.parametrize("screen", SCREENS)
def test_a_key_does_one_thing_on_a_screen(screen: type[TaglineScreen]) -> None:
    """No key is bound twice on a screen, so what the help says is what happens."""
    counts = Counter(name for key in keys_of(*screen.SCOPES) for name in key.keys)
    assert [name for name, n in counts.items() if n > 1] == []


@pytest.mark.parametrize("screen", SCREENS)
def test_every_listed_key_works(screen: type[TaglineScreen]) -> None:
    """Every key that the help of a screen lists has an action there, with or without the key's name as it is bound."""
    for key in keys_of(*screen.SCOPES):
        action = getattr(screen, f"action_{key.action}", None)
        assert callable(action), f"{screen.__name__} has no action for {key.shown}"
        wanted = [p for p in list(inspect.signature(action).parameters.values())[1:] if p.default is p.empty]
        assert len(wanted) == (1 if len(key.keys) > 1 else 0), key


def test_shared_actions_learn_which_key_it_was() -> None:
    """Digits and arrows reach one action each, which is told the key."""
    actions = {binding.key: binding.action for binding in bindings(Scope.LABELING, Scope.PAGE)}
    assert actions["3"] == "digit('3')"
    assert actions["left"] == "move('left')"


def test_the_footer_names_only_keys_of_the_table() -> None:
    """The last line of a screen says nothing that the table does not."""
    shown = {key.shown for key in KEYS}
    assert {key for key, _ in footer(KEYS)} <= shown


def test_the_documentation_holds_every_key() -> None:
    """docs/keys.md, as generated, has a row for each key."""
    page = as_markdown()
    for key in KEYS:
        assert f"| `{key.shown}` | {key.does} |" in page


def test_the_committed_page_is_the_generated_one() -> None:
    """docs/keys.md in the repository is up to date with the table."""
    committed = Path(__file__).parents[2] / "docs" / "keys.md"
    assert committed.read_text(encoding="utf-8").rstrip() == as_markdown().rstrip()
