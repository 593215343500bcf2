"""The log: who did what when, the newest first, live; by person, kind, project and date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from rich.cells import cell_len
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Static

from core.errors import BadInput, TaglineError
from core.upkeep.auditlog import Entry, Wanted
from tui.keymap import Scope
from tui.office import Office
from tui.screens.dialogs import DIALOG_CSS
from tui.screens.manage.ask import CHOICE_CSS
from tui.screens.manage.base import FRAME_CSS, ManageScreen
from tui.text import clean
from tui.widgets.bars import column
from tui.widgets.field import Field, anything
from tui.widgets.line import Line
from tui.widgets.rows import Rows

REFRESH_S = 2.0
PAGE = 200
UNNAMED = ("answer", "labels", "source")


@dataclass(frozen=True)
class Asked:
    """A filter as it was typed; empty parts ask for everything."""

    who: str = ""
    what: str = ""
    project: str = ""
    since: str = ""

    def __str__(self) -> str:
        """The filter in words."""
        parts = (("by", self.who), ("what", self.what), ("in", self.project), ("since", self.since))
        return ", ".join(f"{word} {text}" for word, text in parts if text) or "everything"


async def read_asked(office: Office, asked: Asked) -> Wanted:
    """What was asked, by ids. Raises NotFound, BadInput, Forbidden."""
    return await office.wanted(asked.who, asked.what, asked.project, read_date_ms(asked.since))


def read_date_ms(text: str) -> int | None:
    """Epoch ms of a date or time, UTC; None for nothing. Raises BadInput."""
    if not text.strip():
        return None
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput("Write a date or time such as 2026-11-25 or 2026-11-25 14:30.") from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)


class LogScreen(ManageScreen):
    """A list that grows at its end as one goes down, and at its top as things happen."""

    SCOPES = (Scope.EVERYWHERE, Scope.LOG)
    DEFAULT_CSS = f"LogScreen {{ {FRAME_CSS} }}"

    def __init__(self, *, who: str = "", project: str = "") -> None:
        super().__init__()
        self._asked = Asked(who=who, project=project)
        self._wanted: Wanted | None = None
        self._entries: dict[str, Entry] = {}
        self._is_all = False

    def compose(self) -> ComposeResult:
        """Title, column names, entries, keys."""
        yield Line(id="title")
        yield Line(id="note")
        yield Rows()
        yield Line(id="keys")

    async def on_mount(self) -> None:
        """Fill in, and keep it fresh."""
        self.show_footer(self.query_one("#keys", Line))
        await self._begin(self._asked)
        self.query_one(Rows).focus()
        self.set_interval(REFRESH_S, self._look_for_new)

    async def _begin(self, asked: Asked) -> None:
        """Show what is asked for, from its newest entry on."""
        wanted = await self.ask(read_asked(self.office, asked))
        found = None if wanted is None else await self.ask(self.office.log(wanted, limit=PAGE))
        if found is None:
            return
        self._asked, self._wanted, self._is_all = asked, wanted, len(found) < PAGE
        self._entries = {str(entry.id): entry for entry in found}
        self._show()
        self.query_one(Rows).highlighted = 0 if found else None

    def _show(self) -> None:
        self.head("Log", [(f" {clean(str(self._asked))}", "secondary")])
        layout = layout_of(list(self._entries.values()), is_asked=bool(self._asked.project))
        self.note(f" {layout.head}" if self._entries else " Nothing like that happened.")
        colors = self.app.theme_variables
        self.query_one(Rows).fill([(key, entry_row(one, colors, layout)) for key, one in self._entries.items()])

    async def _look_for_new(self) -> None:
        if not self.is_current or self._wanted is None:
            return
        newest = next(iter(self._entries.values()), None)
        found = await self.ask(self.office.log(self._wanted, limit=PAGE))
        fresh = {str(e.id): e for e in found or () if newest is None or e.id > newest.id}
        if fresh:
            self._entries = fresh | self._entries
            self._show()

    @on(Rows.OptionHighlighted)
    async def _look_further(self, event: Rows.OptionHighlighted) -> None:
        """The mark is near the end: bring what is older."""
        if self._is_all or self._wanted is None or event.option_index < len(self._entries) - PAGE // 4:
            return
        oldest = next(reversed(self._entries.values()))
        found = await self.ask(self.office.log(self._wanted, limit=PAGE, before=oldest.id))
        if found is not None:
            self._is_all = len(found) < PAGE
            self._entries |= {str(entry.id): entry for entry in found}
            self._show()

    @on(Rows.OptionSelected)
    def _selected(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """The marked entry in full."""
        if (entry := self._entries.get(self.query_one(Rows).marked or "")) is not None:
            self.app.push_screen(EntryDialog(entry))

    @work(exclusive=True)
    async def action_filter(self) -> None:
        """Only some entries."""
        kinds = sorted({entry.what for entry in self._entries.values()})
        asked = await self.app.push_screen_wait(FilterDialog(self.office, self._asked, kinds))
        if asked is not None:
            await self._begin(asked)

    async def action_all(self) -> None:
        """Everything again."""
        await self._begin(Asked())


@dataclass(frozen=True)
class Layout:
    """How wide the columns of a log are, and how the column that has the rest is called."""

    who_cells: int
    what_cells: int
    project: str | None = None
    about: str = "about"

    @property
    def head(self) -> str:
        """The names of the columns."""
        return f"{column('when (UTC)', 15)}{column('who', self.who_cells + 1)}{column('what', self.what_cells + 1)}{self.about}"


def layout_of(entries: Sequence[Entry], *, is_asked: bool) -> Layout:
    """Columns no wider than these entries need; a project that all of them are of is named once, above. Pure."""
    projects = {entry.project for entry in entries if entry.project}
    who = max((cell_len(clean(entry.by)) for entry in entries), default=0)
    what = max((len(entry.what) for entry in entries), default=0)
    one = next(iter(projects)) if len(projects) == 1 else None
    about = "about" if one is None or is_asked else f"about (in {clean(one)})"
    return Layout(min(12, max(3, who)), min(22, max(4, what)), one, about)


def entry_row(entry: Entry, colors: Mapping[str, str], layout: Layout) -> Text:
    """One line of the log. Pure."""
    when = datetime.fromtimestamp(entry.at_ms / 1000, UTC).strftime("%m-%d %H:%M:%S")
    text = Text().append(f"{when} ", colors["secondary"])
    text.append(column(clean(entry.by) or "-", layout.who_cells) + " ")
    text.append(column(entry.what, layout.what_cells) + " ", colors["primary"])
    about = " ".join(part for part in ("" if entry.project == layout.project else entry.project, entry.path) if part)
    return text.append(f"{clean(about)} " if about else "").append(
        clean(in_words(entry.body))[:300], colors["secondary"]
    )


def in_words(body: Any) -> str:
    """What an entry keeps, as `name value, name before \u2192 after`, what it was before last; the empty is left out. Pure."""
    if isinstance(body, Mapping):
        if set(body) == {"before", "after"}:
            return f"{in_words(body['before']) or 'nothing'} \u2192 {in_words(body['after']) or 'nothing'}"
        parts = sorted(body.items(), key=lambda part: part[0] == "before")
        return ", ".join(told for key, value in parts if (told := _part(str(key), value)))
    if isinstance(body, list):
        return " ".join(in_words(one) for one in body)
    return "" if body is None else str(body)


def _part(key: str, value: Any) -> str:
    """One fact of an entry: an answer by its labels alone, regions by their number."""
    if key == "regions" and isinstance(value, list):
        return f"{len(value):,} region{'' if len(value) == 1 else 's'}" if value else ""
    told = in_words(value)
    return told if key in UNNAMED or not told else f"{key.replace('_', ' ')} {told}"


class EntryDialog(ModalScreen[None]):
    """One entry in full; any of its keys closes it."""

    BINDINGS = [("escape,enter,q", "dismiss", "close")]
    DEFAULT_CSS = f"""
    EntryDialog {{ {DIALOG_CSS}
        & VerticalScroll {{
            width: 76; max-width: 95%; height: auto; max-height: 90%; padding: 1 2; background: $panel; border: round $primary;
            border-subtitle-color: $secondary; scrollbar-size-vertical: 1;
        }}
    }}
    """

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self._entry = entry

    def compose(self) -> ComposeResult:
        """Its parts, line by line."""
        entry, text = self._entry, Text()
        when = datetime.fromtimestamp(entry.at_ms / 1000, UTC).isoformat(" ", "milliseconds")
        parts = (("when", when), ("who", entry.by or "nobody"), ("what", entry.what), ("project", entry.project), ("image", entry.path))  # fmt: skip
        for word, value in ((word, value) for word, value in parts if value):
            text.append(column(word, 10), f"bold {self.app.theme_variables['primary']}").append(f"{clean(value)}\n")
        body = orjson.dumps(entry.body, option=orjson.OPT_INDENT_2).decode() if entry.body else ""
        if body:
            text.append("\n").append(clean(body, lines=True))
        with VerticalScroll() as page:
            page.border_subtitle = "Esc: back"
            yield Static(text)


class FilterDialog(ModalScreen[Asked | None]):
    """Who, what, in which project, since when; an empty line asks for all."""

    BINDINGS = [("escape", "dismiss", "cancel")]
    DEFAULT_CSS = f"""
    FilterDialog {{ {DIALOG_CSS} {CHOICE_CSS}
        & Field {{ background: $panel; margin-bottom: 0; }}
        & Field Input, & Field Input:focus {{ background: $surface; }}
        & Field .note {{ display: none; }}
        & Field.wrong .note {{ display: block; }}
    }}
    """

    def __init__(self, office: Office, asked: Asked, kinds: list[str]) -> None:
        super().__init__()
        self._office, self._asked, self._kinds = office, asked, kinds

    def compose(self) -> ComposeResult:
        """Four lines to type in."""
        with Vertical():
            yield Field("who", "Who: a user's name", anything, value=self._asked.who)
            suggester = SuggestFromList(self._kinds)
            what = "What, such as setting-changed; \N{RIGHTWARDS ARROW} completes"
            yield Field("what", what, anything, value=self._asked.what, suggester=suggester)
            yield Field("project", "Project", anything, value=self._asked.project)
            since = "Since 2026-11-25 or 2026-11-25 14:30, UTC"
            yield Field("since", since, read_date_ms, value=self._asked.since)
            yield Static("Tab: next   Enter: show   Esc: cancel", classes="keys", markup=False)

    @on(Field.Entered)
    async def _take(self) -> None:
        texts = {
            key: self.query_one(f"#field-{key}", Field).text.strip() for key in ("who", "what", "project", "since")
        }
        asked = Asked(**texts)
        try:
            await read_asked(self._office, asked)
        except TaglineError as error:
            self.query_one(".keys", Static).update(Text(str(error), self.app.theme_variables["error"]))
        else:
            self.dismiss(asked)
