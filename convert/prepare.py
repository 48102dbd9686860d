"""The data stages of a run: corpora to int8 features, and the examples that training draws from them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.augment.material import noise_files, room_files, voice_files, write_material
from convert.class_weights import class_weights
from convert.corpora.manifest import GENDERS, UNLABELLED, read_corpus
from convert.corpora.recordings import Recordings, decode, open_recordings
from convert.errors import SplitError
from convert.examples import Examples
from convert.features import Features, open_features, write_features
from convert.log_mels import Work, open_log_mels, write_log_mels
from convert.progress import track
from convert.protocols import check_classes, split_clips
from convert.recipe import Recipe
from convert.splits import Split
from convert.stages import code_digest, run_stage
from edge_ser.features.tables import TABLES_SHA256


@dataclass(frozen=True, slots=True)
class Prepared:
    """Features on disk and who is who: what every later stage reads."""

    recipe: Recipe
    recordings: Recordings
    features: Features

    split: Split
    """Which clips are for what."""

    digest: str
    """Of everything above."""

    corrections: int = 0
    """That are taught beside the recordings, see `convert.feedback`."""


def prepare(recipe: Recipe, corpora: Path, out: Path) -> Prepared:
    """Decode the corpora, augment, cut out the utterances and turn them into int8 features.

    Parameters
    ----------
    recipe : Recipe
    corpora : Path
        Folder that holds one folder a corpus.
    out : Path
        Folder of the run.

    Raises
    ------
    CorpusError, SplitError, RecipeError
        Naming the file, speaker or key.
    """
    infos, clips = {}, []
    for name in recipe.data.corpora:
        infos[name], found = read_corpus(corpora / name, recipe.classes)
        clips += found
    for name in recipe.data.unlabelled:
        infos[name], found = read_corpus(corpora / name, recipe.classes, labelled=False)
        clips += found
    code = code_digest(*(f"convert/corpora/{file}.py" for file in ("audio", "activity", "recordings")))
    known = {name: [info.told_apart, info.licence, info.consent] for name, info in infos.items()}
    listed = {"clips": [asdict(clip) for clip in clips], "corpora": known, "code": code}
    decoded = run_stage(
        out, "recordings", listed, lambda folder: decode(corpora, infos, clips, folder, track("decoding"))
    )
    files = (*noise_files(corpora), *voice_files(corpora), *room_files(corpora))
    added = [[path.name, sha256] for path, sha256 in files]
    inputs = {"files": added, "code": code_digest("convert/augment/material.py")}
    material = run_stage(out, "material", inputs, lambda folder: write_material(corpora, folder))
    work = Work(
        decoded,
        material,
        recipe.augment,
        recipe.segmentation,
        recipe.data.variants,
        recipe.seed,
        recipe.features.extras,
    )
    code = code_digest("convert/log_mels.py", "convert/segments.py", "convert/augment", "edge_ser/features")
    stages = {"recordings": decoded.name, "material": material.name}  # not their paths: a run may be moved
    inputs = {"work": {**asdict(work), **stages}, "tables": TABLES_SHA256, "code": code}
    heard = run_stage(out, "log_mels", inputs, lambda folder: write_log_mels(work, folder, progress=_chunks))
    recordings = open_recordings(decoded)
    split = split_recordings(recipe, recordings)
    log_mels = open_log_mels(heard)
    inputs = {
        "options": asdict(recipe.features),
        "log_mels": heard.name,
        "train": split.train.tolist(),
        "code": code_digest("convert/features.py", "edge_ser/features"),
    }
    written = run_stage(
        out,
        "features",
        inputs,
        lambda folder: write_features(
            log_mels, split.train, recipe.features, recipe.segmentation.frames_per_step, folder,
            track("features"),
        ),
    )  # fmt: skip
    return Prepared(recipe, recordings, open_features(written), split, written.name)


def split_recordings(recipe: Recipe, recordings: Recordings) -> Split:
    """Return who is for what; what has no label is for training alone."""
    data, clips = recipe.data, recordings.clips
    split = split_clips(
        clips, recordings.pcm_sha256, data.split, data.held_out, data.validation, share=data.share, seed=recipe.seed
    )
    if len(split.held_out):  # else it is a pretraining, which need not know every class
        check_classes(clips, split, recipe.classes, data.split, recipe.label_of_class)
    judged = (*split.validation, *split.held_out)
    if stray := next((clips[index] for index in judged if clips[index].emotion == UNLABELLED), None):
        raise SplitError(f"{stray.name} has no label and is to be judged", "Hold out speakers of data.corpora alone")
    return split


def examples_of(prepared: Prepared, clips: NDArray[np.intp], *, variants: bool) -> Examples:
    """Return the utterances of some clips, with or without their augmented copies.

    Parameters
    ----------
    prepared : Prepared
    clips : array of int
        One of the parts of `prepared.split`.
    variants : bool
        Whether augmented copies are wanted.
    """
    recipe, recordings, features = prepared.recipe, prepared.recordings, prepared.features
    chosen = np.isin(features.clip, clips)
    if not variants:
        chosen &= features.variant == 0
    elif prepared.split.copies_cross:
        chosen &= ~(np.isin(features.clip, prepared.split.held_out) & (features.variant == 0))
    rows = np.flatnonzero(chosen)
    clip = features.clip[rows]
    corpus = np.array([each.corpus for each in recordings.clips])[clip]
    classes = {name: place for place, name in enumerate(recipe.classes)}
    target = np.array([classes.get(each.emotion, 0) for each in recordings.clips])[clip]
    labelled = np.array([each.emotion != UNLABELLED for each in recordings.clips])[clip]
    told_apart = recordings.classes_of_corpus
    places = {name: counting(recipe, told_apart[name]) for name in np.unique(corpus)}
    counts_as = np.array([places[each] for each in corpus], np.int32).reshape(-1, len(recipe.classes))
    sampling = np.array([recipe.data.sampling.get(each, 1.0) for each in corpus])
    # A clip counts once, however many utterances and copies of it there are.
    sampling = sampling / np.bincount(clip)[clip]
    return Examples(
        features=features.frames,
        start=features.start[:-1][rows],
        frames=features.length[rows],
        corpus=corpus,
        target=target,
        counts_as=counts_as,
        weight=class_weights(corpus, target, len(recipe.classes), recipe.data.class_weights),
        probability=sampling / sampling.sum(),
        draws=len(np.unique(clip)),
        labelled=labelled,
        speaker=np.unique([each.speaker for each in recordings.clips], return_inverse=True)[1][clip],
        gender=np.array([GENDERS.index(each.gender) for each in recordings.clips])[clip],
    )


def counting(recipe: Recipe, told_apart: Collection[str]) -> list[int]:
    """Return what each class counts as in a corpus that tells these apart: itself, the first of its label, or -1."""
    places = []
    for name in recipe.classes:
        label = recipe.label_of_class.get(name, name)
        mates = [other for other in recipe.classes if recipe.label_of_class.get(other, other) == label]
        known = [other for other in (name, *mates) if other in told_apart]
        places.append(recipe.classes.index(known[0]) if known else -1)
    return places


def _chunks(chunks: Iterable[int], total: int) -> Iterable[int]:
    return track("augmentation and log-mel", total)(chunks)
