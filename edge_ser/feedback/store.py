"""Where corrections are: a JSON file each, readable by their owner alone, so many and no more."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from edge_ser import speakers
from edge_ser.errors import EdgeSerError, FeedbackError, OutputError
from edge_ser.feedback.correction import ID, Correction
from edge_ser.student.strict import StrictError, from_json, to_json

MOST_CORRECTIONS = 1000
MOST_BYTES = 1_000_000  # of one; 30 s of 40 features are 160 kB

_SEE = "See `edge-ser feedback --list`"


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where corrections are kept: `edge-ser/feedback` in the user's data folder."""
    return speakers.folder(environment).with_name("feedback")


def known_corrections() -> list[str]:
    """Return the ids, oldest first."""
    return sorted(path.stem for path in folder().glob("*.json") if ID.fullmatch(path.stem))


def save(correction: Correction) -> Path:
    """Write a correction, whole or not at all; return its file.

    Raises
    ------
    FeedbackError, OutputError
        There are `MOST_CORRECTIONS` already; the file cannot be written.
    """
    if len(known_corrections()) >= MOST_CORRECTIONS:
        raise FeedbackError(
            f"There are {MOST_CORRECTIONS} corrections already",
            "Export them with `edge-ser feedback --export FILE`, then `edge-ser feedback --delete all`",
        )
    path = _path_of(correction.id)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, to_json(correction, indent=None))
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def load_correction(id_: str) -> Correction:
    """Return a correction.

    Raises
    ------
    FeedbackError
        There is none of that id, or it is damaged.
    """
    path = _path_of(id_)
    try:
        with path.open(encoding="utf-8") as stream:
            return _parsed(stream.read(MOST_BYTES + 1))
    except FileNotFoundError as error:
        raise FeedbackError(f"There is no correction {id_!r}", _SEE) from error
    except (OSError, ValueError) as error:
        raise FeedbackError(
            f"The correction {path} cannot be read ({error})", f"Delete it: `edge-ser feedback --delete {id_}`"
        ) from error


def delete(id_: str) -> None:
    """Delete a correction.

    Raises
    ------
    FeedbackError, OutputError
        There is none of that id; the file cannot be deleted.
    """
    path = _path_of(id_)
    try:
        path.unlink()
    except FileNotFoundError as error:
        raise FeedbackError(f"There is no correction {id_!r}", _SEE) from error
    except OSError as error:
        raise _unwritable(path, error) from error


def export(file: str | os.PathLike[str]) -> int:
    """Write all corrections to one file, a JSON object a line; return how many.

    Raises
    ------
    FeedbackError, OutputError
        A correction is damaged; the file cannot be written.
    """
    ids = known_corrections()
    lines = [to_json(load_correction(id_), indent=None) for id_ in ids]
    try:
        _write(Path(file), "".join(lines))
    except OSError as error:
        raise _unwritable(file, error) from error
    return len(ids)


def read_export(file: str | os.PathLike[str]) -> Iterator[Correction]:
    """Yield the corrections in a file that `export` wrote, one at a time.

    Raises
    ------
    FeedbackError
        It cannot be read, or a line is no correction.
    """
    number = 0
    try:
        with Path(file).open(encoding="utf-8") as stream:
            while line := stream.readline(MOST_BYTES + 1):
                number += 1
                yield _parsed(line)
    except (OSError, ValueError) as error:
        raise FeedbackError(
            f"{file} cannot be read at line {max(1, number)} ({error})",
            "Give a file that `edge-ser feedback --export FILE` wrote",
        ) from error


def _parsed(text: str) -> Correction:
    if len(text) > MOST_BYTES:
        raise StrictError(f"it is longer than {MOST_BYTES} bytes")
    return from_json(text, Correction)


def _path_of(id_: str) -> Path:
    if not ID.fullmatch(id_):
        raise FeedbackError(f"{id_!r} is no id of a correction", _SEE)
    return folder() / f"{id_}.json"


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with open(unfinished, "w", encoding="utf-8", opener=_owner_only) as stream:
        stream.write(text)
    unfinished.replace(path)


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def _unwritable(path: str | os.PathLike[str], error: OSError) -> EdgeSerError:
    return OutputError(f"{path} cannot be written ({error.strerror})", "Check the folder and its permissions")
