"""The `tagline` command on the server itself: the shared commands, and those that make, serve and check an installation."""

from __future__ import annotations

from sshd import hardening

hardening.scrub_environment()

import argparse  # noqa: E402 - nothing may be imported before the environment is scrubbed
import asyncio  # noqa: E402
import sys  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402

from core.db.database import open_database  # noqa: E402
from core.errors import BadInput, TaglineError  # noqa: E402
from sshd import commands, logs  # noqa: E402
from sshd.commands import doctor, keeping  # noqa: E402
from sshd.commands.context import Context, Parser, Refused  # noqa: E402
from sshd.config import Config, default_data_dir, load_config, sensible  # noqa: E402
from storage.base import StorageError  # noqa: E402
from tui.text import Cleaner, clean  # noqa: E402


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = commands.build_parser("tagline")
    parser.add_argument("--data", type=Path, default=default_data_dir(), help="the data folder (or TAGLINE_DATA)")
    _add_own(parser)
    try:
        args = parser.parse_args(sys.argv[1:] if argv is None else argv)
        config = load_config(args.data)
        logs.set_up(config.log_level, config.log_format)
        if hasattr(args, "own"):
            return int(args.own(config, args))
        return asyncio.run(_shared(config, args))
    except Refused as refused:
        print(clean(refused.text, lines=True), end="", file=sys.stderr if refused.status else sys.stdout)
        return refused.status
    except (TaglineError, StorageError) as error:
        print(clean(str(error), lines=True), file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        return 130


def _add_own(parser: Parser) -> None:
    """The commands that only the operator of the machine has, and `doctor`, which must work without a database."""
    verbs = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    verbs.choices["doctor"].set_defaults(own=_doctor)
    demo = verbs.add_parser("demo", help="a small project of real photos, at once", example="tagline demo --port 2222")
    demo.add_argument("--port", type=int)
    demo.set_defaults(own=_demo)
    keeping.add_to(verbs)
    init = verbs.add_parser("init", help="make or update the data folder", example="tagline --data /srv/tagline init")
    init.set_defaults(own=_init)
    serve = verbs.add_parser("serve", help="serve labelers over SSH", example="tagline --data /srv/tagline serve")
    serve.add_argument("--port", type=int)
    serve.add_argument("--host")
    serve.add_argument("--front-ends", type=int)
    serve.set_defaults(own=_serve)


async def _shared(config: Config, args: argparse.Namespace) -> int:
    if config.database_url.startswith("sqlite") and not config.data_dir.is_dir():
        raise BadInput(
            f"There is no data folder {config.data_dir}. Make it with `tagline --data {config.data_dir} init`, "
            "or name another one: tagline --data FOLDER …"
        )
    db = await open_database(config.database_url)
    try:
        return await commands._act(args, Context(db, None, _stdout, _stderr))
    finally:
        await db.close()


async def _stdout(data: bytes) -> None:
    sys.stdout.buffer.write(_CLEANER.clean(data) if sys.stdout.isatty() else data)
    sys.stdout.buffer.flush()


_CLEANER = Cleaner()


async def _stderr(data: bytes) -> None:
    sys.stderr.buffer.write(data)


def _init(config: Config, args: argparse.Namespace) -> int:
    from sshd.installation import install

    fingerprint = asyncio.run(install(config))
    print(f"{config.data_dir} is ready. Host key: {fingerprint}")
    print(f"Next: tagline --data {config.data_dir} user add admin --role admin --key ~/.ssh/id_ed25519.pub")
    return 0


def _doctor(config: Config, args: argparse.Namespace) -> int:
    from sshd.doctor import examine

    async def report() -> int:
        return await doctor.report(await examine(config), _stdout, as_json=args.json)

    return asyncio.run(report())


def _demo(config: Config, args: argparse.Namespace) -> int:
    from sshd.demo import DATA_DIR, demo

    if args.data == default_data_dir():  # nobody's real data folder is made a demo by accident
        config = load_config(Path(DATA_DIR))
    return demo(config if args.port is None else sensible(replace(config, port=args.port)))


def _serve(config: Config, args: argparse.Namespace) -> int:
    from sshd.supervisor import serve

    given = {"port": args.port, "host": args.host, "front_ends": args.front_ends}
    given = {name: value for name, value in given.items() if value is not None}
    chosen = sensible(replace(config, **given))

    def read_again() -> Config:
        return sensible(replace(load_config(args.data), **given))

    serve(chosen, lambda port: print(f"Tagline listens on {chosen.host} port {port}.", flush=True), read_again)
    return 0


if __name__ == "__main__":
    sys.exit(main())
