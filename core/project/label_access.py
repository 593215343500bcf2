"""Who may change a project's label classes, when, and how the log learns of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from core.errors import BadInput
from core.ids import ProjectId, ProjectState
from core.project.projects import project_by_id
from core.roles import Action
from core.team import audit
from core.team.access import actor, require_in
from core.team.audit import Happening
from core.team.people import Account


def require_paused(conn: Connection, by: Account, project: ProjectId) -> None:
    """Raises Forbidden for who may not change classes, and BadInput while the project runs."""
    require_in(conn, project, by, Action.CHANGE_PROJECT)
    if project_by_id(conn, project).state is ProjectState.RUNNING:
        raise BadInput("Pause the project first, so that nobody labels while its classes change.")


def record(conn: Connection, by: Account, project: ProjectId, what: str, body: dict[str, Any], now_ms: int) -> None:
    """Into the log, under whoever changed them."""
    audit.record(conn, [Happening(what, actor(by), project, body=body)], now_ms=now_ms)
