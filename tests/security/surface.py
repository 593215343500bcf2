"""Every command that shows stored text, and calls with a payload `{p}` for an argument; `{0}` and `{1}` are projects."""

from __future__ import annotations

READS = (
    "project list", "project status {0}", "project members {0}", "label list {0}", "review list {0}", "review list {1}",
    "review list {0} --state unreadable", "dashboard {0}", "agreement {0}", "gold report {0}", "assist status {0}", "report {0}",
    "audit --limit 500", "user list", "user key ada", "status", "metrics", "doctor", "export {0} --list", "--help", "label --help",
)  # fmt: skip
STREAMS = ("audit --format jsonl", "audit --format csv", "export {0} --all", "export {0} --all --format jsonl")
REFUSED = (
    "project status {p}", "project {p}", "{p}", "label add {0} {p} --then continue", "user add {p} --key {p}", "user key ada --add {p}",
    "review show {0} {p}", "review list {0} --with-label {p}", "review list {0} --labeler {p}", "review reject {0} {p} --comment {p}",
    "audit --user {p}", "audit --since {p}", "project set {0} {p}", "export {p}", "export {0} --format {p}", "data labels {0} {p}",
    "project create {p} --type multi-class --folder {p} --label {p}", "gold add {0} {p} --label {p}", "assist on {0} --first {p}",
)  # fmt: skip
