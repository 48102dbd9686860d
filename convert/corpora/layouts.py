"""Corpora as they are downloaded: what their file names say, made into a folder with a manifest.

Nothing is copied: the new folder's `audio` holds links to the downloaded files.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from convert.corpora.audio import read_pcm
from convert.corpora.catalogue import DESCRIPTION_NAME
from convert.corpora.manifest import AUDIO_FOLDER, COLUMNS, MANIFEST_NAME
from convert.errors import CorpusError
from edge_ser.settings import SAMPLE_RATE

AUDIO_SUFFIXES = (".wav", ".flac", ".opus", ".ogg", ".mp3")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a corpus names its files."""

    pattern: str
    """Regular expression of a file name without suffix; its named groups are columns of the manifest, raw."""

    language: str
    """ISO 639-1 code."""

    spell: Callable[[dict[str, str]], dict[str, str]]
    """From the raw groups to columns."""

    description: str = ""
    """Content of `corpus.toml`, where the catalogue does not know the corpus."""


def import_corpus(
    corpus: str,
    source: Path,
    corpora: Path,
    progress: Callable[[Iterable[Path]], Iterable[Path]] = iter,
) -> Path:
    """Make a corpus that was downloaded usable: write its manifest and link its files.

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

    Returns
    -------
    Path
        The new folder, complete.

    Raises
    ------
    CorpusError
        The layout is not known, the folder is there already, no file name or two of one name belong to the corpus,
        or a file is broken.
    """
    layout = _layout(corpus)
    folder = corpora / corpus
    if (folder / MANIFEST_NAME).exists():
        raise CorpusError(f"{folder} is there already", "Delete it first, or leave it as it is")
    rows = [_row(path, fields) for path, fields in _matching(source, corpus, layout, progress)]
    (folder / AUDIO_FOLDER).mkdir(parents=True, exist_ok=True)
    for path, row in rows:
        link = folder / AUDIO_FOLDER / row["file"]
        link.unlink(missing_ok=True)  # left by an import that was interrupted
        link.symlink_to(path.resolve())
    if layout.description:
        (folder / DESCRIPTION_NAME).write_text(layout.description, encoding="utf-8")
    # The manifest comes last, under its own name only when it is whole: without it the folder is no corpus.
    part = folder / f"{MANIFEST_NAME}.part"
    with part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(row for _, row in rows)
    part.replace(folder / MANIFEST_NAME)
    return folder


def parse_name(corpus: str, stem: str) -> dict[str, str] | None:
    """Return the columns that a file name without suffix gives; None for one that is no speech of this corpus.

    Examples
    --------
    >>> parse_name("emodb", "03a01Fa")["emotion"]
    'happiness'
    """
    layout = _layout(corpus)
    match = re.fullmatch(layout.pattern, stem)
    return None if match is None else {**layout.spell(match.groupdict()), "language": layout.language}


def _layout(corpus: str) -> Layout:
    if corpus not in LAYOUTS:
        raise CorpusError(
            f"the file names of {corpus!r} are not known", f"Choose one of {', '.join(LAYOUTS)}, or write a manifest"
        )
    return LAYOUTS[corpus]


def _matching(
    source: Path, corpus: str, layout: Layout, progress: Callable[[Iterable[Path]], Iterable[Path]]
) -> Iterable[tuple[Path, dict[str, str]]]:
    by_name: dict[str, Path] = {}
    for path in sorted(source.rglob("*")):
        # macOS archives hold a shadow ._NAME of each file.
        if path.suffix.lower() not in AUDIO_SUFFIXES or path.name.startswith("."):
            continue
        # RAVDESS's archive on Kaggle, and TESS's, hold everything twice.
        if re.fullmatch(layout.pattern, path.stem) and _same(by_name.setdefault(path.name, path), path) is False:
            raise CorpusError(
                f"{by_name[path.name]} and {path} have one name and differ", "Delete the one that does not belong"
            )
    if not by_name:
        raise CorpusError(f"{source} holds no files named as in {corpus}", "Name the folder it was unpacked into")
    for path in progress(list(by_name.values())):
        fields = parse_name(corpus, path.stem)
        if fields is not None:
            yield path, fields


