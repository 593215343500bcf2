"""`tagline doctor` finds what is wrong with an installation and says what to do."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from sshd import model_checks
from sshd.config import Config, load_config
from sshd.doctor import check_data_dir, check_port, check_sqlite, check_versions, examine
from sshd.findings import Finding, Verdict
from sshd.installation import install
from tui.picture import sixel


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """An installation that is in order, on a port of its own."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    config = replace(load_config(tmp_path / "data", {}), host="127.0.0.1", port=port)
    asyncio.run(install(config))
    return config


def found(config: Config) -> dict[str, Finding]:
    """Every finding by what was looked at."""
    return {finding.what: finding for finding in asyncio.run(examine(config))}


def test_a_sound_installation_has_no_failure(config: Config) -> None:
    """Right after `init` nothing fails, and every part was looked at."""
    findings = found(config)
    assert {
        "python",
        "libraries",
        "sixel encoder",
        "sqlite",
        "data folder",
        "disk",
        "host key",
        "database",
        "port",
    } <= set(findings)
    assert not [finding for finding in findings.values() if finding.verdict is Verdict.FAIL]


def test_what_is_wrong_is_named_with_its_cure(config: Config) -> None:
    """A key that others can read, a damaged database and a taken port are each a failure that says what to do."""
    config.host_key_path.chmod(0o644)
    (config.data_dir / "tagline.db").write_bytes(b"no database " * 999)
    for rest in config.data_dir.glob("tagline.db-*"):
        rest.unlink()
    with socket.socket() as other:
        other.bind((config.host, config.port))
        other.listen()
        findings = found(config)
    for what, words in (("host key", "chmod 600"), ("database", "restore a backup"), ("port", "set another")):
        assert findings[what].verdict is Verdict.FAIL
        assert words in findings[what].detail


def test_a_folder_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    """Before `init` the folder is the only finding about data, with the command that makes it."""
    (finding,) = check_data_dir(load_config(tmp_path / "nothing", {}))
    assert finding.verdict is Verdict.FAIL
    assert "init" in finding.detail


def test_the_slow_encoder_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation made without a compiler works, and the doctor says what would make it faster."""
    monkeypatch.setattr(sixel, "ENCODER", "numpy")
    finding = next(finding for finding in check_versions() if finding.what == "sixel encoder")
    assert finding.verdict is Verdict.WARN
    assert "compiler" in finding.detail


def test_a_segmenter_that_cannot_work_is_a_warning_that_names_the_file(config: Config) -> None:
    """Settings that lead nowhere are found before a labeler presses the key; none at all are in order."""
    assert found(config)["segmenter"].verdict is Verdict.OK
    finding = found(replace(config, segment_encoder="encoder.onnx", segment_decoder="decoder.onnx"))["segmenter"]
    assert finding.verdict is Verdict.WARN
    assert "encoder.onnx is not there" in finding.detail


def test_a_learning_worker_without_pytorch_is_a_warning(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing, how to install it, and what works without it."""
    monkeypatch.setattr(model_checks, "BUNDLED", ("no_such_package",))
    finding = found(config)["learning worker"]
    assert finding.verdict is Verdict.WARN
    assert "no_such_package missing: pip install 'tagline[assist]'" in finding.detail


def test_an_old_sqlite_is_a_warning() -> None:
    """The version with the WAL-reset bug is named; the one that mended it is fine."""
    assert check_sqlite((3, 46, 0)).verdict is Verdict.WARN
    assert check_sqlite((3, 51, 3)).verdict is Verdict.OK


def test_a_server_that_runs_is_no_trouble(config: Config) -> None:
    """The port on which Tagline itself listens is in order."""
    with socket.socket() as server:
        server.bind((config.host, config.port))
        server.listen()
        server.settimeout(5)

        async def story() -> Finding:
            check = asyncio.create_task(asyncio.to_thread(check_port, config))
            connection, _ = await asyncio.to_thread(server.accept)
            connection.sendall(b"SSH-2.0-Tagline\r\n")
            connection.close()
            return await check

        assert asyncio.run(story()).verdict is Verdict.OK
