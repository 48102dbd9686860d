"""Corpora as they are downloaded: what their file names say; `importing.py` makes a folder with a manifest of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from convert.errors import CorpusError


@dataclass(frozen=True, slots=True)
class Layout:
    """How a corpus names its files."""

    pattern: str
    """Regular expression of a name (see `name_of`); its named groups are columns of the manifest, raw."""

    language: str
    """ISO 639-1 code, or empty."""

    spell: Callable[[dict[str, str]], dict[str, str]]
    """From the raw groups to columns."""

    parents: int = 0
    """Folders above a file that belong to its name."""


def name_of(path: Path, layout: Layout) -> str:
    """Return what a layout's pattern is compared with: the file's name without suffix, behind its folders'.

    Examples
    --------
    >>> name_of(Path("AudioData/DC/a01.wav"), LAYOUTS["savee"])
    'DC/a01'
    """
    return "/".join((*path.parent.parts[len(path.parent.parts) - layout.parents :], path.stem))


def parse_name(corpus: str, name: str) -> dict[str, str] | None:
    """Return the columns that a name gives; None for one that is no speech of this corpus.

    Examples
    --------
    >>> parse_name("emodb", "03a01Fa")["emotion"]
    'happiness'
    >>> parse_name("plain", "angry/anna_3")["speaker"]
    'anna'
    """
    layout = layout_of(corpus)
    match = re.fullmatch(layout.pattern, name)
    return None if match is None else {**layout.spell(match.groupdict()), "language": layout.language}


def layout_of(corpus: str) -> Layout:
    """Return a layout by name.

    Raises
    ------
    CorpusError
        The name is not known.
    """
    if corpus not in LAYOUTS:
        raise CorpusError(
            f"the file names of {corpus!r} are not known", f"Choose one of {', '.join(LAYOUTS)}, or write a manifest"
        )
    return LAYOUTS[corpus]


_RAVDESS_EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
_EMODB_EMOTIONS = {
    "W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral",
}  # fmt: skip
_EMODB_MEN = ("03", "10", "11", "12", "15")
_SAVEE_EMOTIONS = {
    "a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "n": "neutral", "sa": "sadness", "su": "surprise",
}  # fmt: skip
_EMOVO_EMOTIONS = {
    "dis": "disgust", "gio": "joy", "neu": "neutral", "pau": "fear", "rab": "anger", "sor": "surprise",
    "tri": "sadness",
}  # fmt: skip
_NEMO_WOMEN = ("EB0", "IC0", "KD0", "MK0")
_CREMAD_EMOTIONS = {
    "ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad",
}  # fmt: skip
# The 43 actresses among the 91 actors; the corpus has them in VideoDemographics.csv, apart from the recordings.
_CREMAD_WOMEN = frozenset(
    1000 + number
    for number in (
        2, 3, 4, 6, 7, 8, 9, 10, 12, 13, 18, 20, 21, 24, 25, 28, 29, 30, 37, 43, 46, 47, 49, 52, 53, 54, 55, 56, 58, 60,
        61, 63, 72, 73, 74, 75, 76, 78, 79, 82, 84, 89, 91,
    )
)  # fmt: skip


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
    gender = "f" if int(raw["speaker"]) in _CREMAD_WOMEN else "m"
    return {**raw, "gender": gender, "emotion": _CREMAD_EMOTIONS[raw["emotion"]]}


def _nemo(raw: dict[str, str]) -> dict[str, str]:
    return {**raw, "gender": "f" if raw["speaker"] in _NEMO_WOMEN else "m"}


def _savee(raw: dict[str, str]) -> dict[str, str]:
    # 15 sentences for each emotion, 30 neutral ones; their numbers mean other sentences with each emotion.
    return {**raw, "gender": "m", "emotion": _SAVEE_EMOTIONS[raw["emotion"]]}


def _emovo(raw: dict[str, str]) -> dict[str, str]:
    return {**raw, "gender": raw["speaker"][0], "emotion": _EMOVO_EMOTIONS[raw["emotion"]]}


def _plain(raw: dict[str, str]) -> dict[str, str]:
    return {**raw, "emotion": raw["emotion"].lower().replace(" ", "_")}


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
    ),
    "nemo": Layout(
        r"(?P<speaker>[A-Z]{2}\d)_(?P<emotion>anger|fear|happiness|neutral|sadness|surprised)_\d+", "pl", _nemo
    ),
    "tess": Layout(
        r"(?P<speaker>OAF?|YAF)_(?P<statement>[a-z]+)_"
        r"(?P<emotion>neutral|happy|sad|angry|fear|disgust|ps|pleasant_surprised?)",
        "en",
        _tess,
    ),
    # a folder a speaker as its authors give it out; one folder with the speaker in the names elsewhere
    "savee": Layout(r"(?:.*/)?(?P<speaker>DC|JE|JK|KL)[/_](?P<emotion>a|d|f|h|n|sa|su)\d\d", "en", _savee, parents=1),
    "emovo": Layout(
        r"(?P<emotion>dis|gio|neu|pau|rab|sor|tri)-(?P<speaker>[fm][123])-(?P<statement>[a-z]\d)", "it", _emovo
    ),
    "neutral-libri": Layout(r"(?P<speaker>\d+)-\d+-\d+", "en", _libri),
    "plain": Layout(r"(?P<emotion>[^/]+)/(?P<speaker>[^/_]+)_[^/]+", "", _plain, parents=1),
}
"""Corpora whose file names can be read, by name; `plain` is for one's own: `emotion/speaker_anything.wav`."""
