"""What every step of making a project is: a page that reads what is typed into the plan, and says why it is not ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.containers import VerticalScroll

from tui.screens.manage.plan import Plan
from tui.widgets.field import Field

if TYPE_CHECKING:
    from tui.screens.manage.wizard import WizardScreen


class Step(VerticalScroll, can_focus=False, inherit_bindings=False):
    """One page of the wizard."""

    TITLE = ""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan

    @property
    def wizard(self) -> WizardScreen:
        """The screen, with what steps ask of core."""
        return cast("WizardScreen", self.screen)

    async def enter(self) -> None:
        """The step is shown; look at what earlier ones decided."""

    def read(self) -> None:
        """Take what is typed into the plan."""

    async def is_ready(self) -> bool:
        """Whether the wizard can go on; where it cannot, the step has said why: once, and beside what is wrong."""
        return not any(self.refuse(field, field.problem()) for field in self.query(Field) if field.display)

    def refuse(self, field: Field, wrong: str) -> bool:
        """Say what is wrong with a field and go there; whether anything is."""
        if wrong:
            field.tell(wrong)
            field.focus_line()
        return bool(wrong)

    def text(self, key: str) -> str:
        """What a field of this step holds."""
        return self.query_one(f"#field-{key}", Field).text
