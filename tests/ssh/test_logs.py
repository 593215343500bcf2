"""What stands in the server's log: one line a record, readable by people or programs, and never a secret."""

from __future__ import annotations

import io
import json
import logging

import pytest

from sshd import logs

SECRETS = [
    "postgresql://tagline:hunter2secret@db.example/tagline cannot be reached",
    "https://acc.blob.core.windows.net/c?sv=2024&sig=hunter2secret%3D&se=2026",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=hunter2secret==;EndpointSuffix=core.windows.net",
    "password=hunter2secret",
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$hunter2secret",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2secret\n-----END OPENSSH PRIVATE KEY-----",
]


@pytest.fixture
def lines() -> object:
    """A log that is read back; the process's own is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()

    def start(form: str) -> io.StringIO:
        logs.set_up("INFO", form, stream)
        return stream

    yield start
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_reaches_the_log(lines: object, form: str, secret: str) -> None:
    """Passwords, signatures, keys and hashes are left out of messages, of their arguments and of tracebacks."""
    stream = lines(form)  # type: ignore[operator]
    log = logging.getLogger("tagline.test")
    log.warning("it said: %s", secret)
    try:
        raise RuntimeError(secret)
    except RuntimeError:
        log.exception("failed")
    text = stream.getvalue()
    assert "hunter2secret" not in text
    assert len(text.splitlines()) == 2


@pytest.mark.parametrize("form", ["text", "json"])
def test_nobody_forges_a_line(lines: object, form: str) -> None:
    """A user name with a line break or an escape sequence, which anybody may claim, stays inside of its line."""
    stream = lines(form)  # type: ignore[operator]
    logging.getLogger("tagline.server").warning("password of %s refused", "x\n2026-01-01 INFO all is well\x1b[2J\x9b2J")
    (line,) = stream.getvalue().splitlines()
    assert not [char for char in line if ord(char) < 32 or 127 <= ord(char) < 160]


def test_json_lines_are_for_programs(lines: object) -> None:
    """Each line is an object with the time, the level, the process, where it comes from and what happened."""
    stream = lines("json")  # type: ignore[operator]
    logging.getLogger("tagline.janitor").info("%d leases ran out", 3)
    found = json.loads(stream.getvalue())
    assert found.keys() == {"timestamp", "level", "pid", "logger", "event"}
    assert (found["event"], found["level"], found["logger"]) == ("3 leases ran out", "info", "tagline.janitor")
