"""The door of leads and admins to core: insight, settings, labels, people, the log. Core asks for the role each time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.background import jobs
from core.background.jobs import Job, JobState
from core.counts import progress
from core.errors import BadInput, Forbidden, TaglineError
from core.ids import AccountId, LabelId, ProjectId, ProjectState, Role
from core.intake import imports, refresh
from core.intake.refresh import Found
from core.labeling import assigning
from core.labeling.assigning import Todo
from core.labels import LabelClass, LabelSet
from core.oversight import agreement, assist_status, dashboard
from core.oversight.agreement import Agreement
from core.oversight.assist_status import AssistStatus
from core.oversight.dashboard import Dashboard
from core.project import label_changes, label_merging, projects, settings
from core.project.label_changes import Afterwards
from core.project.projects import NewProject, Project
from core.project.settings import Settings
from core.roles import Action
from core.team import people
from core.team.access import if_allowed, require_anywhere
from core.team.people import Account
from core.transfer import items
from exporters import datastore
from storage import open_store
from storage.survey import Survey, is_within, survey
from storage.waiting import waited
from tui.desk import Desk

AGREEMENT_ITEMS = 200
POLL_S = 0.2


@dataclass(frozen=True)
class Insight:
    """One look at a project: as it stands, its figures, and its labels with retired ones that answers still have."""

    project: Project
    figures: Dashboard
    labels: LabelSet


@dataclass(frozen=True)
class Details:
    """What a project is and how it is set up.

    Attributes:
        refreshed: when new files were last looked for, and what that found.
        exports: background exports, newest first.
    """

    project: Project
    settings: Settings
    members: tuple[tuple[Account, Role], ...]
    labels: LabelSet
    refreshed: tuple[int | None, Found | None]
    exports: tuple[Job, ...]


@dataclass(frozen=True)
class Classes:
    """A project's label classes: those that can be chosen, the retired ones that answers still have, and how many have each."""

    project: Project
    labels: LabelSet
    retired: tuple[LabelClass, ...]
    uses: Mapping[LabelId, int]
    answered: int


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

    async def learning(self, project: ProjectId) -> AssistStatus:
        """What the learning worker does for a project and what came of it."""
        return await self._db.read(assist_status.assist_status, self.account, project, now_ms=self.now_ms())

    async def train(self, project: ProjectId) -> bool:
        """Ask for a training now; False where one waits or runs already. Raises BadInput."""
        return await self._db.write(assist_status.train_now, self.account, project, now_ms=self.now_ms())

    async def stop_learning(self, project: ProjectId) -> int:
        """Stop what the worker does for a project; returns how many jobs there were."""
        return await self._db.write(assist_status.cancel, self.account, project, now_ms=self.now_ms())

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
            await self._db.read(datastore.export_jobs, self.account, project),
        )

    async def export(self, project: Project, format: str, *, all_items: bool) -> bool:
        """Have labels written into the datastore in the background; False where that is being done already."""
        asked = await self._db.write(
            datastore.ask_export, self.account, project, format, all_items=all_items, now_ms=self.now_ms()
        )
        return asked is not None

    async def change(self, project: ProjectId, changes: Mapping[str, Any]) -> Settings:
        """Change settings by name. Raises BadInput, Stale."""
        return await self._db.write(settings.change_settings, self.account, project, changes, now_ms=self.now_ms())

    async def refresh(self, project: Project) -> Found:
        """Have the server's worker look for new and missing files now, and wait for it. Raises BadInput."""
        number = await self._db.write(imports.ask_refresh, self.account, project.id, now_ms=self.now_ms())
        while (job := await self._db.read(jobs.find, number)) is not None and job.is_unfinished:  # noqa: ASYNC110 - it is done in another process
            await asyncio.sleep(POLL_S)
        _, found = await self._db.read(refresh.last_refresh, project.id)
        if job is None or job.state is not JobState.DONE or found is None:
            raise BadInput(job.error if job and job.error else "The look for new files was cancelled.")
        return found

    async def members(self, project: ProjectId) -> tuple[tuple[Account, Role], ...]:
        """Who is in a project, by name."""
        return await self._db.read(if_allowed, self.account, Action.SEE_PROGRESS, project, people.members_of, project)

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

    async def classes(self, project: ProjectId) -> Classes:
        """All of the page of label classes."""
        here = await self._db.read(
            if_allowed, self.account, Action.CHANGE_PROJECT, project, projects.project_by_id, project
        )
        everything = await self._db.read(items.labels_in_use, project)
        labels = LabelSet(await self._db.read(projects.label_classes, project))
        uses = await self._db.read(progress.label_counts, project)
        done = await self._db.read(progress.project_progress, project)
        retired = tuple(label for label in everything if label.id not in labels)
        return Classes(here, labels, retired, uses, done.labeled + done.skipped + done.needs_review)

    async def add_label(self, project: ProjectId, path: str, then: Afterwards) -> int:
        """Add a class to a paused project; returns how many images are to do again. Raises BadInput."""
        now_ms = self.now_ms()
        return await self._db.write(label_changes.add_labels, self.account, project, [path], then, now_ms=now_ms)

    async def rename_label(self, project: ProjectId, path: str, name: str) -> LabelClass:
        """Give a class another name. Raises BadInput."""
        now_ms = self.now_ms()
        return await self._db.write(label_changes.rename_label, self.account, project, path, name, now_ms=now_ms)

    async def recolor_label(self, project: ProjectId, path: str, color: str) -> None:
        """Give a class another colour. Raises BadInput."""
        now_ms = self.now_ms()
        await self._db.write(label_changes.recolor_label, self.account, project, path, color, now_ms=now_ms)

    async def move_label(self, project: ProjectId, path: str, position: int) -> None:
        """Put a class at a place of the order, from 1. Raises BadInput."""
        now_ms = self.now_ms()
        await self._db.write(label_changes.move_label, self.account, project, path, position, now_ms=now_ms)

    async def retire_label(self, project: ProjectId, path: str) -> int:
        """Take a class and those below it out of the choice; returns how many. Raises BadInput."""
        now_ms = self.now_ms()
        return await self._db.write(label_changes.retire_label, self.account, project, path, now_ms=now_ms)

    async def merge_labels(self, project: ProjectId, path: str, into: str) -> int:
        """Make one class of two in a paused project; returns how many images had it. Raises BadInput."""
        now_ms = self.now_ms()
        return await self._db.write(label_merging.merge_labels, self.account, project, path, into, now_ms=now_ms)

    async def name_problem(self, name: str) -> str:
        """Why a new project cannot have this name, or nothing."""
        try:
            await self._db.read(if_allowed, self.account, Action.CHANGE_PROJECT, None, projects.refuse_taken_name, name)
        except TaglineError as error:
            return str(error)
        return ""

    async def survey(self, url: str, pattern: str, sources: Sequence[str]) -> Survey:
        """A first look at a datastore below one of the sources. Raises Forbidden for any other, StorageError."""
        await self._db.read(require_anywhere, self.account, Action.CHANGE_PROJECT)
        await waited(partial(_require_source, url, sources))
        return await waited(lambda: survey(open_store(url), pattern))

    async def make_project(
        self, new: NewProject, changes: Mapping[str, Any], members: Sequence[Account], sources: Sequence[str]
    ) -> Project:
        """Make a project whose files are loaded in the background. Raises BadInput, DuplicateName, Forbidden."""
        await waited(partial(_require_source, new.datastore, sources))
        now_ms = self.now_ms()
        return await self._db.write(imports.make_project, self.account, new, changes, members, now_ms=now_ms)

    async def load_again(self, project: ProjectId) -> None:
        """Ask once more for the files of a project whose import failed."""
        await self._db.write(imports.ask_import, self.account, project, now_ms=self.now_ms())

    async def troubles(self) -> Mapping[ProjectId, str]:
        """Why new projects do not get on, where their import failed."""
        return await self._db.read(imports.troubles, self.account)


def _require_source(url: str, sources: Sequence[str]) -> None:
    if not is_within(url, sources):
        raise Forbidden(
            f"From here a project's images lie below {' or '.join(shown_source(one) for one in sources) or 'nothing'}; "
            "the operator of the server allows others with the setting `sources`."
        )


def shown_source(url: str) -> str:
    """A datastore as people type it."""
    return url.removeprefix("local:")
