"""`edge-ser`: where the command begins."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from edge_ser.cli.stop import deadly_signals

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process where it is None.
    """
    with deadly_signals():
        # Imported here: Ctrl-C before the imports are done is to end them, too, without a traceback.
        from edge_ser.cli.program import run

        return run(argv)


if __name__ == "__main__":
    sys.exit(main())
