"""Judging a model file as it is, on the recordings of people whom it says it never heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from convert.baseline import voices_of
from convert.corpora.audio import read_pcm
from convert.corpora.manifest import AUDIO_FOLDER, MANIFEST_NAME, Clip, read_corpus
from convert.errors import ConvertError
from convert.evaluate.adapted import Adapted, judge_adapted, sessions_of
from convert.evaluate.judge import Judged, ask_all, judge
from convert.evaluate.students import Pcm, ask, streaming_student
from convert.packing import FLOAT_SUFFIX
from convert.recipe_file import RECIPES, load_recipe
from convert.segments import Segmentation
from edge_ser.student.model_file import ModelFile

Chosen = tuple[list[Clip], dict[str, Sequence[str]]]
"""Clips, and the classes that their corpora tell apart."""


def evaluate_file(path: Path, corpora: Path, protocol: str) -> list[Judged]:
    """Return the figures of a model file.

    Parameters
    ----------
    path : Path
        The model file; the float student is compared where it lies beside it (`NAME.float.tflite`).
    corpora : Path
        Folder that holds one folder a corpus.
    protocol : str
        One of `PROTOCOLS`.

    Raises
    ------
    ModelFileError, CorpusError, ConvertError
        The file or a corpus cannot be read; nothing there suits the protocol.
    """
    model = ModelFile.load(path)
    clips, told_apart = PROTOCOLS[protocol](model, corpora)
    recordings = read_clips(corpora, clips)
    beside = path.with_suffix("").with_suffix(FLOAT_SUFFIX)
    float_tflite = beside.read_bytes() if beside.is_file() else None
    return judge(model, ask_all(model, float_tflite, recordings), clips, told_apart)


def evaluate_adapted(path: Path, corpora: Path) -> list[Adapted]:
    """Return what the baseline is worth to the speakers whom the model file names as held out.

    Raises
    ------
    ModelFileError, CorpusError, ConvertError
        As `evaluate_file`; or the model has no baseline.
    """
    model = ModelFile.load(path)
    if model.metadata.baseline is None:
        raise ConvertError(f"The model {model.metadata.name} has no baseline", "Make it again with edge-ser-convert")
    clips, _ = held_out_speakers(model, corpora)
    recordings = read_clips(corpora, clips)
    spec = model.metadata.features
    hangover_steps = round(model.metadata.decision.hangover_seconds / spec.step_seconds)
    segmentation = Segmentation(spec.frames_per_step, hangover_steps)
    answers = ask(streaming_student(model), recordings, len(model.metadata.classes))
    by_corpus = sessions_of(model.metadata, clips, answers.logits, voices_of(recordings, spec, segmentation))
    return [one for name, sessions in by_corpus.items() for one in judge_adapted(model.metadata, sessions, name)]


def read_clips(corpora: Path, clips: Sequence[Clip]) -> list[Pcm]:
    """Return the samples of clips, which lie in a folder that holds one folder a corpus."""
    return [read_pcm(corpora / clip.corpus / AUDIO_FOLDER / clip.file, clip.sha256) for clip in clips]


def held_out_speakers(model: ModelFile, corpora: Path) -> Chosen:
    """Return the clips of the speakers whom the model file names as held out, of the corpora that are there."""
    wanted = set(model.metadata.provenance.held_out)
    if not wanted:
        raise ConvertError(
            f"The model {model.metadata.name} names no held-out speakers", "Use --protocol corpus with other corpora"
        )
    return _choose(model, corpora, sorted({name.split("/")[0] for name in wanted}), wanted)


def validation_speakers(model: ModelFile, corpora: Path) -> Chosen:
    """Return the clips of the speakers who chose the model file's temperature and thresholds, as its recipe names them.

    Raises
    ------
    RecipeError
        Its recipe is not one of those that came with edge-ser.
    """
    chosen = load_recipe(RECIPES / f"{model.metadata.provenance.recipe}.toml").data.validation
    wanted = {f"{corpus}/{speaker}" for corpus, speakers in chosen.items() for speaker in speakers}
    return _choose(model, corpora, sorted(chosen), wanted)


def unheard_corpora(model: ModelFile, corpora: Path) -> Chosen:
    """Return all clips of the corpora that the model file does not name among those it was trained on."""
    known = {corpus.name for corpus in model.metadata.provenance.corpora}
    found = sorted(manifest.parent.name for manifest in corpora.glob(f"*/{MANIFEST_NAME}"))
    speech = [name for name in found if name not in known and not name.startswith("noise-")]
    return _choose(model, corpora, speech, None)


def _choose(model: ModelFile, corpora: Path, names: list[str], speakers: set[str] | None) -> Chosen:
    clips: list[Clip] = []
    told_apart: dict[str, Sequence[str]] = {}
    for name in names:
        if not (corpora / name / MANIFEST_NAME).is_file():
            continue
        info, found = read_corpus(corpora / name, model.metadata.classes)
        told_apart[name] = info.told_apart
        clips += [clip for clip in found if speakers is None or clip.speaker in speakers]
    if not clips:
        raise ConvertError(
            f"None of the recordings to judge {model.metadata.name} with are in {corpora}",
            f"Put the corpora {', '.join(names)} there" if names else "Put a corpus there that it was not trained on",
        )
    return clips, told_apart


PROTOCOLS: Mapping[str, Callable[[ModelFile, Path], Chosen]] = MappingProxyType(
    {"speaker": held_out_speakers, "corpus": unheard_corpora}
)
"""By name: which recordings are judged."""
