"""What is in a corpus, heard file by file: classes, speakers, hours, levels, and whatever is wrong with it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.corpora.activity import active_range
from convert.corpora.audio import read_audio
from convert.corpora.catalogue import CLASSES, OPTIONAL_CLASSES, CorpusInfo
from convert.corpora.manifest import AUDIO_FOLDER, MANIFEST_NAME, Clip, read_corpus
from convert.errors import CorpusError
from convert.parallel import workers
from edge_ser.settings import SAMPLE_RATE

SILENT_DBFS = -70.0  # below it even a quiet voice far from the microphone does not lie
FILES_PER_TASK = 16
BROKEN, SILENT, NARROW, TWICE = "broken", "silent", "narrow band", "there twice"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one file; it is left out of training only where it is broken."""

    kind: str
    """`BROKEN`, `SILENT`, `NARROW` or `TWICE`."""

    file: str
    remark: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What one file holds."""

    seconds: float
    level_dbfs: float
    sample_rate: int
    """As stored, Hz."""

    pcm_sha256: str


@dataclass(frozen=True, slots=True)
class Survey:
    """One corpus."""

    info: CorpusInfo
    clips: list[Clip]
    """Those that can be decoded."""

    heard: list[Heard]
    """Of each of these clips."""

    faults: list[Fault]

    @property
    def hours(self) -> float:
        """Of all clips together."""
        return sum(each.seconds for each in self.heard) / 3600

    @property
    def by_class(self) -> dict[str, int]:
        """Clips of each class that occurs."""
        counts = Counter(clip.emotion for clip in self.clips)
        return {name: counts[name] for name in (*CLASSES, *OPTIONAL_CLASSES) if counts[name]}

    @property
    def genders(self) -> dict[str, int]:
        """Speakers by gender, `?` where it is not known."""
        speakers = {(clip.speaker, clip.gender or "?") for clip in self.clips}
        return dict(sorted(Counter(gender for _, gender in speakers).items()))

    @property
    def levels(self) -> tuple[float, float, float]:
        """5th, 50th and 95th percentile of the clips' levels, dBFS."""
        low, middle, high = np.percentile([each.level_dbfs for each in self.heard], (5, 50, 95)).tolist()
        return low, middle, high


def corpora_in(root: Path) -> list[Path]:
    """Return the folders of a folder that are corpora of speech.

    Raises
    ------
    CorpusError
        There are none.
    """
    found = [
        path.parent for path in sorted(root.glob(f"*/{MANIFEST_NAME}")) if not path.parent.name.startswith("noise-")
    ]
    if not found:
        raise CorpusError(
            f"{root} holds no folder with a {MANIFEST_NAME}",
            "Name the folder above the corpora, or make one of recordings: edge-ser-convert import",
        )
    return found


def survey(
    folder: Path,
    processes: int = 2,
    progress: Callable[[Iterator[Heard | str], int], Iterable[Heard | str]] | None = None,
) -> Survey:
    """Hear every file of a corpus.

    Parameters
    ----------
    folder : Path
        Of the corpus.
    processes : int
        What is found does not depend on it.
    progress : callable, optional
        Wraps the iteration over files, given their number.

    Raises
    ------
    CorpusError
        The manifest is wrong, or no file can be read.
    """
    info, clips = read_corpus(folder, (*CLASSES, *OPTIONAL_CLASSES))
    files = [(folder / AUDIO_FOLDER / clip.file, clip.sha256) for clip in clips]
    with workers(processes) as pool:
        results: Iterator[Heard | str] = pool.map(_hear, files, chunksize=FILES_PER_TASK)
        found = list(results if progress is None else progress(results, len(files)))
    pairs = [(clip, each) for clip, each in zip(clips, found, strict=True) if isinstance(each, Heard)]
    faults = [Fault(BROKEN, clip.file, said) for clip, said in zip(clips, found, strict=True) if isinstance(said, str)]
    if not pairs:
        raise CorpusError(faults[0].remark, "Download the corpus again")
    return Survey(info, [clip for clip, _ in pairs], [each for _, each in pairs], faults + _faults(pairs))


def _hear(file: tuple[Path, str]) -> Heard | str:
    """Return what a file holds, or why it cannot be read."""
    try:
        audio = read_audio(*file)
    except CorpusError as error:
        return error.problem
    digest = hashlib.sha256(audio.pcm.tobytes()).hexdigest()
    return Heard(len(audio.pcm) / SAMPLE_RATE, active_range(audio.pcm)[2], audio.sample_rate, digest)


def _faults(pairs: Sequence[tuple[Clip, Heard]]) -> list[Fault]:
    found, first = [], dict[str, Clip]()
    for clip, heard in pairs:
        if heard.level_dbfs < SILENT_DBFS:
            found.append(Fault(SILENT, clip.file, f"{heard.level_dbfs:.0f} dBFS"))
        if heard.sample_rate < SAMPLE_RATE:
            remark = f"{heard.sample_rate} Hz: nothing above {heard.sample_rate / 2000:g} kHz"
            found.append(Fault(NARROW, clip.file, remark))
        other = first.setdefault(heard.pcm_sha256, clip)
        if other is not clip:
            label = "" if other.emotion == clip.emotion else f", which is {other.emotion} and not {clip.emotion}"
            found.append(Fault(TWICE, clip.file, f"the same samples as {other.file}{label}"))
    return found
