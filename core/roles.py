"""Who may do what. Pure: one table, asked by core's services, the screens and the commands alike."""

from __future__ import annotations

from enum import StrEnum

from core.errors import Forbidden
from core.ids import Role


class Action(StrEnum):
    """Everything that a role can be asked for."""

    LABEL = "label items"
    SEE_PROJECT = "see the project"
    SEE_PROGRESS = "see the project's progress"
    REVIEW = "review labels"
    ASSIGN = "assign items to labelers"
    CHANGE_PROJECT = "create or change projects"
    IMPORT = "import data"
    EXPORT = "export labels"
    MANAGE_PEOPLE = "manage users"
    SEE_AUDIT = "see the log"
    OPERATE = "operate the server"


_LABELER = frozenset({Action.LABEL, Action.SEE_PROJECT})
_LEAD = _LABELER | {Action.SEE_PROGRESS, Action.REVIEW, Action.ASSIGN}
ALLOWED: dict[Role, frozenset[Action]] = {
    Role.LABELER: _LABELER,
    Role.LEAD: _LEAD,
    Role.ADMIN: frozenset(Action),
}


def allowed(role: Role, action: Action) -> bool:
    """True when the role may do it."""
    return action in ALLOWED[role]


def require(role: Role, action: Action) -> None:
    """Let the role pass, or say what it lacks.

    Raises:
        Forbidden: the role may not do it.
    """
    if not allowed(role, action):
        raise Forbidden(f"A {role} may not {action}; ask an admin.")
