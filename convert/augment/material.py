"""Recorded noises, other people's voices and measured rooms, decoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.corpora.audio import read_pcm
from convert.corpora.catalogue import NOISE_CORPORA, ROOM_FOLDER, VOICE_CORPORA
from convert.corpora.manifest import AUDIO_FOLDER, MANIFEST_NAME, read_rows

NOISE, VOICES, ROOMS = "noise.int16", "voices.int16", "rooms.npz"

ESC_TEST_FOLD = "__5-"
"""In the file names of ESC-10's fifth fold: these noises are never trained with, so that robustness can be judged."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What augmentation adds."""

    noise: NDArray[np.int16]
    """(n,): all noises, one after the other; empty where there are none."""

    voices: NDArray[np.int16] = field(default_factory=lambda: np.empty(0, np.int16))
    """(m,): read speech of many people, one after the other; empty where there is none."""

    rooms: tuple[NDArray[np.float32], ...] = ()
    """Impulse responses."""


NOTHING = Material(np.empty(0, np.int16))


def noise_files(root: Path) -> list[tuple[Path, str]]:
    """Return the noises to train with below a folder of corpora: path and SHA-256."""
    return [(path, sha256) for path, sha256 in _files(root, NOISE_CORPORA) if ESC_TEST_FOLD not in path.name]


def voice_files(root: Path) -> list[tuple[Path, str]]:
    """Return the speech that babble is made of, below a folder of corpora: path and SHA-256."""
    return _files(root, VOICE_CORPORA)


def room_files(root: Path) -> list[tuple[Path, str]]:
    """Return the measured rooms below a folder of corpora: path and SHA-256."""
    found = []
    for manifest in sorted((root / ROOM_FOLDER).glob(f"*/{MANIFEST_NAME}")):
        folder = manifest.parent
        found += [(folder / AUDIO_FOLDER / row["file"], row["sha256"]) for row in read_rows(folder)]
    return found


def write_material(
    root: Path, folder: Path, progress: Callable[[Iterable[tuple[Path, str]]], Iterable[tuple[Path, str]]] = iter
) -> None:
    """Decode all into `folder`; where there is nothing, noise is made and nobody else talks."""
    for name, files in ((NOISE, noise_files(root)), (VOICES, voice_files(root))):
        with (folder / name).open("wb") as stream:
            for path, sha256 in progress(files):
                stream.write(read_pcm(path, sha256).tobytes())
    rooms = [read_pcm(path, sha256).astype(np.float32) for path, sha256 in room_files(root)]
    np.savez(folder / ROOMS, *rooms)


def open_material(folder: Path) -> Material:
    """Return what `write_material` wrote."""
    with np.load(folder / ROOMS) as rooms:
        return Material(_samples(folder / NOISE), _samples(folder / VOICES), tuple(rooms[name] for name in rooms.files))


def _files(root: Path, corpora: Iterable[str]) -> list[tuple[Path, str]]:
    folders = [root / corpus for corpus in corpora if (root / corpus / MANIFEST_NAME).is_file()]
    return [(folder / AUDIO_FOLDER / row["file"], row["sha256"]) for folder in folders for row in read_rows(folder)]


def _samples(path: Path) -> NDArray[np.int16]:
    return np.memmap(path, np.int16, "r") if path.stat().st_size else np.empty(0, np.int16)
