"""From a run's parts to the one model file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from convert.export.assemble import assemble
from convert.prepare import Prepared
from edge_ser.features import TABLES_SHA256, FrontEnd
from edge_ser.student.metadata import BaselineReference, Corpus, Decision, Features, Provenance
from edge_ser.student.model_file import ModelFile

INT8, FLOAT = "student.int8.tflite", "student.float.tflite"
FLOAT_SUFFIX = ".float.tflite"
"""Of the float student that is kept beside a model file, to compare with."""


def student_features(prepared: Prepared) -> Features:
    """Return how the board makes what the student was trained on."""
    features = prepared.features
    return Features(
        front_end=FrontEnd(n_mfcc=features.options.n_mfcc),
        tables_sha256=TABLES_SHA256,
        mean=tuple(features.mean.tolist()),
        std=tuple(features.std.tolist()),
        lsb_per_std=features.options.lsb_per_std,
        running_mean_prior_frames=features.options.prior_frames,
        frames_per_step=prepared.recipe.segmentation.frames_per_step,
        extras=features.options.extras,
    )


def pack(
    prepared: Prepared,
    exported: Path,
    decision: Decision,
    metrics: Mapping[str, float],
    card: str,
    baseline: BaselineReference | None = None,
) -> ModelFile:
    """Return the model file of a run.

    Parameters
    ----------
    prepared : Prepared
    exported : Path
        Holds the int8 student.
    decision : Decision
        From calibration.
    metrics : mapping
        Of this very student.
    card : str
        Markdown.
    baseline : BaselineReference, optional
        From calibration; without it the board learns nobody's voice.
    """
    recipe, recordings = prepared.recipe, prepared.recordings
    corpora = [Corpus(info.name, info.licence) for info in recordings.corpora.values()]
    if prepared.corrections:
        corpora.append(Corpus("feedback", f"{prepared.corrections} corrections, by consent of the speakers"))
    # Of a split by sentence or by chance nobody is held out, for all were heard.
    held_out = sorted(
        {recordings.clips[clip].speaker for clip in prepared.split.held_out}
        - {recordings.clips[clip].speaker for clip in prepared.split.train}
    )
    return assemble(
        (exported / INT8).read_bytes(),
        name=recipe.name,
        version=recipe.version,
        label_of_class={name: recipe.label_of_class.get(name, name) for name in recipe.classes},
        features=student_features(prepared),
        decision=decision,
        provenance=Provenance(tuple(corpora), tuple(held_out), recipe.name),
        licence=recipe.licence,
        metrics=metrics,
        golden_features=prepared.features.row(int(prepared.features.length.argmax())),
        card=card,
        baseline=baseline,
    )
