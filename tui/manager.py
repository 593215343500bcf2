"""The door of leads and admins to core: insight, settings, labels, people, the log. Core asks for the role each time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core import agreement, assigning, dashboard, items, people, projects, refresh, settings
from core.access import if_allowed
from core.agreement import Agreement
from core.assigning import Todo
from core.dashboard import Dashboard
from core.ids import AccountId, ProjectId, ProjectState, Role
from core.labels import LabelSet
from core.people import Account
from core.projects import Project
from core.refresh import Found
from core.roles import Action
from core.settings import Settings
from storage import open_store
from tui.desk import Desk

AGREEMENT_ITEMS = 1000


@dataclass(frozen=True)
class Insight:
    """One look at a project: as it stands, its figures, and its labels with retired ones that answers still have."""

    project: Project
    figures: Dashboard
    labels: LabelSet


@dataclass(frozen=True)
class Details:
    """What a project is and how it is set up; `refreshed` is when new files were last looked for, and what that found."""

    project: Project
    settings: Settings
    members: tuple[tuple[Account, Role], ...]
    labels: LabelSet
    refreshed: tuple[int | None, Found | None]


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

    async def details(self, project: ProjectId) -> Details:
        """All of the details page."""
        return Details(
            await self._db.read(projects.project_by_id, project),
            await self._db.read(
                if_allowed, self.account, Action.CHANGE_PROJECT, project, settings.settings_of, project
            ),
            await self._db.read(people.members_of, project),
            LabelSet(await self._db.read(projects.label_classes, project)),
            await self._db.read(refresh.last_refresh, project),
        )

    async def change(self, project: ProjectId, changes: Mapping[str, Any]) -> Settings:
        """Change settings by name. Raises BadInput, Stale."""
        return await self._db.write(settings.change_settings, self.account, project, changes, now_ms=self.now_ms())

    async def refresh(self, project: Project) -> Found:
        """Look for new and missing files now. Raises BadInput, StorageError."""
        store = await asyncio.to_thread(open_store, project.datastore)
        return await refresh.refresh(self._db, self.account, project.id, store, now_ms=self.now_ms)

    async def members(self, project: ProjectId) -> tuple[tuple[Account, Role], ...]:
        """Who is in a project, by name."""
        return await self._db.read(if_allowed, self.account, Action.SEE_PROGRESS, project, people.members_of, project)

    async def accounts(self) -> tuple[Account, ...]:
        """Everybody, by name."""
        return await self._db.read(if_allowed, self.account, Action.MANAGE_PEOPLE, None, people.list_accounts)

    async def add_member(self, project: ProjectId, account: AccountId, role: Role) -> None:
        """Give an account a project, or another role in it."""
        await self._db.write(
            if_allowed, self.account, Action.MANAGE_PEOPLE, project,
            people.add_member, project, account, role, by=self.account.id, now_ms=self.now_ms(),
        )  # fmt: skip

    async def remove_member(self, project: ProjectId, account: AccountId) -> None:
        """Take a project from an account; what it submitted stays."""
        await self._db.write(
            if_allowed, self.account, Action.MANAGE_PEOPLE, project,
            people.remove_member, project, account, by=self.account.id, now_ms=self.now_ms(),
        )  # fmt: skip

    async def assign(self, project: ProjectId, which: Todo, to: Sequence[Account]) -> int:
        """Give items still to do to labelers, dealt out; to nobody, back to everybody. Returns how many."""
        return await self._db.write(assigning.assign, self.account, project, which, to, now_ms=self.now_ms())
