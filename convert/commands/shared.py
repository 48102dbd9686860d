"""What several commands share: exit statuses, arguments, where a recipe and the synthetic corpus are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

OK, FAILED, INTERRUPTED = 0, 2, 130


def add_corpora(parser: argparse.ArgumentParser) -> None:
    """Add the folder of the corpora to a command that cannot do without."""
    parser.add_argument(
        "--corpora", type=Path, required=True, metavar="DIR", help="folder that holds one folder a corpus"
    )


def recipe_path(name: str) -> Path:
    """Return the file that is meant by a path or by the name of a recipe that came with edge-ser."""
    from convert.recipe_file import RECIPES

    shipped = RECIPES / f"{name}.toml"
    return shipped if shipped.is_file() and not Path(name).is_file() else Path(name)


def provide_synthetic(names: Sequence[str], corpora: Path) -> None:
    """Make the synthetic corpus where a recipe wants it and it is not there.

    Raises
    ------
    CorpusError
        It cannot be written there.
    """
    from convert.corpora.catalogue import SYNTHETIC
    from convert.corpora.manifest import MANIFEST_NAME
    from convert.corpora.synthetic import make_corpus
    from convert.errors import CorpusError

    folder = corpora / SYNTHETIC
    if SYNTHETIC not in names or (folder / MANIFEST_NAME).is_file():  # the manifest is written last
        return
    try:
        make_corpus(folder)
    except OSError as error:
        raise CorpusError(
            f"The synthetic corpus cannot be written to {folder} ({error.strerror})", "Leave --corpora out"
        ) from error
