"""A corpus as it was downloaded, or recorded by oneself, made into a folder with a manifest.

Nothing is copied: the new folder's `audio` holds links to the files where they are.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from convert.corpora.audio import read_pcm
from convert.corpora.catalogue import CATALOGUE, CLASSES, DESCRIPTION_NAME, OPTIONAL_CLASSES, SYNONYMS
from convert.corpora.layouts import Layout, layout_of, name_of, parse_name
from convert.corpora.manifest import AUDIO_FOLDER, COLUMNS, MANIFEST_NAME
from convert.errors import CorpusError
from edge_ser.settings import SAMPLE_RATE

AUDIO_SUFFIXES = (".wav", ".flac", ".opus", ".ogg", ".mp3")
NAMED = 3  # broken files that an error names; of the others it gives the number


@dataclass(frozen=True, slots=True)
class Own:
    """What only the owner of recordings can say about them; written to the new corpus's `corpus.toml`."""

    name: str = ""
    """Of the new folder; empty for the layout's."""

    title: str = ""
    """What it is, in a few words."""

    licence: str = ""
    """Under which the recordings may be used."""

    consent: str = ""
    """What the speakers agreed to, and how."""

    may_ship: bool = False
    """Whether weights trained on it may be passed on."""


def import_corpus(
    corpus: str,
    source: Path,
    corpora: Path,
    progress: Callable[[Iterable[Path]], Iterable[Path]] = iter,
    *,
    own: Own | None = None,
    skip_broken: bool = False,
) -> Path:
    """Make recordings usable: write their manifest and link their files.

    Every file is decoded once, so that a broken download is found here and not after an hour of work.

    Parameters
    ----------
    corpus : str
        One of `LAYOUTS`.
    source : Path
        Where it was unpacked; its files may lie in any folders below.
    corpora : Path
        Folder of corpora; gets a folder of the corpus's name.
    progress : callable
        Wraps the iteration over files.
    own : Own, optional
        For recordings that the catalogue does not know.
    skip_broken : bool
        Leave broken files out instead of refusing the corpus.

    Returns
    -------
    Path
        The new folder, complete.

    Raises
    ------
    CorpusError
        The layout is not known, the folder is there already, no file name or two of one name belong to the corpus,
        a folder's name is no emotion, or files are broken.
    """
    layout, own = layout_of(corpus), own or Own()
    folder = corpora / (own.name or corpus)
    if (folder / MANIFEST_NAME).exists():
        raise CorpusError(f"{folder} is there already", "Delete it first, or leave it as it is")
    rows, broken = [], []
    for file, path, fields in _matching(source, corpus, layout, progress):
        try:
            rows.append((path, _row(file, path, fields)))
        except CorpusError as error:
            broken.append(error.problem)
    if broken and not (skip_broken and rows):
        more = f" and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
        raise CorpusError(
            "; ".join(broken[:NAMED]) + more, "Download the corpus again, or leave them out: --skip-broken"
        )
    _link(rows, folder)
    if folder.name not in CATALOGUE:
        (folder / DESCRIPTION_NAME).write_text(_description(own), encoding="utf-8")
    # The manifest comes last, under its own name only when it is whole: without it the folder is no corpus.
    part = folder / f"{MANIFEST_NAME}.part"
    with part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(row for _, row in rows)
    part.replace(folder / MANIFEST_NAME)
    return folder


def _matching(
    source: Path, corpus: str, layout: Layout, progress: Callable[[Iterable[Path]], Iterable[Path]]
) -> Iterable[tuple[str, Path, dict[str, str]]]:
    """Give each file of the corpus once: its name in the new folder, where it is, and its columns."""
    found: dict[str, tuple[Path, dict[str, str]]] = {}
    for path in sorted(source.rglob("*")):
        # macOS archives hold a shadow ._NAME of each file.
        if path.suffix.lower() not in AUDIO_SUFFIXES or path.name.startswith("."):
            continue
        name = name_of(path, layout)
        if (fields := parse_name(corpus, name)) is None:
            continue
        _check_label(path, fields["emotion"])
        first, _ = found.setdefault(name.replace("/", "_") + path.suffix, (path, fields))
        # RAVDESS's archive on Kaggle, and TESS's, hold everything twice.
        if first != path and _sha256(first) != _sha256(path):
            raise CorpusError(f"{first} and {path} have one name and differ", "Delete the one that does not belong")
    if not found:
        raise CorpusError(f"{source} holds no files named as in {corpus}", "Name the folder it was unpacked into")
    fields_of = {path: (file, fields) for file, (path, fields) in found.items()}
    for path in progress(list(fields_of)):
        file, fields = fields_of[path]
        yield file, path, fields


def _check_label(path: Path, emotion: str) -> None:
    known = (*CLASSES, *OPTIONAL_CLASSES)
    if emotion not in known and emotion not in SYNONYMS:
        raise CorpusError(
            f"{path.parent}: {emotion!r} is no emotion known here", f"Rename it to one of {', '.join(known)}"
        )


def _row(file: str, path: Path, fields: Mapping[str, str]) -> dict[str, str]:
    seconds = len(read_pcm(path)) / SAMPLE_RATE
    blank = dict.fromkeys(COLUMNS, "")
    return {**blank, **fields, "file": file, "duration_s": f"{seconds:.3f}", "sha256": _sha256(path)}


def _link(rows: Iterable[tuple[Path, Mapping[str, str]]], folder: Path) -> None:
    (folder / AUDIO_FOLDER).mkdir(parents=True, exist_ok=True)
    for path, row in rows:
        link = folder / AUDIO_FOLDER / row["file"]
        link.unlink(missing_ok=True)  # left by an import that was interrupted
        link.symlink_to(path.resolve())


def _description(own: Own) -> str:
    # A string of JSON is one of TOML.
    lines = [f"{key} = {json.dumps(getattr(own, key))}" for key in ("title", "licence", "consent") if getattr(own, key)]
    return "\n".join([*lines, f"may_ship = {json.dumps(own.may_ship)}", ""])


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
