"""Corpora: what was recorded, by whom, under which licence, and what its labels mean."""

from convert.corpora.catalogue import CATALOGUE, CLASSES, OPTIONAL_CLASSES, CorpusInfo
from convert.corpora.manifest import Clip, read_corpus
from convert.corpora.recordings import Recordings

__all__ = ["CATALOGUE", "CLASSES", "OPTIONAL_CLASSES", "Clip", "CorpusInfo", "Recordings", "read_corpus"]
