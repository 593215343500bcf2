"""The door of leads and admins to core: insight, settings, labels, people, the log. Core asks for the role each time."""

from __future__ import annotations

from dataclasses import dataclass

from core import agreement, dashboard, items, projects
from core.access import if_allowed
from core.agreement import Agreement
from core.dashboard import Dashboard
from core.ids import ProjectId, ProjectState
from core.labels import LabelSet
from core.projects import Project
from core.roles import Action
from tui.desk import Desk

AGREEMENT_ITEMS = 1000


@dataclass(frozen=True)
class Insight:
    """One look at a project: as it stands, its figures, and its labels with retired ones that answers still have."""

    project: Project
    figures: Dashboard
    labels: LabelSet


class Manager:
    """What one account may see and change beyond labeling. Every method raises Forbidden where the role does not allow it."""

    def __init__(self, desk: Desk) -> None:
        self.account = desk.account
        self.now_ms = desk.now_ms
        self._db = desk._db

    async def insight(self, project: ProjectId) -> Insight:
        """Everything that the dashboard shows, in constant time."""
        figures = await self._db.read(dashboard.dashboard, self.account, project, now_ms=self.now_ms())
        found = await self._db.read(projects.project_by_id, project)
        return Insight(found, figures, LabelSet(await self._db.read(items.labels_in_use, project)))

    async def agreement(self, project: ProjectId) -> Agreement:
        """How far labelers agree on the newest items that several of them answered."""
        return await self._db.read(agreement.agreement, self.account, project, newest=AGREEMENT_ITEMS)

    async def set_state(self, project: ProjectId, state: ProjectState) -> Project:
        """Pause, resume or delete a project. Raises BadInput where its life has no such step."""
        return await self._db.write(
            if_allowed, self.account, Action.CHANGE_PROJECT, project,
            projects.set_state, project, state, by=self.account.id, now_ms=self.now_ms(),
        )  # fmt: skip
