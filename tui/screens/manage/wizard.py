"""Making a project, step by step; nothing is made before the last one is confirmed."""

from __future__ import annotations

from dataclasses import replace

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.widgets import Button, OptionList

from core.errors import TaglineError
from core.project.settings import check
from tui.keymap import Scope
from tui.screens.dialogs import Confirm
from tui.screens.manage.base import FRAME_CSS, ManageScreen
from tui.screens.manage.data_step import DataStep
from tui.screens.manage.plan import Plan
from tui.screens.manage.setting_rows import BLANK
from tui.screens.manage.step import Step
from tui.screens.manage.steps import (
    AssistStep,
    ConfirmStep,
    MembersStep,
    NameStep,
    QualityStep,
    RefreshStep,
)
from tui.screens.manage.text_steps import InstructionsStep, LabelsStep
from tui.text import clean
from tui.widgets.field import Field
from tui.widgets.line import Line

PASSED, HERE, AHEAD = "\N{BLACK CIRCLE}", "\N{FISHEYE}", "\N{WHITE CIRCLE}"


class WizardScreen(ManageScreen):
    """Enter goes on, Esc goes back; what was typed stays on every step."""

    SCOPES = (Scope.EVERYWHERE, Scope.WIZARD)
    DEFAULT_CSS = f"""
    WizardScreen {{ {FRAME_CSS}
        & #steps {{ height: 1fr; }}
        & Step {{ height: 1fr; padding: 1 2 0 2; background: $background; scrollbar-size: 1 1; }}
        & .name {{ color: $primary; text-style: bold; height: auto; }}
        & .note {{ color: $secondary; height: auto; }}
        & OptionList, & OptionList:focus {{ height: auto; border: none; background: $background; padding: 0; }}
        & OptionList > .option-list--option-highlighted {{ background: $surface; color: $primary; text-style: bold; }}
        & OptionList:focus > .option-list--option-highlighted {{ background: $panel; color: $accent; text-style: bold; }}
        & TextArea, & TextArea:focus {{ height: 1fr; min-height: 5; border: none; background: $surface; padding: 0 1; }}
        & Field {{ max-width: 100; }}
        & #buttons {{ height: 1; padding: 0 2; background: $background; }}
        & Button {{ margin-right: 2; min-width: 12; }}
        & Button.-style-default:focus {{ background: $primary; color: $background; text-style: bold; background-tint: $primary 0%; }}
    }}
    """

    def __init__(self) -> None:
        super().__init__()
        self._plan = Plan()
        self._at = 0

    def compose(self) -> ComposeResult:
        """Title, steps of which one is shown, buttons, keys."""
        plan = self._plan
        yield Line(id="title")
        with Container(id="steps"):
            yield NameStep(plan)
            yield DataStep(plan, self.tagline.sources)
            yield RefreshStep(plan)
            yield LabelsStep(plan)
            yield InstructionsStep(plan)
            yield QualityStep(plan)
            yield AssistStep(plan)
            yield MembersStep(plan)
            yield ConfirmStep(plan)
        with Horizontal(id="buttons"):
            yield Button("\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK} Back", id="back", compact=True)
            yield Button("Next", id="next", compact=True)
        yield Line(id="note")
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Begin at the first step."""
        self.show_footer(self.query_one("#keys", Line))
        await self._go(0)

    @property
    def steps(self) -> list[Step]:
        """The steps in their order."""
        return list(self.query(Step))

    @property
    def step(self) -> Step:
        """The one that is shown."""
        return self.steps[self._at]

    async def _go(self, at: int) -> None:
        self._at = at
        for n, step in enumerate(self.steps):
            step.display = n == at
        self._focus_first()  # before anything is looked up: keys that are typed at once belong to the new step
        last = len(self.steps) - 1
        dots = PASSED * at + HERE + AHEAD * (last - at)
        where = [(f" {dots} ", "accent"), (f" {at + 1} of {last + 1}: {self.step.TITLE}", "bold foreground")]
        self.head("New project", where)
        self.query_one("#next", Button).label = (
            "Make it" if at == last else "Next \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
        )
        self.note("")
        await self.step.enter()
        if self.focused not in list(self.step.query("*")):
            self._focus_first()

    def _focus_first(self) -> None:
        inside = [one for one in self.step.query("Input, OptionList, TextArea") if one.display and one.can_focus]
        (inside[0] if inside else self.query_one("#next", Button)).focus()

    @on(Field.Entered)
    @on(OptionList.OptionSelected)
    @on(Button.Pressed, "#next")
    def action_next(self) -> None:
        """The next step, or after the last one the project."""
        self._next()

    def action_take(self) -> None:
        """Enter in a list of several."""
        self._next()

    @work(exclusive=True, group="next")
    async def _next(self) -> None:
        self.step.read()
        if not await self.step.is_ready():
            return
        if self._at < len(self.steps) - 1:
            await self._go(self._at + 1)
        else:
            await self._make()

    @on(Button.Pressed, "#back")
    async def action_back(self) -> None:
        """The step before; from the first one back to the list, which is asked where something was typed."""
        self.step.read()
        if self._at:
            await self._go(self._at - 1)
        elif self._plan == Plan() or self._plan.name == "":
            self.app.pop_screen()
        else:
            self._give_up()

    @work(exclusive=True, group="next")
    async def _give_up(self) -> None:
        if await self.app.push_screen_wait(Confirm("Give up the new project? What you typed here is lost.")):
            self.app.pop_screen()

    @on(Field.Typed)
    def _typed(self) -> None:
        self.note("")

    def action_move(self, key: str) -> None:
        """The field above or below."""
        self.focus_previous() if key == "up" else self.focus_next()

    def settings_problem(self) -> str:
        """Why core would refuse the settings, together, or nothing."""
        try:
            check(replace(BLANK, **self._plan.changes()))
        except TaglineError as error:
            return str(error)
        return ""

    async def _make(self) -> None:
        plan = self._plan
        made = await self.ask(
            self.manager.make_project(plan.new_project(), plan.changes(), plan.members, self.tagline.sources)
        )
        if made is not None:
            self.app.pop_screen()
            self.say(f"{clean(made.name)} is made. Its files are loaded now; it runs as soon as they are there.")
