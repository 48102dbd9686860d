"""Manifests: one row a clip, checked when read."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from convert.corpora.catalogue import CLASSES, OPTIONAL_CLASSES, CorpusInfo, describe
from convert.errors import CorpusError

MANIFEST_NAME = "manifest.csv"
AUDIO_FOLDER = "audio"
COLUMNS = ("file", "speaker", "gender", "emotion", "intensity", "statement", "language", "duration_s", "sha256")
GENDERS = ("f", "m", "")
UNLABELLED = ""
"""The emotion of a clip whose label does not count."""

_CURE = "See the layout in the toolchain's manual"


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording of one speaker."""

    corpus: str

    file: str
    """Name below the corpus's `audio` folder."""

    speaker: str
    """Unique over all corpora: `corpus/speaker`."""

    gender: str
    """`f`, `m`, or empty where it is unknown."""

    emotion: str
    """Class, of `CLASSES` or `OPTIONAL_CLASSES`; `UNLABELLED` where none is known."""

    intensity: str
    statement: str
    language: str

    sha256: str
    """Of the file, as published; may be empty."""

    @property
    def name(self) -> str:
        """What an error or a seed calls it."""
        return f"{self.corpus}/{self.file}"


def read_rows(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a corpus's manifest.

    Raises
    ------
    CorpusError
        The folder or manifest is missing, unreadable or empty, or lacks a column.
    """
    path = folder / MANIFEST_NAME
    if not folder.is_dir():
        raise CorpusError(f"There is no corpus at {folder}", "Check --corpora and the names in the recipe")
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path} cannot be read: {error}", _CURE) from error
    if missing:
        raise CorpusError(f"{path} has no column {', '.join(missing)}", _CURE)
    if not rows:
        raise CorpusError(f"{path} lists no clip", "Put recordings there or leave the corpus out of the recipe")
    return rows


def read_corpus(
    folder: Path, classes: Sequence[str] = CLASSES, *, labelled: bool = True
) -> tuple[CorpusInfo, list[Clip]]:
    """Return a corpus's clips, labels mapped to classes.

    Clips of an optional class that is not among `classes` are left out.

    Parameters
    ----------
    folder : Path
        Holds `manifest.csv` and `audio/`.
    classes : sequence of str
        Which classes the recipe tells apart.
    labelled : bool
        Whether labels count; else every clip is taken, and none has an emotion.

    Returns
    -------
    CorpusInfo
        With `told_apart` restricted to `classes`.
    list of Clip
        In the manifest's order.

    Raises
    ------
    CorpusError
        An unknown label, a missing file or speaker, a file named twice, or no clip that can be used.
    """
    info = describe(folder)
    clips, seen = [], set[str]()
    for row in read_rows(folder):
        file, own = row["file"], row["emotion"]
        emotion = info.labels.get(own, own)
        if not labelled:
            emotion = UNLABELLED
        elif not own:
            raise CorpusError(
                f"{folder / file} has no emotion in {MANIFEST_NAME}",
                "Fill it in, remove the row, or name the corpus in data.unlabelled",
            )
        elif emotion not in CLASSES and emotion not in OPTIONAL_CLASSES:
            raise CorpusError(
                f"{folder / file}: unknown emotion {own!r}",
                f"Map it to one of {', '.join((*CLASSES, *OPTIONAL_CLASSES))} in corpus.toml",
            )
        if file in seen:
            raise CorpusError(f"{folder / MANIFEST_NAME} names {file} twice", "Remove one of the rows")
        if not row["speaker"]:
            raise CorpusError(f"{folder / file} has no speaker", "Without speakers there is no honest test: fill it in")
        if row["gender"] not in GENDERS:
            raise CorpusError(f"{folder / file}: gender {row['gender']!r}", "Use f, m or nothing")
        if not (folder / AUDIO_FOLDER / file).is_file():
            raise CorpusError(f"{folder / AUDIO_FOLDER / file} is missing", "Copy it there or remove its row")
        seen.add(file)
        if emotion in classes or not labelled:
            clips.append(_clip(folder.name, row, emotion))
    if not clips:
        raise CorpusError(f"{folder} has no clip of {', '.join(classes)}", "Leave it out of the recipe")
    if not labelled:
        return replace(info, told_apart=tuple(classes)), clips
    present = {clip.emotion for clip in clips}
    told_apart = tuple(c for c in classes if c in (info.told_apart or present))
    outside = present.difference(told_apart)
    if outside:
        raise CorpusError(
            f"{folder} has clips of {', '.join(sorted(outside))}, which told_apart leaves out", "Add them"
        )
    return replace(info, told_apart=told_apart), clips


def _clip(corpus: str, row: dict[str, str], emotion: str) -> Clip:
    return Clip(
        corpus,
        row["file"],
        f"{corpus}/{row['speaker']}",
        row["gender"],
        emotion,
        row["intensity"],
        row["statement"],
        row["language"],
        row["sha256"],
    )
