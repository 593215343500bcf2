"""Every key in one table: it binds, it documents, and it writes the footer, the `?` screen and docs/keys.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding

from core.roles import Action


class Scope(StrEnum):
    """Where keys are heard; the value is the heading that people read."""

    EVERYWHERE = "Everywhere"
    PROJECTS = "Projects"
    WIZARD = "New project"
    PROJECT = "Project"
    DETAILS = "Details of a project"
    MEMBERS = "Members of a project"
    CLASSES = "Label classes"
    PEOPLE = "People"
    LOG = "The log"
    LABELING = "Labeling"
    PAGE = "Classification pages"
    REGIONS = "Boxes and polygons"
    PICTURE = "Looking at one image"
    REVIEW = "Review"
    DATA = "The grid of the data page"
    ITEM = "One image in review"
    CONFLICT = "Answers that differ"


@dataclass(frozen=True)
class Key:
    """One thing that keys do: `action` is the method `action_…` of the screen.

    Attributes:
        needs: what the account must be allowed to do; the footer is silent about keys that would only be refused.
    """

    keys: tuple[str, ...]
    shown: str
    action: str
    does: str
    scope: Scope
    footer: str = ""
    needs: Action | None = None


KEYS: tuple[Key, ...] = (
    Key(("question_mark",), "?", "help", "the keys of this screen", Scope.EVERYWHERE, "keys"),
    Key(("escape",), "Esc", "back", "cancel, then back", Scope.EVERYWHERE, "back"),
    Key(("ctrl+q",), "Ctrl+Q", "leave", "leave; work in progress is kept", Scope.EVERYWHERE),
    Key(("f5",), "F5", "reload", "refresh (never needed)", Scope.EVERYWHERE),
    Key(("enter",), "Enter", "open", "label this project", Scope.PROJECTS, "label"),
    Key(("d",), "d", "details", "dashboard of this project (lead, admin)", Scope.PROJECTS, "dashboard"),
    Key(("r",), "r", "review", "review its labels (lead, admin)", Scope.PROJECTS, "review"),
    Key(("n",), "n", "new", "a new project (admin)", Scope.PROJECTS, "new", Action.CHANGE_PROJECT),
    Key(("u",), "u", "people", "users: roles and keys (admin)", Scope.PROJECTS, "people", Action.MANAGE_PEOPLE),
    Key(("l",), "l", "log", "who did what when (admin)", Scope.PROJECTS, "log", Action.SEE_AUDIT),
    Key(("ctrl+n",), "Ctrl+N", "next", "the next step; Enter does it too where it is no line break", Scope.WIZARD, "next"),
    Key(("up", "down"), "\u2191\u2193", "move", "the field above or below", Scope.WIZARD),
    Key(("tab",), "Tab", "next", "next section", Scope.PROJECT, "section"),
    Key(("shift+tab",), "Shift+Tab", "previous", "the section before", Scope.PROJECT),
    Key(tuple("123456"), "1-6", "section", "the section of this number", Scope.PROJECT),
    Key(("space",), "Space", "pause", "pause or resume (admin)", Scope.PROJECT, "pause"),
    Key(("e",), "e", "edit", "details and settings (admin)", Scope.PROJECT, "settings"),
    Key(("r",), "r", "review", "its images and labels, to review", Scope.PROJECT, "review"),
    Key(("a",), "a", "assign", "give images still to do to labelers", Scope.PROJECT, "assign"),
    Key(("x",), "x", "export", "export the labels into the datastore (admin)", Scope.PROJECT),
    Key(("t",), "t", "train", "train ML assist now (admin)", Scope.PROJECT, "train"),
    Key(("T",), "T", "stop", "stop what ML assist does now (admin)", Scope.PROJECT),
    Key(("l",), "l", "log", "who did what when in it (admin)", Scope.PROJECT, "log"),
    Key(("up",), "\u2191", "up", "the line above", Scope.DETAILS),
    Key(("down",), "\u2193", "down", "the line below", Scope.DETAILS),
    Key(("enter",), "Enter", "change", "change this line, or open it", Scope.DETAILS, "change"),
    Key(("r",), "r", "refresh", "look for new and missing files now", Scope.DETAILS, "refresh"),
    Key(("space",), "Space", "pause", "pause or resume", Scope.DETAILS, "pause"),
    Key(("c",), "c", "labels", "the label classes", Scope.DETAILS, "classes"),
    Key(("m",), "m", "members", "the members", Scope.DETAILS, "members"),
    Key(("a",), "a", "assign", "give images still to do to labelers", Scope.DETAILS, "assign"),
    Key(("x",), "x", "export", "export the labels into the datastore", Scope.DETAILS, "export"),
    Key(("X",), "X", "delete", "delete the project (asks for its name)", Scope.DETAILS),
    Key(("n",), "n", "add", "a new label beside this one (pauses the project, asks what becomes of the labels so far)", Scope.CLASSES, "new"),
    Key(("b",), "b", "add_below", "a new label below this one", Scope.CLASSES, "below"),
    Key(("enter",), "Enter", "rename", "another name", Scope.CLASSES, "rename"),
    Key(("o",), "o", "recolor", "another colour", Scope.CLASSES, "colour"),
    Key(("shift+up", "shift+down"), "Shift+\u2191\u2193", "shift", "up or down in the order", Scope.CLASSES, "order"),
    Key(tuple("123456789"), "1-9", "digit", "give this label this number key", Scope.CLASSES),
    Key(("m",), "m", "merge", "merge this label into another (pauses the project)", Scope.CLASSES, "merge"),
    Key(("x",), "x", "retire", "take it out of the choice (asks); answers keep it", Scope.CLASSES, "retire"),
    Key(("space",), "Space", "pause", "pause or resume the project", Scope.CLASSES, "pause"),
    Key(("enter",), "Enter", "change", "another role", Scope.PEOPLE, "role"),
    Key(("n",), "n", "add", "a new user, with a public key", Scope.PEOPLE, "new"),
    Key(("k",), "k", "keys", "their keys: see, add, remove", Scope.PEOPLE, "keys"),
    Key(("x",), "x", "disable", "shut them out at once, or let them in again", Scope.PEOPLE, "disable"),
    Key(("l",), "l", "log", "what they did", Scope.PEOPLE, "log"),
    Key(("slash",), "/", "filter", "only some: by who, what, project, date", Scope.LOG, "filter"),
    Key(("enter",), "Enter", "open", "this entry in full", Scope.LOG, "open"),
    Key(("r",), "r", "all", "everything again", Scope.LOG, "all"),
    Key(("enter",), "Enter", "change", "another role in this project", Scope.MEMBERS, "role"),
    Key(("n",), "n", "add", "give the project to somebody", Scope.MEMBERS, "add"),
    Key(("x",), "x", "remove", "take the project away (asks)", Scope.MEMBERS, "remove"),
    Key(("a",), "a", "assign", "give images still to do to labelers", Scope.MEMBERS, "assign"),
    Key(tuple("123456789"), "1-9", "digit", "label the selected images, or the one in focus; the chosen region", Scope.LABELING, "label"),
    Key(("slash",), "/", "search", "label by typing part of its name", Scope.LABELING, "find"),
    Key(("enter",), "Enter", "submit", "submit the page", Scope.LABELING, "submit"),
    Key(("s",), "s", "skip", "skip the image in focus, with a reason or none", Scope.LABELING, "skip"),
    Key(("b",), "b", "earlier", "back through my submissions", Scope.LABELING, "earlier"),
    Key(("i",), "i", "instructions", "the instructions", Scope.LABELING),
    Key(("ctrl+z",), "Ctrl+Z", "undo", "undo", Scope.LABELING),
    Key(("ctrl+y",), "Ctrl+Y", "redo", "redo", Scope.LABELING),
    Key(("up", "down", "left", "right"), "arrows", "move", "move the focus; over the image while it is enlarged", Scope.PAGE),
    Key(
        ("shift+up", "shift+down", "shift+left", "shift+right"), "Shift+arrows", "extend", "extend the selection",
        Scope.PAGE,
    ),
    Key(("tab",), "Tab", "next", "next image", Scope.PAGE),
    Key(("shift+tab",), "Shift+Tab", "previous", "previous image", Scope.PAGE),
    Key(("space",), "Space", "toggle_selected", "select the image in focus, or leave it", Scope.PAGE, "select"),
    Key(("a",), "a", "all", "select all / none", Scope.PAGE, "all"),
    Key(("backspace",), "Backspace", "clear", "clear the labels of the selection", Scope.PAGE),
    Key(("g",), "g", "layout", "layout 1, 4, 6, 9", Scope.PAGE, "layout"),
    Key(("r", "t", "k", "p", "P", "m", "u"), "r t k p P m u", "tool",
        "rectangle, template box, four extreme points, polygon, the same with a round line, move/resize, points of a polygon",
        Scope.REGIONS, "draw"),
    Key(("space",), "Space", "place", "put a point down; a point more in the polygon", Scope.REGIONS, "point"),
    Key(("backspace",), "Backspace", "clear", "one letter, then one point back; a point less in the polygon", Scope.REGIONS),
    Key(("up", "down", "left", "right"), "arrows", "move", "move the crosshair, the part in hand, or the view", Scope.REGIONS),
    Key(
        ("shift+up", "shift+down", "shift+left", "shift+right"), "Shift+arrows", "extend", "the same in larger steps",
        Scope.REGIONS,
    ),
    Key(("tab",), "Tab", "next", "next region; next edge, corner or point", Scope.REGIONS, "next"),
    Key(("shift+tab",), "Shift+Tab", "previous", "the one before", Scope.REGIONS),
    Key(("h",), "h", "hints", "letters on regions: type them to choose one", Scope.REGIONS, "hints"),
    Key(("H",), "H", "proposals", "letters on proposed regions: each one typed becomes a region", Scope.REGIONS, "proposals"),
    Key(("e",), "e", "snap", "snap the chosen region to the object's edges; again: take the dashed outline", Scope.REGIONS, "snap"),
    Key(("E",), "E", "snap", "the same, while a tool points too; a segmenter finds what is under the crosshair", Scope.REGIONS),
    Key(("o",), "o", "overlay", "regions on or off", Scope.REGIONS),
    Key(("n",), "n", "name_next", "name the label of the next region", Scope.REGIONS),
    Key(("l",), "l", "lock", "lock or unlock the regions that are there", Scope.REGIONS),
    Key(("c",), "c", "duplicate", "the chosen region once more", Scope.REGIONS),
    Key(("x",), "x", "delete", "delete the chosen region", Scope.REGIONS, "delete"),
    Key(("X",), "X", "delete_all", "delete all regions (asks)", Scope.REGIONS),
    Key(("plus", "minus", "0", "equals_sign"), "+ - 0 =", "zoom", "nearer, farther, all of it, px for px", Scope.PICTURE, "zoom"),
    Key(
        ("less_than_sign", "greater_than_sign", "left_parenthesis", "right_parenthesis"), "< > ( )", "look",
        "brightness and contrast of the view", Scope.PICTURE,
    ),
    Key(("v",), "v", "rotate", "turn the view", Scope.PICTURE),
    Key(("left_square_bracket", "right_square_bracket"), "[ ]", "page", "page of a file of several", Scope.PICTURE),
    Key(("w",), "w", "window", "window and level of a DICOM image: arrows, letters for presets, i inverts, r resets", Scope.PICTURE,
        "window"),
    Key(("y",), "y", "approve", "approve what is selected, or the image in focus", Scope.REVIEW, "approve"),
    Key(("x",), "x", "reject", "reject it with a comment: it goes back to its labeler", Scope.REVIEW, "reject"),
    Key(("e",), "e", "correct", "correct it yourself", Scope.REVIEW, "correct"),
    Key(("enter",), "Enter", "open", "open the image in focus", Scope.DATA, "open"),
    Key(("slash",), "/", "filter", "filter by label, labeler, state, source, date, score, text", Scope.DATA, "filter"),
    Key(("space",), "Space", "toggle_selected", "select the image in focus, or leave it", Scope.DATA, "select"),
    Key(("a",), "a", "all", "select the whole page / none of it", Scope.DATA, "all"),
    Key(("A",), "A", "everything", "select all that the filter finds, on every page", Scope.DATA),
    Key(("up", "down", "left", "right"), "arrows", "move", "move the focus, at the edge to the next page", Scope.DATA),
    Key(("pagedown", "pageup"), "PgDn PgUp", "turn", "next page, page before", Scope.DATA, "page"),
    Key(("home", "end"), "Home End", "end", "first page, last page", Scope.DATA),
    Key(("g",), "g", "layout", "size of the thumbnails", Scope.DATA, "size"),
    Key(("t",), "t", "give", "give what is selected and still to do to labelers", Scope.DATA, "give to"),
    Key(("n",), "n", "conflicts", "settle what needs review, one after the other", Scope.DATA, "needs review"),
    Key(("enter",), "Enter", "take", "settle it with the answer chosen", Scope.CONFLICT, "take"),
    Key(tuple("123456789"), "1-9", "digit", "the answer of one labeler; again: all of them", Scope.ITEM, "whose"),
    Key(("tab",), "Tab", "next", "the next labeler's answer", Scope.ITEM),
    Key(("shift+tab",), "Shift+Tab", "previous", "the one before", Scope.ITEM),
    Key(("o",), "o", "overlay", "regions on or off", Scope.ITEM),
    Key(("pagedown", "pageup"), "PgDn PgUp", "turn", "next image, image before", Scope.ITEM, "next"),
    Key(("up", "down", "left", "right"), "arrows", "move",
        "next image, image before, up and down its history; enlarged, move over it", Scope.ITEM),
    Key(("f",), "f", "fast", "fast mode: the digit labels, submits, and shows the next", Scope.PAGE, "fast"),
)  # fmt: skip


def keys_of(*scopes: Scope) -> tuple[Key, ...]:
    """The table's rows of these scopes, in its order."""
    return tuple(key for key in KEYS if key.scope in scopes)


def bindings(*scopes: Scope) -> list[Binding]:
    """Textual's bindings; an action that several keys share learns which one it was."""
    found = []
    for key in keys_of(*scopes):
        for name in key.keys:
            action = f"{key.action}({name!r})" if len(key.keys) > 1 else key.action
            found.append(
                Binding(name, action, key.does, show=False, priority=key.scope is Scope.PAGE and "tab" in name)
            )
    return found


def footer(keys: Iterable[Key]) -> tuple[tuple[str, str], ...]:
    """The pairs of key and word that matter most, for a screen's last line."""
    return tuple((key.shown, key.footer) for key in keys if key.footer)


def as_markdown() -> str:
    """The whole table as the page docs/keys.md."""
    parts = ["# Keys", "", "Made from `tui/keymap.py` by `python -m tui.keymap`; change the table there.", ""]
    for scope in Scope:
        if rows := keys_of(scope):
            parts += [f"## {scope.value}", "", "| key | does |", "| --- | --- |"]
            parts += [f"| `{key.shown}` | {key.does} |" for key in rows]
            parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    print(as_markdown())
