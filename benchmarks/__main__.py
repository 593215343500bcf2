"""`python -m benchmarks NAME [NAME …]` or `all`: runs benchmarks and prints one JSON object each."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

import orjson

from benchmarks.rig.report import forget_peak, versions

NAMES = (
    "picture",
    "snap",
    "overlay",
    "large",
    "drawing",
    "held_key",
    "fuzz_keys",
    "queue",
    "ingest",
    "sessions",
    "faults",
    "siege",
    "namespaces",
    "upkeep",
    "load",
    "escapes",
    "dashboard",
    "consensus",
    "export",
    "blob",
    "archive",
    "imports",
    "images",
    "fuzz-labels",
    "fuzz-images",
    "assist",
    "assist_regions",
    "assist_kills",
    "assist_kills_regions",
    "assist_beside",
    "assist_purity",
    "assist_segmenter",
    "assist_speed",
)


def main() -> int:
    """Run what was asked for; 1 when a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="+", choices=[*NAMES, "all"], metavar="NAME")
    parser.add_argument(
        "--items",
        type=int,
        help="queue, ingest, faults, export, fuzz_keys, assist_…: how many items, keys, seeds or kills instead of the target's",
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="queue, sessions: how long each part runs")
    parser.add_argument("--seed", type=int, default=1, help="assist_regions: of the order and of the audit sample")
    parser.add_argument("--engine", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--photos", type=Path, help="picture: a folder of photos (default: the demo's)")
    parser.add_argument("--peer", metavar="PYTHON", help="export: a Python that has Datumaro")
    args = parser.parse_args()
    missed = False
    for name in NAMES if "all" in args.names else args.names:
        forget_peak()
        result = importlib.import_module(f"benchmarks.{name.replace('-', '_')}").run(args)
        result = {"benchmark": name, **versions(), **result}
        sys.stdout.buffer.write(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
        sys.stdout.flush()
        missed = missed or not all(result.get("met", {}).values())
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
