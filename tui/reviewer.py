"""A reviewer's door to core: pages of items, what is known of each, and verdicts on them. Nothing here knows a widget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.annotation import Answer, Draft, HeldItem, Receipt, SubmittedItem
from core.counts import progress
from core.counts.progress import Progress
from core.errors import BadInput, Stale
from core.ids import AccountId, ItemId, ProjectId, ProjectState, Role
from core.labels import LabelSet
from core.oversight import browse, review
from core.oversight.browse import Browsed, Filter, Page, Place
from core.oversight.review import OneAnswer, Past
from core.project import projects
from core.project.projects import Project
from core.roles import Action
from core.team import access, people
from core.team.people import Account, Member
from core.transfer import items
from tui.desk import Desk, LabelingDesk


@dataclass(frozen=True)
class Known:
    """Everything about one item: as it stands, what each labeler says, what happened to it."""

    item: Browsed
    answers: tuple[OneAnswer, ...]
    history: tuple[Past, ...]


@dataclass(frozen=True)
class Reviewer:
    """One lead or admin at one project's answers.

    Attributes:
        labels: those that may be given now.
        shown: the same and the retired ones that answers still have.
        labelers: the project's members, by name.
    """

    desk: Desk
    project: Project
    labels: LabelSet
    shown: LabelSet
    labelers: tuple[Account, ...]

    @property
    def _here(self) -> tuple[Account, ProjectId]:
        return self.desk.account, self.project.id

    async def page(
        self,
        wanted: Filter,
        limit: int,
        *,
        after: Place | None = None,
        before: Place | None = None,
        from_end: bool = False,
    ) -> Page:
        """A page of items."""
        where = {"limit": limit, "after": after, "before": before, "from_end": from_end}
        return await browse.full_page(self.desk._db, *self._here, wanted, **where)  # type: ignore[arg-type]

    async def known(self, path: str) -> Known:
        """All about one item. Raises NotFound."""
        read = self.desk._db.read
        item = await read(browse.item_by_path, *self._here, path)
        return Known(
            item,
            await read(review.answers, *self._here, item.item),
            await read(review.history, *self._here, item.item),
        )

    async def counts(self) -> Progress:
        """Items by state."""
        account, project = self._here
        return await self.desk._db.read(
            access.if_allowed, account, Action.SEE_PROGRESS, project, progress.project_progress, project
        )

    async def approve(self, seen: Sequence[Browsed]) -> Receipt:
        """Confirm these answers as they were seen."""
        stamps = {item.item: item.stamp_ms for item in seen}
        return await self.desk._db.write(review.approve, *self._here, stamps, now_ms=self.desk.now_ms())

    async def reject(self, seen: Sequence[Browsed], comment: str) -> Receipt:
        """Send these answers back to their labelers, with why."""
        stamps = {item.item: item.stamp_ms for item in seen}
        return await self.desk._db.write(review.reject, *self._here, stamps, comment, now_ms=self.desk.now_ms())

    async def correct(self, seen: Sequence[Browsed], answer: Answer, *, what: str = "item-corrected") -> Receipt:
        """Put one answer in the place of all of these."""
        wanted = {item.item: (item.stamp_ms, answer) for item in seen}
        return await self.desk._db.write(review.correct, *self._here, wanted, now_ms=self.desk.now_ms(), what=what)

    async def resolve(self, seen: Browsed, chosen: AccountId) -> Receipt:
        """Settle a conflict with one labeler's answer."""
        write, now_ms = self.desk._db.write, self.desk.now_ms()
        return await write(review.resolve, *self._here, seen.item, seen.stamp_ms, chosen, now_ms=now_ms)


async def open_reviewer(desk: Desk, project: Project) -> Reviewer:
    """Sit down to review a project. Raises Forbidden for labelers and for who is no member."""
    read = desk._db.read
    await read(access.require_in, project.id, desk.account, Action.REVIEW)
    members = await read(people.members_of, project.id)
    return Reviewer(
        desk,
        await read(projects.project_by_id, project.id),
        LabelSet(await read(projects.label_classes, project.id)),
        LabelSet(await read(items.labels_in_use, project.id)),
        tuple(account for account, _ in members),
    )


def held(item: Browsed) -> HeldItem:
    """The item in the form in which pictures are asked for."""
    return HeldItem(item.item, item.path, item.etag, item.size_wh, item.frames, item.kind, token=0, lease_until_ms=0)


class CorrectionDesk(LabelingDesk):
    """One item in a reviewer's hands, in the form in which the canvas takes work; handing it in corrects it."""

    def __init__(self, reviewer: Reviewer, item: Browsed, start: Answer, what: str) -> None:
        # A reviewer corrects while the project is paused, too.
        project = replace(reviewer.project, state=ProjectState.RUNNING)
        member = Member(Role.LEAD, page_size=1, instructions_seen_ms=0)
        super().__init__(reviewer.desk._db, reviewer.desk, project, reviewer.shown, Role.LEAD, member)
        self._reviewer, self._item, self._what = reviewer, item, what
        self._start = replace(held(item), draft=Draft(start))
        self.receipt: Receipt | None = None

    async def resume(self) -> tuple[HeldItem, ...]:
        """The one item, with the answer to start from."""
        return () if self.receipt else (self._start,)

    async def claim(self, size: int) -> tuple[HeldItem, ...]:
        """Nothing more."""
        return ()

    async def renew(self, items: Sequence[HeldItem]) -> tuple[ItemId, ...]:
        """Nothing is held, so nothing is lost."""
        return ()

    async def release(self, items: Sequence[HeldItem]) -> None:
        """Nothing is held."""

    async def save(self, drafts: Mapping[ItemId, tuple[int, Draft]]) -> tuple[ItemId, ...]:
        """A correction is whole or is not made: there is no draft of it."""
        return ()

    async def submit(self, items: Sequence[SubmittedItem]) -> Receipt:
        """Put the answer in place. Raises Stale, the work kept on the screen, where it is refused."""
        receipt = await self._reviewer.correct([self._item], items[0].answer, what=self._what)
        for reason in receipt.refused.values():
            raise Stale(f"{self._item.path} was left as it is: {reason}.")
        self.receipt = receipt
        return receipt

    async def skip(self, item: HeldItem, reason: str) -> None:
        """Raises BadInput: a reviewer does not skip."""
        raise BadInput("A reviewer does not skip: Esc leaves the image as it is.")

    async def earlier(self, before_ms: int, limit: int) -> tuple[HeldItem, ...]:
        """None: these are a labeler's."""
        return ()

    async def mark_unreadable(self, item: HeldItem, reason: str) -> None:
        """Raises BadInput: without a picture nothing is corrected."""
        raise BadInput("An image that cannot be shown cannot be corrected; it was left as it is.")

    async def refreshed(self) -> Project:
        """The project, open to a reviewer whatever its state."""
        return self.project
