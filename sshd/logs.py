"""The server's log: lines for people, or JSON lines for programs. One record is one line, and no line holds a secret.

What comes from outside (user names before they are proven, file names, other libraries' messages) cannot begin a line of its own
nor move a terminal's cursor.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import IO, Any

import structlog

from tui.text import clean

NOISY = ("asyncssh", "alembic", "azure", "urllib3")
HIDDEN = "…"
_SECRETS = (
    re.compile(r"(?<=://)([^/\s:@]+):([^@\s]+)(?=@)"),  # user:password@ in a URL
    re.compile(r"(?i)\b(sig|accountkey|sharedaccesssignature|password|passwd|secret|token)\s*=\s*[^&;\s'\"]+"),
    re.compile(r"\$argon2\w*\$[^\s'\"]+"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
)


def without_secrets(text: str) -> str:
    """The text with passwords in URLs, keys, signatures and hashes left out. Pure."""
    text = _SECRETS[0].sub(rf"\1:{HIDDEN}", text)
    text = _SECRETS[1].sub(rf"\1={HIDDEN}", text)
    return _SECRETS[3].sub(HIDDEN, _SECRETS[2].sub(HIDDEN, text))


def _safe(_logger: Any, _method: str, event: Any) -> Any:
    """Every text of a record without secrets and control characters."""
    return {key: _safe_text(value) if isinstance(value, str) else value for key, value in event.items()}


def _safe_text(text: str) -> str:
    return clean(without_secrets(text).replace("\n", " | "))


def _plain(_logger: Any, _method: str, event: Any) -> str:
    """One line for people."""
    more = f" | {event['exception']}" if event.get("exception") else ""
    return "{timestamp} {pid} {level} {logger}: {event}".format(**event) + more


def _add_pid(_logger: Any, _method: str, event: Any) -> Any:
    event["pid"] = event["_record"].process
    return event


def formatter(form: str) -> logging.Formatter:
    """The formatter of `log_format`: `text` or `json`."""
    ending: list[Any] = [structlog.processors.JSONRenderer()] if form == "json" else [_plain]
    before: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[
            _add_pid,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _safe,
            *ending,
        ],
    )


def set_up(level: str, form: str, stream: IO[str] | None = None) -> None:
    """Send this process's log to a stream, or to standard error."""
    handler = logging.StreamHandler(stream or sys.__stderr__)
    handler.setFormatter(formatter(form))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
