"""What a command says: tables on the terminal, and its log there and in a file."""

from __future__ import annotations

import logging
from pathlib import Path

from rich.console import Console
from rich.logging import RichHandler

LOG = "run.log"
PIPE_COLUMNS = 120


def wide_console(columns: int = PIPE_COLUMNS) -> Console:
    """Return the terminal, or where there is none, so many columns: a pipe or a log can hold whole tables."""
    console = Console()
    return console if console.is_terminal else Console(width=columns)


def log_to(out: Path) -> None:
    """Log to the terminal in short and to `run.log` with times."""
    out.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(out / LOG, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    terminal = RichHandler(show_path=False, show_level=False)
    terminal.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[file, terminal], force=True)
    for talkative in ("absl", "tensorflow"):
        logging.getLogger(talkative).setLevel(logging.ERROR)
