"""A corpus small enough for every test: two synthetic speakers, three emotions, two sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from convert.corpora.synthetic import SENTENCES, make_corpus

SPEAKERS, EMOTIONS = (1, 2), ("neutral", "happy", "angry")


@pytest.fixture(scope="session")
def small_corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of corpora that holds one, `small`: 12 clips. Not to be written to."""
    folder = tmp_path_factory.mktemp("corpora")
    make_corpus(folder / "small", SPEAKERS, EMOTIONS, SENTENCES[:2])
    return folder
