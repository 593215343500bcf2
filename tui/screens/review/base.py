"""What the review screens share: verdicts on what is selected, and what is said of them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from functools import partial

from core.annotation import Answer, Receipt
from core.ids import ItemState, LabelId, TaskType
from core.oversight.browse import Browsed
from core.oversight.review import MOST
from tui.reviewer import Reviewer
from tui.screens.dialogs import LabelSearch
from tui.screens.leveled import LeveledScreen
from tui.screens.review.asking import Comment, LabelsChoice
from tui.screens.review.words import receipt_text
from tui.text import clean
from tui.walk import Walk


class ReviewScreen(LeveledScreen):
    """A screen over a walk through the data; a subclass shows it, and says what a verdict is about."""

    def __init__(self, walk: Walk) -> None:
        super().__init__()
        self._walk = walk

    @property
    def reviewer(self) -> Reviewer:
        """The door to core."""
        return self._walk.reviewer

    def _targets(self) -> tuple[Browsed, ...]:
        """What a verdict is about."""
        return self._walk.targets

    async def _changed(self, receipt: Receipt) -> None:
        """Bring the screen up to date after a verdict."""
        raise NotImplementedError

    # Verdicts.

    def action_approve(self) -> None:
        """These answers are right."""
        if targets := self._some_targets():
            self._decide("approved", self.reviewer.approve(targets), targets)

    def action_reject(self) -> None:
        """Send these answers back, with why."""
        targets = self._some_targets()
        if not targets:
            return

        def answered(comment: str | None) -> None:
            if comment:
                self._walk.comments[:0] = [comment]
                self._decide("sent back to their labelers", self.reviewer.reject(targets, comment), targets)

        self.app.push_screen(Comment(named(targets), self._walk.comments), answered)

    def action_correct(self) -> None:
        """Put another answer in the place of these."""
        if not (targets := self._some_targets()):
            return
        task = self.reviewer.project.task_type
        if task.has_regions:
            self._correct_regions(targets)
        elif task is TaskType.MULTI_CLASS:
            self.app.push_screen(LabelSearch(self.reviewer.labels), partial(self._corrected, targets))
        else:
            first = targets[0].answer.labels if len(targets) == 1 else ()
            self.app.push_screen(LabelsChoice(self.reviewer.labels, first), partial(self._corrected, targets))

    def _corrected(self, targets: Sequence[Browsed], chosen: object) -> None:
        if chosen is None:
            return
        labels: tuple[LabelId, ...] = chosen if isinstance(chosen, tuple) else (chosen,)
        self._decide("corrected", self._give(targets, Answer(labels)), targets)

    def _give(self, targets: Sequence[Browsed], answer: Answer) -> Awaitable[Receipt]:
        """The reviewer's own answer, on its way in."""
        return self.reviewer.correct(targets, answer)

    def _correct_regions(self, targets: Sequence[Browsed]) -> None:
        """Draw them right on the canvas, one image at a time."""
        from tui.screens.review.correction import CorrectionScreen

        if len(targets) > 1:
            self.say("Regions are corrected one image at a time.")
            return

        def done(receipt: Receipt) -> None:
            self._decide("corrected", _already(receipt), targets)

        start, what = self._start_of(targets[0])
        self.app.push_screen(CorrectionScreen(self.reviewer, targets[0], start, what, done))

    def _start_of(self, item: Browsed) -> tuple[Answer, str]:
        """The answer from which a correction begins, and what the history calls it."""
        return item.answer, "item-resolved" if item.state is ItemState.NEEDS_REVIEW else "item-corrected"

    def _some_targets(self) -> tuple[Browsed, ...]:
        targets = self._targets()
        if len(targets) > MOST:
            self.say(f"{len(targets):,} images are too many at once; {MOST:,} are the most.")
            return ()
        if self._walk.noticed.is_unseen(targets):
            self.say("Another image has just taken the place of the one here; look at it first.", severity="warning")
            return ()
        return targets

    def _decide(self, done: str, verdict: Awaitable[Receipt], targets: Sequence[Browsed]) -> None:
        self.run_worker(self._write(done, verdict, targets), group="verdict")

    async def _write(self, done: str, verdict: Awaitable[Receipt], targets: Sequence[Browsed]) -> None:
        receipt = await self.ask(verdict)
        if receipt is None:
            return
        self._walk.settled(receipt)
        text = receipt_text(done, receipt, {item.item: item for item in targets})
        self.say(text, severity="warning" if receipt.refused else "information")
        await self._changed(receipt)


async def _already(receipt: Receipt) -> Receipt:
    """What was decided before it was asked."""
    return receipt


def named(targets: Sequence[Browsed]) -> str:
    """One item by its name, several by their number."""
    return clean(targets[0].path) if len(targets) == 1 else f"{len(targets):,} images"
