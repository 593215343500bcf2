"""`make audit`: are there known vulnerabilities in what requirements.txt pins? Without pip-audit or without a network it says so.

Exit status 1 only where something is vulnerable: a machine without a network can still run `make check`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

COMMAND = [
    "-m",
    "pip_audit",
    "-r",
    "requirements.txt",
    "--disable-pip",
    "--require-hashes",
    "--format",
    "json",
    "--progress-spinner",
    "off",
]
SERVICE = os.environ.get("TAGLINE_AUDIT_SERVICE", "osv")  # one question for all packages, not one for each
TIMEOUT_S = 120


def main() -> int:
    """Ask, and say what was found in a line a package."""
    if importlib.util.find_spec("pip_audit") is None:
        print("NOT AUDITED: pip-audit is not installed; `.venv/bin/pip install pip-audit`, then `make audit` again.")
        return 0
    try:
        done = subprocess.run(
            [sys.executable, *COMMAND, "--vulnerability-service", SERVICE],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        packages = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError, KeyError):
        print("NOT AUDITED: pip-audit reached no vulnerability service; run `make audit` where there is a network.")
        return 0
    bad = [package for package in packages if package.get("vulns")]
    for package in bad:
        ids = ", ".join(one["id"] for one in package["vulns"])
        print(f"{package['name']} {package['version']}: {ids}")
    print(f"audited {len(packages)} packages: {len(bad)} with known vulnerabilities")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
