"""`user add|list|role|disable|enable|key|password`."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from pathlib import Path
from typing import Any

from core.errors import BadInput, Forbidden
from core.ids import Role
from core.roles import Action
from core.team import passwords, people
from core.team.people import KeyLine
from sshd.commands.context import Context, Parser, add_json
from tui.public_key import parse_key


def add_to(commands: Any) -> None:
    """Describe the noun."""
    noun = commands.add_parser("user", help="who may log in")
    verbs = noun.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=Parser)
    add = verbs.add_parser(
        "add", help="make a user", example="tagline user add alice --role labeler --key ~/.ssh/id_ed25519.pub"
    )
    add.add_argument("name")
    add.add_argument("--role", choices=[role.value for role in Role], default=Role.LABELER.value)
    add.add_argument("--key", action="append", default=[], help="a public key: a file, or the key's line itself")
    add.add_argument("--password", action="store_true", help="ask for a password (or read it from standard input)")
    add.set_defaults(act=_add)
    listing = verbs.add_parser("list", help="all users", example="tagline user list --json")
    add_json(listing)
    listing.set_defaults(act=_list)
    for verb, help_text in (("disable", "shut a user out at once"), ("enable", "let a user in again")):
        change = verbs.add_parser(verb, help=help_text, example=f"tagline user {verb} alice")
        change.add_argument("name")
        change.set_defaults(act=_set_disabled)
    role = verbs.add_parser("role", help="give a user another role", example="tagline user role alice lead")
    role.add_argument("name")
    role.add_argument("role", choices=[role.value for role in Role])
    role.set_defaults(act=_set_role)
    key = verbs.add_parser(
        "key", help="a user's keys: see, add, remove", example="tagline user key alice --add ~/alice.pub"
    )
    key.add_argument("name")
    key.add_argument("--add", action="append", default=[], help="a public key: a file, or the key's line itself")
    key.add_argument("--remove", action="append", default=[], help="a fingerprint, as `user key NAME` prints it")
    add_json(key)
    key.set_defaults(act=_key)
    password = verbs.add_parser(
        "password", help="give a user a password, or take it away", example="tagline user password alice"
    )
    password.add_argument("name")
    password.add_argument("--remove", action="store_true", help="take it away: keys only from then on")
    password.set_defaults(act=_set_password)


def read_key(text: str, *, may_open: bool) -> KeyLine:
    """A public key from its OpenSSH line, or from a file of the operator's. Raises BadInput."""
    line = text
    if not text.startswith(("ssh-", "ecdsa-", "sk-")):
        if not may_open:
            raise BadInput("Over SSH give the key's line itself, in quotes, not a file.")
        try:
            line = Path(text).expanduser().read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise BadInput(f"The key file {text} cannot be read: {reason}.") from error
    return parse_key(line)


async def _password(context: Context, user: str) -> str | None:
    if context.account is not None:
        raise Forbidden("A password is set on the server itself, not over SSH exec, where it could be seen.")
    if sys.stdin.isatty():
        text = await asyncio.to_thread(getpass.getpass, "Password: ")
        if text != await asyncio.to_thread(getpass.getpass, "Again: "):
            raise BadInput("The two passwords differ; nothing was changed.")
    else:
        text = sys.stdin.readline().rstrip("\n")
    return await asyncio.to_thread(passwords.hash_password, text, user)


async def _add(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.MANAGE_PEOPLE)
    keys = [read_key(text, may_open=context.account is None) for text in args.key]
    password_hash = await _password(context, args.name) if args.password else None
    if not keys and password_hash is None:
        raise BadInput("A user needs --key or --password to log in; nothing was made.")
    account = await context.db.write(
        people.add_account,
        args.name,
        Role(args.role),
        password_hash=password_hash,
        keys=keys,
        by=context.by,
        now_ms=context.now_ms,
    )
    await context.say(f"{account.name} is added; role: {account.role}.")


async def _list(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.MANAGE_PEOPLE)
    found = await context.db.read(people.list_accounts)
    rows = [
        {
            "name": account.name,
            "role": account.role.value,
            "state": "disabled" if account.disabled else "enabled",
            "password": "yes" if account.has_password else "no",
        }
        for account in found
    ]
    await context.show(rows, as_json=args.json, empty="There is no user yet.")


async def _set_disabled(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.MANAGE_PEOPLE)
    account = await context.db.read(people.account_by_name, args.name)
    disabled = args.verb == "disable"
    if disabled and context.account is not None and account.id == context.account.id:
        raise BadInput("You cannot disable yourself.")
    await context.db.write(people.set_disabled, account.id, disabled, by=context.by, now_ms=context.now_ms)
    await context.say(f"{args.name} is {args.verb}d.")


async def _set_role(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.MANAGE_PEOPLE)
    account = await context.db.read(people.account_by_name, args.name)
    await context.db.write(people.set_role, account.id, Role(args.role), by=context.by, now_ms=context.now_ms)
    await context.say(f"{args.name} has the role {args.role} now.")


async def _key(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.MANAGE_PEOPLE)
    account = await context.db.read(people.account_by_name, args.name)
    new = [read_key(text, may_open=context.account is None) for text in args.add]
    for key in new:
        await context.db.write(people.add_key, account.id, key, by=context.by, now_ms=context.now_ms)
    for fingerprint in args.remove:
        await context.db.write(people.remove_key, account.id, fingerprint, by=context.by, now_ms=context.now_ms)
    keys = await context.db.read(people.keys_of, account.id)
    rows = [{"fingerprint": key.fingerprint, "key": key.line} for key in keys]
    await context.show(rows, as_json=args.json, empty=f"{args.name} has no key.")


async def _set_password(context: Context, args: argparse.Namespace) -> None:
    context.require(Action.MANAGE_PEOPLE)
    account = await context.db.read(people.account_by_name, args.name)
    password_hash = None if args.remove else await _password(context, args.name)
    await context.db.write(people.set_password, account.id, password_hash, by=context.by, now_ms=context.now_ms)
    await context.say(f"{args.name} has {'no' if args.remove else 'a new'} password now.")
