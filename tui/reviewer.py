"""A reviewer's door to core: pages of items, what is known of each, and verdicts on them. Nothing here knows a widget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core import access, browse, items, people, progress, projects, review
from core.annotation import Answer, Draft, HeldItem, Receipt, SubmittedItem
from core.browse import MOST, Browsed, Filter, Page, Place
from core.errors import BadInput, Stale
from core.ids import AccountId, ItemId, ProjectId, ProjectState, Role
from core.labels import LabelSet
from core.people import Account, Member
from core.progress import Progress
from core.projects import Project
from core.review import OneAnswer, Past
from core.roles import Action
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
        return await self.desk._db.read(progress.project_progress, self.project.id)

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


class Walk:
    """A reviewer's way through what a filter finds, a page at a time, with one item in focus.

    Items selected on one page stay selected on the next, as they were seen.
    """

    def __init__(self, reviewer: Reviewer, wanted: Filter, limit: int) -> None:
        self.reviewer, self.wanted, self.limit = reviewer, wanted, limit
        self.page = Page(())
        self.at = 0
        self.number: int | None = None
        self.selected: dict[ItemId, Browsed] = {}
        self.comments: list[str] = []

    @property
    def item(self) -> Browsed | None:
        """The one in focus."""
        return self.page.items[self.at] if self.at < len(self.page.items) else None

    @property
    def targets(self) -> tuple[Browsed, ...]:
        """What a verdict is about: all that is selected, else the one in focus."""
        return tuple(self.selected.values()) or (() if self.item is None else (self.item,))

    async def first(self) -> None:
        """The first page."""
        self._take(await self.reviewer.page(self.wanted, self.limit), 0, 1)

    async def last(self) -> None:
        """The last page, its last item in focus."""
        page = await self.reviewer.page(self.wanted, self.limit, from_end=True)
        self._take(page, len(page.items) - 1, None)

    async def look_ahead(self) -> Page:
        """The page after this one, without going there."""
        if self.page.last is None:
            return Page(())
        return await self.reviewer.page(self.wanted, self.limit, after=self.page.last)

    async def forward(self) -> bool:
        """To the next page; False, staying, where there is none."""
        page = await self.look_ahead()
        if page.items:
            self._take(page, 0, None if self.number is None else self.number + 1)
        return bool(page.items)

    async def back(self) -> bool:
        """To the page before, its last item in focus; False, staying, where there is none."""
        if self.page.first is None:
            return False
        page = await self.reviewer.page(self.wanted, self.limit, before=self.page.first)
        if len(page.items) < self.limit:  # what was before is less than a page: begin at the beginning
            had = len(page.items)
            await self.first()
            self.at = max(0, had - 1)
            return bool(had)
        self._take(page, len(page.items) - 1, None if self.number is None else max(1, self.number - 1))
        return True

    async def step(self, by: int) -> bool:
        """To the next item or the one before, over the page's edge too; False where there is none."""
        if 0 <= self.at + by < len(self.page.items):
            self.at += by
            return True
        return await (self.forward() if by > 0 else self.back())

    async def reload(self) -> None:
        """The same page as it is now; the focus stays on its item where that is still there."""
        if self.page.first is None:
            await self.first()
            return
        before, (at_ms, item) = self.page, self.page.first
        place = Place(at_ms, ItemId(item + 1 if self.wanted.by_date else item - 1))
        page = await self.reviewer.page(self.wanted, self.limit, after=place)
        if self.page is not before:
            return  # turned over meanwhile
        if not page.items:
            await self.last()
            return
        focus = self.item
        at = next((n for n, new in enumerate(page.items) if focus and new.item == focus.item), self.at)
        self._take(page, at, self.number)

    async def resize(self, limit: int) -> None:
        """Another number of items a page; the one in focus stays on it."""
        self.limit = limit
        await self.reload()
        if self.number is not None and self.number > 1:
            self.number = None

    def _take(self, page: Page, at: int, number: int | None) -> None:
        self.page, self.number = page, number
        self.at = max(0, min(at, len(page.items) - 1))
        for new in page.items:
            if new.item in self.selected and new.stamp_ms == self.selected[new.item].stamp_ms:
                self.selected[new.item] = new

    def select(self, found: Sequence[Browsed]) -> None:
        """Select all of these, or, where all are already, none of them."""
        if all(item.item in self.selected for item in found):
            for item in found:
                del self.selected[item.item]
        else:
            self.selected |= {item.item: item for item in found}

    async def select_all(self, most: int) -> bool:
        """Select everything that the filter finds, up to so many; False where that is not all."""
        after, found = None, dict(self.selected)
        while len(found) < most:
            page = await self.reviewer.page(self.wanted, MOST, after=after)
            found |= {item.item: item for item in page.items[: most - len(found)]}
            if len(page.items) < MOST:
                break
            after = page.last
        self.selected = found
        return len(found) < most

    def settled(self, receipt: Receipt) -> None:
        """What was decided on, or refused, is selected no longer: who looks again selects what they see then."""
        for item in (*receipt.accepted, *receipt.refused):
            self.selected.pop(item, None)


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
