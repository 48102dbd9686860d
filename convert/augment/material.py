"""Recorded noises and measured rooms, decoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.corpora.audio import read_pcm
from convert.corpora.catalogue import NOISE_CORPORA, ROOM_FOLDER
from convert.corpora.manifest import AUDIO_FOLDER, MANIFEST_NAME, read_rows

NOISE, ROOMS = "noise.int16", "rooms.npz"

ESC_TEST_FOLD = "__5-"
"""In the file names of ESC-10's fifth fold: these noises are never trained with, so that robustness can be judged."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What augmentation adds."""

    noise: NDArray[np.int16]
    """(n,): all noises, one after the other; empty where there are none."""

    rooms: tuple[NDArray[np.float32], ...] = ()
    """Impulse responses."""


NOTHING = Material(np.empty(0, np.int16))


def noise_files(root: Path) -> list[tuple[Path, str]]:
    """Return the noises to train with below a folder of corpora: path and SHA-256."""
    found = []
    for corpus in NOISE_CORPORA:
        folder = root / corpus
        if (folder / MANIFEST_NAME).is_file():
            rows = [row for row in read_rows(folder) if ESC_TEST_FOLD not in row["file"]]
            found += [(folder / AUDIO_FOLDER / row["file"], row["sha256"]) for row in rows]
    return found


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
    """Decode noises and rooms into `folder`; where there are none, nothing is recorded and all noise is made."""
    with (folder / NOISE).open("wb") as stream:
        for path, sha256 in progress(noise_files(root)):
            stream.write(read_pcm(path, sha256).tobytes())
    rooms = [read_pcm(path, sha256).astype(np.float32) for path, sha256 in room_files(root)]
    np.savez(folder / ROOMS, *rooms)


def open_material(folder: Path) -> Material:
    """Return what `write_material` wrote."""
    path = folder / NOISE
    noise = np.memmap(path, np.int16, "r") if path.stat().st_size else NOTHING.noise
    with np.load(folder / ROOMS) as rooms:
        return Material(noise, tuple(rooms[name] for name in rooms.files))
