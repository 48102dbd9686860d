"""The reference in the shipped model file tells noise that comes and goes from more of the same."""

from __future__ import annotations

from pathlib import Path

from benchmarks.drift import CLEAN, QUICK, changes, rates
from convert.drift import hear_speakers, reader
from convert.evaluate.model_file import held_out_speakers
from edge_ser.student.model_file import ModelFile


def test_passing_noise_is_told_and_more_of_the_same_is_not(corpora: Path) -> None:
    model = ModelFile.load_bundled()
    reference = model.metadata.drift
    assert reference is not None
    held_out = held_out_speakers(model, corpora)[0]
    few = sorted({clip.speaker for clip in held_out})[::QUICK]
    clips = [clip for clip in held_out if clip.speaker in few]
    change = changes(corpora)
    as_recorded, noisy = (
        rates(hear_speakers(model, clips, reader(corpora), change[name]), reference)
        for name in (CLEAN, "passing noise, 10 dB")
    )
    assert as_recorded[1] <= 0.05  # of many people at one device
    assert noisy[1] >= 0.9
    assert noisy[2] == "noise_floor_dbfs"
