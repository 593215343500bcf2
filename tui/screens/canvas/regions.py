"""The regions of the image: edited, labeled, locked, undone and handed in. Where a region comes from is not known here."""

from __future__ import annotations

import time

from core.annotation import Answer
from core.edits import History, PageDraft
from core.errors import BadInput
from core.geometry import Box
from core.ids import ItemId, LabelId, TaskType
from core.region_edits import Delete, DeleteAll, Duplicate, Lock, RegionDraft, RegionEdit, Relabel, apply
from tui.desk import LabelingDesk
from tui.screens.canvas.picture import PictureScreen
from tui.screens.canvas.shown import Shown
from tui.screens.dialogs import Confirm, LabelSearch
from tui.text import clean

REMEMBERED = 40


class RegionScreen(PictureScreen):
    """One draft of regions, which follows the page through undo, redo and the next image."""

    def __init__(self, desk: LabelingDesk) -> None:
        super().__init__(desk)
        self._regions = RegionDraft()
        self._shown = Shown()
        self._label: LabelId | None = None
        self._names_next = False
        self._agrees_empty: object = None
        self._last_boxes: tuple[Box, ...] = ()
        self._drawn_on: ItemId | None = None

    # What a subclass does.

    @property
    def _is_drawing(self) -> bool:
        """True while a region is begun and not finished."""
        raise NotImplementedError

    def _begin_image(self) -> None:
        """Another image: nothing is placed or asked for yet."""
        raise NotImplementedError

    @property
    def _takes_polygons(self) -> bool:
        return self._desk.project.task_type is TaskType.INSTANCE_SEGMENTATION

    @property
    def _next_label(self) -> LabelId:
        choice = [label.id for label in self._desk.labels]
        return self._label if self._label in choice else choice[0]

    # The draft and the page.

    def _edit(self, edit: RegionEdit) -> bool:
        """Do it, or say why not."""
        self._touched_at = time.monotonic()
        item = self._item
        if item is None or self._image is None:
            return False
        try:
            self._regions = apply(self._regions, edit, item.size_wh if item.size_wh[0] else self._image.image_wh)
        except BadInput as error:
            self._tell(str(error))
            return False
        self._status = ""
        answer = Answer((), self._regions.regions)
        self._history = self._history.changed(PageDraft(self.page.items, (answer,)))
        self._draw()
        self._save_soon()
        return True

    def _follow(self) -> None:
        """The regions as an undo left them; on another image nothing is chosen or locked yet."""
        page = self.page
        if not page.items:
            return
        item, regions = page.items[0].item, page.answers[0].regions
        if item != self._drawn_on:
            self._drawn_on, self._regions = item, RegionDraft(regions)
            self._begin_image()
        elif self._regions.regions != regions:
            self._regions = self._regions.holding(regions)

    def _refuses_submit(self, page: PageDraft) -> bool:
        if self._is_drawing:
            self._tell("finish the region, or Esc to drop it")
            return True
        if page.answers[0].regions or self._agrees_empty == page.items[0].item:
            return False
        self._agrees_empty = page.items[0].item
        self._tell("no region: Enter again says there is nothing to mark")
        return True

    def _next_page(self) -> None:
        drawn = [region for region in self._regions.regions if region.label == self._next_label]
        self._last_boxes = tuple(region.shape.bounds for region in drawn[:REMEMBERED]) or self._last_boxes
        self._regions, self._drawn_on = RegionDraft(), None
        self._begin_image()
        self._history = History() if not self.page.items else self._history
        super()._next_page()

    # Labels.

    def action_digit(self, name: str) -> None:
        """Relabel the chosen region; the next one gets that label, too."""
        label = self._desk.labels.by_number(int(name))
        if label is None:
            self._tell(f"no label has the key {name}")
        else:
            self._take_label(label.id)

    def _take_label(self, label: LabelId) -> None:
        self._label = label
        if self._names_next:
            self._tell(f"the next region is {clean(self._desk.labels.by_id(label).name)}")
        chosen, self._names_next = self._regions.chosen if not self._names_next else None, False
        if chosen is None or self._is_drawing or not self._edit(Relabel(label)):
            self._draw()

    def action_search(self) -> None:
        """Label by name."""

        def chosen(label: LabelId | None) -> None:
            if label is not None:
                self._take_label(label)

        self.app.push_screen(LabelSearch(self._desk.labels), chosen)

    def action_name_next(self) -> None:
        """The next digit names the region to come and leaves the chosen one alone."""
        self._names_next = True
        self._tell("a digit, or /, names the next region")

    # Whole regions.

    def action_delete(self) -> None:
        """The chosen region."""
        self._edit(Delete())

    def action_delete_all(self) -> None:
        """Every region that is not locked, if that is meant."""
        count = len(self._regions.regions) - len(self._regions.locked)
        if not count:
            self._tell("there is no region to delete")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._edit(DeleteAll())

        question = (
            f"Delete {count} regions? Ctrl+Z brings them back."
            if count > 1
            else "Delete 1 region? Ctrl+Z brings it back."
        )
        self.app.push_screen(Confirm(question), answered)

    def action_duplicate(self) -> None:
        """The chosen region once more."""
        self._edit(Duplicate())

    def action_lock(self) -> None:
        """Lock what is there, or free it."""
        self._edit(Lock())
