"""All clips of a run, decoded once: one array of samples on disk and an index in memory."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.corpora.activity import active_range
from convert.corpora.audio import read_pcm
from convert.corpora.catalogue import CorpusInfo
from convert.corpora.manifest import AUDIO_FOLDER, Clip
from convert.errors import CorpusError

SAMPLES, INDEX, CLIPS = "samples.int16", "index.npz", "clips.json"
MOST_BROKEN = 0.05
"""Share of a corpus's files that may be broken; with more of them something is wrong that no run should hide."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Recordings:
    """Clips and their samples."""

    corpora: Mapping[str, CorpusInfo]
    clips: Sequence[Clip]

    samples: NDArray[np.int16]
    """(all samples,), memory-mapped; clip after clip."""

    start: NDArray[np.int64]
    """(clips + 1,): first sample of each clip; the last is the end."""

    active: NDArray[np.int64]
    """(clips, 2): first and last sample (exclusive) of what is not silence, counted in the clip."""

    level_dbfs: NDArray[np.float64]
    """(clips,): RMS of the active frames."""

    pcm_sha256: Sequence[str]
    """Of each clip's samples: the same recording under two names is found by it."""

    def pcm(self, clip: int) -> NDArray[np.int16]:
        """Return a clip's samples (n,)."""
        return self.samples[self.start[clip] : self.start[clip + 1]]

    def active_pcm(self, clip: int) -> NDArray[np.int16]:
        """Return a clip's samples without the silence at its ends."""
        first, last = self.active[clip]
        return self.pcm(clip)[first:last]

    @property
    def classes_of_corpus(self) -> dict[str, tuple[str, ...]]:
        """Classes that each corpus tells apart."""
        return {name: info.told_apart for name, info in self.corpora.items()}


def decode(
    root: Path,
    corpora: Mapping[str, CorpusInfo],
    clips: Sequence[Clip],
    folder: Path,
    progress: Callable[[Iterable[Clip]], Iterable[Clip]] = iter,
) -> None:
    """Decode all clips into `folder`; a broken file is logged and left out.

    Parameters
    ----------
    root : Path
        Holds one folder a corpus.
    corpora, clips
        As `read_corpus` gave them.
    folder : Path
        Where the arrays go.
    progress : callable
        Wraps the iteration over clips.

    Raises
    ------
    CorpusError
        More than a few files of a corpus cannot be read.
    """
    start, active, level, digests = [0], [], [], []
    whole, broken = [], dict.fromkeys(corpora, 0)
    limit = {name: MOST_BROKEN * sum(clip.corpus == name for clip in clips) for name in corpora}
    with (folder / SAMPLES).open("wb") as stream:
        for clip in progress(clips):
            try:
                pcm = read_pcm(root / clip.corpus / AUDIO_FOLDER / clip.file, clip.sha256)
            except CorpusError as error:
                broken[clip.corpus] += 1
                if broken[clip.corpus] > limit[clip.corpus]:
                    raise
                log.warning("left out: %s", error.problem)
                continue
            whole.append(clip)
            first, last, dbfs = active_range(pcm)
            stream.write(pcm.tobytes())
            start.append(start[-1] + len(pcm))
            active.append((first, last))
            level.append(dbfs)
            digests.append(hashlib.sha256(pcm.tobytes()).hexdigest())
    np.savez(folder / INDEX, start=start, active=np.reshape(active, (-1, 2)), level_dbfs=level)
    plain = {
        "corpora": [asdict(replace(info, labels=dict(info.labels))) for info in corpora.values()],
        "clips": [asdict(clip) for clip in whole],
        "pcm_sha256": digests,
    }
    (folder / CLIPS).write_text(json.dumps(plain), encoding="utf-8")


def open_recordings(folder: Path) -> Recordings:
    """Return what `decode` wrote."""
    plain = json.loads((folder / CLIPS).read_text(encoding="utf-8"))
    infos = [CorpusInfo(**{**info, "told_apart": tuple(info["told_apart"])}) for info in plain["corpora"]]
    with np.load(folder / INDEX) as index:
        return Recordings(
            {info.name: info for info in infos},
            [Clip(**clip) for clip in plain["clips"]],
            np.memmap(folder / SAMPLES, np.int16, "r"),
            index["start"].astype(np.int64),
            index["active"].astype(np.int64),
            index["level_dbfs"],
            plain["pcm_sha256"],
        )
