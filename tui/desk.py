"""The screens' only door to core and storage. Everything here is awaited; nothing here knows a widget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.annotation import Cursor, Draft, HeldItem, Receipt, Region, SubmittedItem
from core.assist import suggestions
from core.counts import progress
from core.counts.progress import Progress
from core.db.database import Database
from core.db.recent import Recent
from core.errors import Forbidden
from core.ids import AccountId, ItemId, ProjectId, Role
from core.labeling import corrections, queue, skipping, submissions
from core.labels import LabelSet
from core.project import projects
from core.project.projects import Project, ProjectSummary
from core.team import people
from core.team.people import Account, Member
from tui.picture_pool import Pictures


class Desk:
    """What one logged-in account can see and do; `pictures` and `recent` are shared by the sessions of a process."""

    def __init__(
        self, db: Database, account: Account, pictures: Pictures, now_ms: Callable[[], int], recent: Recent
    ) -> None:
        self.account = account
        self.pictures = pictures
        self.now_ms = now_ms
        self.recent = recent
        self._db = db

    async def projects(self) -> tuple[ProjectSummary, ...]:
        """The projects that this account may see."""
        return await self._db.read(projects.list_projects, self.account)

    async def open(self, project: Project) -> LabelingDesk:
        """Sit down at a project. Raises Forbidden when it is not this account's."""
        role = await self._db.read(people.role_in, project.id, self.account)
        if role is None:
            raise Forbidden(f"The project {project.name!r} is not given to you; ask an admin.")
        member = await self._db.read(people.membership, project.id, self.account.id)
        labels = await self._db.read(projects.label_set, project.id)
        return LabelingDesk(self._db, self, project, labels, role, member or Member(role))


class LabelingDesk:
    """One labeler at work in one project: what they hold, and everything that they hand in."""

    def __init__(
        self, db: Database, desk: Desk, project: Project, labels: LabelSet, role: Role, member: Member
    ) -> None:
        self.project, self.labels, self.role, self.member = project, labels, role, member
        self.desk = desk
        self._db = db
        self._cursor: Cursor = {}

    @property
    def _here(self) -> tuple[ProjectId, AccountId]:
        return self.project.id, self.desk.account.id

    async def resume(self) -> tuple[HeldItem, ...]:
        """What this labeler holds already, with drafts; an older session of theirs loses it."""
        page = await self._db.write(queue.resume_pages, *self._here, now_ms=self.desk.now_ms())
        return page.items

    async def claim(self, size: int) -> tuple[HeldItem, ...]:
        """More items from the queue, all of one kind; none when nothing is left for this labeler now."""
        page = await self._db.write(queue.claim_page, *self._here, size, now_ms=self.desk.now_ms(), after=self._cursor)
        self._cursor = page.cursor
        return page.items

    async def renew(self, items: Sequence[HeldItem]) -> tuple[ItemId, ...]:
        """Keep items in hand; returns those that are lost."""
        tokens = {item.item: item.token for item in items if not item.submitted}
        return await self._db.write(queue.renew, *self._here, tokens, now_ms=self.desk.now_ms())

    async def release(self, items: Sequence[HeldItem]) -> None:
        """Give items back that were not begun."""
        tokens = {item.item: item.token for item in items if not item.submitted}
        await self._db.write(queue.release, *self._here, tokens)

    async def save(self, drafts: Mapping[ItemId, tuple[int, Draft]]) -> tuple[ItemId, ...]:
        """Keep unsubmitted work; returns the items that are no longer held."""
        return await self._db.write(submissions.save_drafts, self.desk.account.id, drafts)

    async def submit(self, items: Sequence[SubmittedItem]) -> Receipt:
        """Hand answers in."""
        return await self._db.write(submissions.submit, *self._here, items, now_ms=self.desk.now_ms())

    async def correct(self, item: SubmittedItem) -> int:
        """Change an own earlier answer; returns the new token."""
        return await self._db.write(corrections.correct, *self._here, item, now_ms=self.desk.now_ms())

    async def skip(self, item: HeldItem, reason: str) -> None:
        """Set an item aside."""
        now_ms = self.desk.now_ms()
        await self._db.write(skipping.skip, *self._here, item.item, item.token, reason, now_ms=now_ms)

    async def earlier(self, before_ms: int, limit: int) -> tuple[HeldItem, ...]:
        """Own earlier submissions, newest first."""
        return await self._db.read(corrections.my_submissions, *self._here, before_ms=before_ms, limit=limit)

    async def mark_unreadable(self, item: HeldItem, reason: str) -> None:
        """Report a file that cannot be shown."""
        now_ms = self.desk.now_ms()
        await self._db.write(skipping.mark_unreadable, *self._here, item.item, reason, now_ms=now_ms)

    async def remember(self, *, page_size: int | None = None, instructions_seen: bool = False) -> None:
        """Keep how this labeler likes to work here."""
        seen_ms = self.desk.now_ms() if instructions_seen else None
        await self._db.write(
            people.remember, self.project.id, self.desk.account, page_size=page_size, instructions_seen_ms=seen_ms
        )

    async def proposed(self, item: HeldItem) -> tuple[Region, ...]:
        """Regions that a model finds likely on an item in hand, the likeliest first."""
        found = await self._db.read(suggestions.proposed, self.desk.account.id, item.item)
        known = {label.id for label in self.labels.classes}
        return tuple(region for region in found if region.label in known)

    async def progress(self) -> Progress:
        """How far the project is."""
        return await self._db.read(progress.project_progress, self.project.id)

    async def refreshed(self) -> Project:
        """The project as it stood a moment ago at most; its labels, too."""
        self.project = await self.desk.recent.read(projects.project_by_id, self.project.id)
        self.labels = await self.desk.recent.read(projects.label_set, self.project.id)
        return self.project
