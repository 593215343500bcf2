"""How Azure Blob containers are reached: a connection string or a SAS from the environment or a file, else Azure's own login.

Secrets live in the environment or in a file that only its owner can read; they are in no URL, no error and no log.
"""

from __future__ import annotations

import logging
import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from storage.base import StorageError

SECRETS_ENV = "TAGLINE_AZURE_SECRETS"
CONNECTION_ENV = "AZURE_STORAGE_CONNECTION_STRING"
SAS_ENV = "AZURE_STORAGE_SAS_TOKEN"
ACCOUNT_ENV = "AZURE_STORAGE_ACCOUNT"

# At DEBUG and INFO these write whole request lines, with the signature of a SAS in them.
for _talkative in ("azure", "urllib3"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)


@dataclass(frozen=True)
class Access:
    """Where an account's blobs are and what opens them; neither secret is part of its repr."""

    endpoint: str
    key: str | None = field(default=None, repr=False)
    sas: str | None = field(default=None, repr=False)

    def credential(self) -> Any:
        """What the client library takes; without a secret, a managed identity, `az login` and the like are tried."""
        if self.key or self.sas:
            return self.key or self.sas
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential()


def find_access(account: str, env: Mapping[str, str] = os.environ) -> Access:
    """The way into a storage account: the secrets file first, then the environment, then Azure's own login.

    Raises:
        StorageError: the secrets file or a connection string cannot be used; no secret is in the text.
    """
    given = _from_file(account, env.get(SECRETS_ENV, ""))
    if given is not None:
        return given
    connection = env.get(CONNECTION_ENV, "")
    if connection:
        name, access = _from_connection(connection)
        if name == account:
            return access
    if env.get(SAS_ENV) and env.get(ACCOUNT_ENV) == account:
        return Access(_public(account), sas=env[SAS_ENV].lstrip("?"))
    return Access(_public(account))


def _public(account: str) -> str:
    return f"https://{account}.blob.core.windows.net"


def _from_file(account: str, path: str) -> Access | None:
    if not path:
        return None
    given = _read(Path(path)).get(account)
    if given is None:
        return None
    if isinstance(given, dict):
        if isinstance(connection := given.get("connection_string"), str):
            return _from_connection(connection)[1]
        if isinstance(sas := given.get("sas"), str):
            return Access(str(given.get("endpoint", _public(account))).rstrip("/"), sas=sas.lstrip("?"))
    raise StorageError(f"[{account}] in {path} needs a text connection_string or sas.")


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise StorageError(f"{path} holds secrets but others may read it; do `chmod 600 {path}`.")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"The file {path} that {SECRETS_ENV} names cannot be read: {error.strerror}.") from error
    except ValueError:  # its text may quote a secret
        raise StorageError(f"The file {path} that {SECRETS_ENV} names is no TOML.") from None


def _from_connection(text: str) -> tuple[str, Access]:
    """The account's name, and the way in."""
    fields = {name.strip().lower(): value for name, _, value in (part.partition("=") for part in text.split(";"))}
    name = fields.get("accountname", "")
    protocol, suffix = fields.get("defaultendpointsprotocol", "https"), fields.get("endpointsuffix", "core.windows.net")
    endpoint = fields.get("blobendpoint") or (f"{protocol}://{name}.blob.{suffix}" if name else "")
    key, sas = fields.get("accountkey"), fields.get("sharedaccesssignature")
    if not endpoint or not (key or sas):
        raise StorageError("The Azure connection string has no account or no key; copy it again from the portal.")
    return name or _name_in(endpoint), Access(endpoint.rstrip("/"), key, sas)


def _name_in(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return parts.path.strip("/") or (parts.hostname or "").partition(".")[0]