def _same(first: Path, second: Path) -> bool:
    return first == second or _sha256(first) == _sha256(second)


def _row(path: Path, fields: Mapping[str, str]) -> tuple[Path, dict[str, str]]:
    seconds = len(read_pcm(path)) / SAMPLE_RATE
    blank = dict.fromkeys(COLUMNS, "")
    return path, {**blank, **fields, "file": path.name, "duration_s": f"{seconds:.3f}", "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


_RAVDESS_EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
_EMODB_EMOTIONS = {
    "W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral",
}  # fmt: skip
_EMODB_MEN = ("03", "10", "11", "12", "15")
_CREMAD_EMOTIONS = {
    "ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad",
}  # fmt: skip
_CREMAD = """title = "English, acted by 91 actors"
licence = "ODbL-1.0 and DbCL-1.0"
may_ship = true
"""


def _ravdess(raw: dict[str, str]) -> dict[str, str]:
    return {
        **raw,
        "gender": "m" if int(raw["speaker"]) % 2 else "f",
        "emotion": _RAVDESS_EMOTIONS[int(raw["emotion"]) - 1],
        "intensity": {"01": "normal", "02": "strong"}[raw["intensity"]],
    }


def _emodb(raw: dict[str, str]) -> dict[str, str]:
    gender = "m" if raw["speaker"] in _EMODB_MEN else "f"
    return {**raw, "gender": gender, "emotion": _EMODB_EMOTIONS[raw["emotion"]]}


def _cremad(raw: dict[str, str]) -> dict[str, str]:
    return {**raw, "emotion": _CREMAD_EMOTIONS[raw["emotion"]]}


def _tess(raw: dict[str, str]) -> dict[str, str]:
    speaker = "YAF" if raw["speaker"] == "YAF" else "OAF"  # one file is named OA_bite_neutral
    emotion = "pleasant_surprise" if raw["emotion"].startswith("p") else raw["emotion"]
    return {**raw, "speaker": speaker, "gender": "f", "emotion": emotion}


def _libri(raw: dict[str, str]) -> dict[str, str]:
    return {**raw, "emotion": "read-neutral"}


LAYOUTS: Mapping[str, Layout] = {
    # modality, channel (01 speech, 02 song), emotion, intensity, statement, repetition, actor; of the video
    # recordings (modality 01) only the sound is there twice, so they are left out
    "ravdess": Layout(
        r"03-01-(?P<emotion>0[1-8])-(?P<intensity>0[12])-(?P<statement>0[12])-0[12]-(?P<speaker>0[1-9]|1\d|2[0-4])",
        "en",
        _ravdess,
    ),
    "emodb": Layout(r"(?P<speaker>\d\d)(?P<statement>[ab]\d\d)(?P<emotion>[WLEAFTN])[a-z]", "de", _emodb),
    "cremad": Layout(
        r"(?P<speaker>1\d{3})_(?P<statement>[A-Z]{3})_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)_(?P<intensity>XX|HI|LO|MD|X)",
        "en",
        _cremad,
        _CREMAD,
    ),
    "nemo": Layout(
        r"(?P<speaker>[A-Z]{2}\d)_(?P<emotion>anger|fear|happiness|neutral|sadness|surprised)_\d+", "pl", dict
    ),
    "tess": Layout(
        r"(?P<speaker>OAF?|YAF)_(?P<statement>[a-z]+)_"
        r"(?P<emotion>neutral|happy|sad|angry|fear|disgust|ps|pleasant_surprised?)",
        "en",
        _tess,
    ),
    "neutral-libri": Layout(r"(?P<speaker>\d+)-\d+-\d+", "en", _libri),
}
"""Corpora whose file names can be read, by the name that their folder gets."""
