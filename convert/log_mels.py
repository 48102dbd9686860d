"""Log-mel frames of all clips and their augmented copies, in one file, made by the runtime's own code.

Nothing here depends on who is trained on, so folds and seeds share it; statistics and the int8 scale come later.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.augment import Augment, Material, augment, open_material
from convert.corpora.recordings import Recordings, open_recordings
from convert.parallel import in_order, workers
from convert.segments import Segmentation, segments
from edge_ser.features.extras import count_columns
from edge_ser.features.tables import N_MELS

FRAMES, ROWS, JOURNAL = "frames.int32", "rows.npz", "journal.jsonl"
CLIPS_PER_CHUNK = 32  # worked on at once, and lost at most when a run is killed
PLAIN = 0  # variant: the recording as it is


@dataclass(frozen=True, slots=True, eq=False)
class LogMels:
    """Utterances, each (frames, n_mels) integers, behind them the columns of the extras that were asked for."""

    frames: NDArray[np.int32]
    """(all frames, n_mels + columns of the extras), memory-mapped."""

    start: NDArray[np.int64]
    """(rows + 1,): first frame of each utterance; the last is the end."""

    clip: NDArray[np.int32]
    """(rows,): index of the clip it is from."""

    variant: NDArray[np.int32]
    """(rows,): 0 the recording as it is, else the number of its augmented copy."""

    speech_steps: NDArray[np.int32]
    """(rows,): steps with speech in it."""

    def __len__(self) -> int:
        return len(self.clip)

    def row(self, index: int) -> NDArray[np.int32]:
        """Return an utterance's frames (frames, n_mels + columns of the extras)."""
        return self.frames[self.start[index] : self.start[index + 1]]


@dataclass(frozen=True, slots=True)
class Work:
    """What a process needs to know; the arrays it maps itself."""

    recordings: Path
    material: Path
    options: Augment
    segmentation: Segmentation
    variants: int
    seed: int
    extras: tuple[str, ...] = ()


def corpus_levels(recordings: Recordings) -> dict[str, float]:
    """Return each corpus's median level in dBFS."""
    corpus = np.array([clip.corpus for clip in recordings.clips])
    return {name: float(np.median(recordings.level_dbfs[corpus == name])) for name in recordings.corpora}


def write_log_mels(
    work: Work,
    folder: Path,
    processes: int = 2,
    progress: Callable[[Iterable[int], int], Iterable[int]] = lambda chunks, total: chunks,
) -> None:
    """Make all frames; continues where it was stopped.

    Parameters
    ----------
    work : Work
    folder : Path
        Where the arrays go.
    processes : int
        The result does not depend on it.
    progress : callable
        Wraps the iteration over chunks, given their number.
    """
    clips = len(open_recordings(work.recordings).clips)
    chunks = [range(first, min(first + CLIPS_PER_CHUNK, clips)) for first in range(0, clips, CLIPS_PER_CHUNK)]
    width = N_MELS + count_columns(work.extras)
    journal = _resume(folder, width)
    with (
        (folder / FRAMES).open("ab") as frames,
        (folder / JOURNAL).open("a", encoding="utf-8") as log,
        workers(processes, _prepare, (work,)) as pool,
    ):
        results = in_order(pool, _log_mels, chunks[len(journal) :])
        for _ in progress(range(len(journal), len(chunks)), len(chunks)):
            blob, rows = next(results)
            frames.write(blob)
            frames.flush()
            log.write(json.dumps(rows) + "\n")  # only now the chunk counts
            log.flush()
    _write_rows(folder, width)


def open_log_mels(folder: Path) -> LogMels:
    """Return what `write_log_mels` wrote."""
    with np.load(folder / ROWS) as rows:
        frames = np.memmap(folder / FRAMES, np.int32, "r").reshape(-1, int(rows["width"]))
        return LogMels(frames, rows["start"], rows["clip"], rows["variant"], rows["speech_steps"])


_WORKER: list[tuple[Work, Recordings, dict[str, float], Material]] = []  # of this process, filled once


def _prepare(work: Work) -> None:
    recordings = open_recordings(work.recordings)
    _WORKER[:] = [(work, recordings, corpus_levels(recordings), open_material(work.material))]


def _log_mels(clips: range) -> tuple[bytes, list[list[int]]]:
    """Return the frames of some clips, and a row [clip, variant, frames, speech steps] for each utterance."""
    blobs, rows = [], []
    for clip in clips:
        for variant, pcm in _variants(clip):
            for segment in segments(pcm, _WORKER[0][0].segmentation, _WORKER[0][0].extras):
                blobs.append(segment.log_mel.astype("<i4").tobytes())
                rows.append([clip, variant, len(segment.log_mel), segment.speech_steps])
    return b"".join(blobs), rows


def _variants(clip: int) -> Iterator[tuple[int, NDArray[np.int16]]]:
    work, recordings, levels, material = _WORKER[0]
    yield PLAIN, recordings.pcm(clip)
    info = recordings.clips[clip]
    for variant in range(1, work.variants + 1):
        rng = np.random.default_rng([work.seed, zlib.crc32(info.name.encode()), variant])
        yield variant, augment(recordings.active_pcm(clip), rng, work.options, material, levels[info.corpus])


def _resume(folder: Path, width: int) -> list[list[list[int]]]:
    """Return the chunks that are complete, and cut off what follows them."""
    path = folder / JOURNAL
    done = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if not line.endswith("\n"):
                break
            done.append(json.loads(line))
        path.write_text("".join(json.dumps(rows) + "\n" for rows in done), encoding="utf-8")
    frames = sum(row[2] for rows in done for row in rows)
    with (folder / FRAMES).open("ab") as stream:
        stream.truncate(frames * width * 4)
    return done


def _write_rows(folder: Path, width: int) -> None:
    lines = (folder / JOURNAL).read_text(encoding="utf-8").splitlines()
    rows = np.array([row for line in lines for row in json.loads(line)], np.int64).reshape(-1, 4)
    np.savez(
        folder / ROWS,
        width=width,
        start=np.concatenate([[0], np.cumsum(rows[:, 2])]),
        clip=rows[:, 0].astype(np.int32),
        variant=rows[:, 1].astype(np.int32),
        speech_steps=rows[:, 3].astype(np.int32),
    )
