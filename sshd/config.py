"""What an operator may set: `tagline.toml` in the data folder, then the environment, over sound defaults."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from core.errors import BadInput
from sshd.limits import Limits

FILE_NAME = "tagline.toml"
ENV_PREFIX = "TAGLINE_"
_KINDS = {int: "a whole number", float: "a number", str: "a text"}
_LOG_FORMATS = ("text", "json")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True)
class Config:
    """Everything that the server needs to know before it starts.

    Attributes:
        host: address to listen on.
        port: TCP port; 0 lets the system choose one.
        front_ends: SSH processes that share the port.
        learners: learning workers that this machine runs; 0 where another machine, such as a GPU host, does that.
        heartbeat_s: a front end whose event loop is silent for this long is replaced.
        drain_s: how long sessions get to save their work when the server stops.
        sources: datastores from which admins may make projects on the screen, and all below them, with `;` between;
            empty for the folder `images` in the data folder.
        log_format: `text` for people, `json` for programs.
        metrics_file: where the janitor keeps Prometheus text, for node_exporter's textfile collector; empty for nowhere.
        segment_encoder, segment_decoder: ONNX files of a promptable segmenter, in the data folder or by their whole path;
            both or none.
        probe_timeout_s: how long a terminal's answer to the capability questions is waited for.
    """

    data_dir: Path
    database_url: str
    host: str = "0.0.0.0"  # noqa: S104 - labelers come from other machines
    port: int = 2222
    front_ends: int = field(default_factory=lambda: max(1, min(8, os.cpu_count() or 1)))
    learners: int = 1
    heartbeat_s: float = 20.0
    drain_s: float = 10.0
    probe_timeout_s: float = 1.0
    log_level: str = "INFO"
    log_format: str = "text"
    metrics_file: str = ""
    sources: str = ""
    segment_encoder: str = ""
    segment_decoder: str = ""
    limits: Limits = field(default_factory=Limits)

    @property
    def host_key_path(self) -> Path:
        """The server's private host key; made at the first start."""
        return self.data_dir / "host_key"

    @property
    def source_urls(self) -> tuple[str, ...]:
        """Datastores from which admins may make projects on the screen; a bare path is a folder of this machine."""
        given = [source.strip() for source in self.sources.split(";") if source.strip()]
        return tuple(f"local:{source}" if source.startswith("/") else source for source in given) or (
            f"local:{self.data_dir / 'images'}",
        )

    @property
    def segmenter_paths(self) -> tuple[Path, Path] | None:
        """Where the segmenter's encoder and decoder lie, if there is to be one."""
        names = self.segment_encoder.strip(), self.segment_decoder.strip()
        return (self.data_dir / names[0], self.data_dir / names[1]) if all(names) else None

    def to_json(self) -> bytes:
        """A form for another process of the same release; inverse of `from_json`."""
        return json.dumps(asdict(self) | {"data_dir": str(self.data_dir)}).encode()

    @classmethod
    def from_json(cls, body: bytes) -> Config:
        """Read what `to_json` wrote."""
        values = json.loads(body)
        return cls(
            **values
            | {
                "data_dir": Path(values["data_dir"]),
                "limits": Limits(**values["limits"]),
            }
        )


def default_data_dir(env: Mapping[str, str] = os.environ) -> Path:
    """`TAGLINE_DATA`, or the platform's place for an application's data."""
    given = env.get(f"{ENV_PREFIX}DATA")
    return Path(given) if given else user_data_path("tagline")


def load_config(data_dir: Path, env: Mapping[str, str] = os.environ) -> Config:
    """The settings of this data folder.

    Raises:
        BadInput: the file is no TOML, names an unknown setting, or a value is of the wrong kind.
    """
    data_dir = data_dir.expanduser().resolve()
    given = _from_file(data_dir / FILE_NAME) | _from_env(env)
    limits = given.pop("limits", {})
    if not isinstance(limits, dict):
        raise BadInput(f"[limits] in {FILE_NAME} is a table of its own.")
    config = Config(data_dir, f"sqlite:///{data_dir / 'tagline.db'}")
    config = replace(
        config,
        **_checked(config, given),
        limits=replace(Limits(), **_checked(Limits(), limits)),
    )
    return sensible(config)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadInput(f"{path} cannot be read: {error}. Nothing was started.") from error


def _from_env(env: Mapping[str, str]) -> dict[str, Any]:
    names = {f.name for f in fields(Config)} - {"data_dir", "limits"}
    return {name: env[key] for name in names if (key := ENV_PREFIX + name.upper()) in env}


def _checked(defaults: Config | Limits, given: Mapping[str, Any]) -> dict[str, Any]:
    known = {f.name for f in fields(defaults)} - {"data_dir", "limits"}
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise BadInput(f"{FILE_NAME} names {name!r}, which is no setting. There are: {', '.join(sorted(known))}.")
        kind = type(getattr(defaults, name))
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise BadInput(f"The setting {name!r} is {value!r}; it should be {_KINDS[kind]}.")
        try:
            values[name] = kind(value)
        except ValueError as error:
            raise BadInput(f"The setting {name!r} is {value!r}; it should be {_KINDS[kind]}.") from error
    return values


def sensible(config: Config) -> Config:
    """The settings, where they can all work. Raises BadInput naming the first that cannot."""
    if not 0 <= config.port <= 65535:
        raise BadInput(f"The port is {config.port}; ports go from 0 to 65535.")
    if not 1 <= config.front_ends <= 64:
        raise BadInput(f"front_ends is {config.front_ends}; 1 to 64 are possible.")
    if not 0 <= config.learners <= 8:
        raise BadInput(f"learners is {config.learners}; 0 to 8 are possible.")
    if config.log_level.upper() not in _LOG_LEVELS:
        raise BadInput(f"log_level is {config.log_level!r}; it is one of {', '.join(_LOG_LEVELS)}.")
    if config.log_format not in _LOG_FORMATS:
        raise BadInput(f"log_format is {config.log_format!r}; it is one of {', '.join(_LOG_FORMATS)}.")
    if bool(config.segment_encoder.strip()) != bool(config.segment_decoder.strip()):
        raise BadInput("segment_encoder and segment_decoder are set both or not at all.")
    for name in ("heartbeat_s", "drain_s", "probe_timeout_s"):
        if getattr(config, name) <= 0:
            raise BadInput(f"{name} must be more than 0.")
    return replace(config, log_level=config.log_level.upper())
