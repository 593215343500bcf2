"""`data import`: bring new files of a project's datastore in."""

from __future__ import annotations

import argparse
from typing import Any

from core import projects
from core.roles import Action
from sshd.commands.context import Context, Parser
from sshd.commands.project import load


def add_to(commands: Any) -> None:
    """Describe the noun."""
    noun = commands.add_parser("data", help="bring files in")
    verbs = noun.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=Parser)
    load_new = verbs.add_parser(
        "import", help="add files that are new in the project's folder", example="tagline data import Birds"
    )
    load_new.add_argument("project")
    load_new.set_defaults(act=_import)


async def _import(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.IMPORT)
    await load(context, await context.db.read(projects.get_project, args.project))
