"""`python -m sshd` is the `tagline` command."""

import sys

from sshd.cli import main

if __name__ == "__main__":
    sys.exit(main())
