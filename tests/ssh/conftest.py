"""The SSH tests run real clients and servers; the environment is scrubbed as the front end does it."""

from sshd import hardening

hardening.scrub_environment()
