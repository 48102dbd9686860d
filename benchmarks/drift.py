"""Whether drift is noticed where it is and not where it is not: rates on held-out speakers, clean and changed.

Each held-out speaker's clips are heard by the pipeline as a stream, as they are and changed in one way each. Windows of
as many utterances as the board compares are then drawn, of one speaker at a time and of all of them together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.report import Cell, Report, Table
from convert.augment.background import Noise, add_noise
from convert.augment.material import ESC_TEST_FOLD, room_files
from convert.augment.microphone import Equaliser, Telephone, equalise, limit_band
from convert.augment.room import Room, add_room
from convert.corpora.activity import active_range
from convert.corpora.audio import read_pcm
from convert.corpora.manifest import AUDIO_FOLDER, Clip, read_rows
from convert.drift import WINDOWS_EACH, Heard, Pcm, hear_speakers, indices, known_clips, reader, with_reference
from convert.errors import ConvertError
from convert.evaluate.model_file import held_out_speakers, unheard_corpora
from edge_ser.settings import SAMPLE_RATE
from edge_ser.student.metadata import DriftReference
from edge_ser.student.model_file import ModelFile

PASSING, STEADY = "noise-esc10", "noise-speechcommands"
PASSING_SNR_DB, STEADY_SNR_DB = (10.0, 0.0), 5.0
GAIN_DB = -25.0
WINDOWS_OF_ALL = 200
QUICK = 6  # every so manyth speaker
CLEAN = "as recorded"

Change = Callable[[Pcm, Generator], Pcm]


def run(corpora: Path, quick: bool = False) -> Report:
    """Hear people whom the bundled student was not trained on, and corpora that it does not know."""
    model = ModelFile.load_bundled()
    read = reader(corpora)
    if model.metadata.drift is None:
        model = with_reference(model, _fewer(known_clips(model, corpora), quick), read)
    reference = model.metadata.drift
    assert reference is not None
    held_out = _fewer(held_out_speakers(model, corpora)[0], quick)
    rows: list[tuple[Cell, ...]] = []
    figures: dict[str, float] = {}
    heard_in = {name: hear_speakers(model, held_out, read, change) for name, change in changes(corpora).items()}
    try:
        unheard = unheard_corpora(model, corpora)[0]
    except ConvertError:
        unheard = []
    for name in dict.fromkeys(clip.corpus for clip in unheard):
        clips = [clip for clip in unheard if clip.corpus == name]
        heard_in[f"another corpus: {name}"] = hear_speakers(model, clips, read)
    for name, heard in heard_in.items():
        one, many, why = rates(heard, reference)
        rows.append((name, len(heard), sum(map(len, heard.values())), 100 * one, 100 * many, why))
        key = name.replace(" ", "_").replace(":", "").replace(",", "")
        figures |= {f"{key}_one_speaker_percent": 100 * one, f"{key}_all_speakers_percent": 100 * many}
    columns = ("what is heard", "speakers", "utterances", "one speaker %", "all speakers %", "mostly by")
    title = f"Windows of {reference.window} utterances in which drift is told, held-out speakers"
    limits = ", ".join(f"{name} {limit:.2f}" for name, limit in reference.limits.items())
    notes = (
        "noise: so far below the voice; passing: environmental sounds never trained with, one after the other; "
        f"steady: one background throughout; gain: {GAIN_DB:g} dB",
        "microphone: random smooth responses, standard deviation 10 dB at eight frequencies; room: measured responses, "
        "reverberation 6 dB over the direct sound",
        f"limits of the stability index: {limits}",
    )
    return Report("drift", (Table(title, columns, tuple(rows)),), figures, notes)


def rates(by_speaker: Mapping[str, Heard], reference: DriftReference) -> tuple[float, float, str]:
    """Return the share of windows with drift, of one speaker and of all, and the index that tells it most often."""
    rng = np.random.default_rng(0)
    values = np.concatenate([heard.values for heard in by_speaker.values()])
    decisions = np.concatenate([heard.decisions for heard in by_speaker.values()])
    everybody = Heard(values, decisions)
    why: Counter[str] = Counter()

    def drifts(heard: Heard) -> bool:
        found = indices(heard.drawn(reference.window, rng), reference.measures, reference.decisions)
        name, score = max(((name, index / reference.limits[name]) for name, index in found.items()), key=lambda x: x[1])
        why[name] += score > 1
        return score > 1

    one = [drifts(heard) for heard in by_speaker.values() for _ in range(WINDOWS_EACH)]
    many = [drifts(everybody) for _ in range(WINDOWS_OF_ALL)]
    name, times = why.most_common(1)[0]
    return float(np.mean(one)), float(np.mean(many)), name if times else "-"


def changes(corpora: Path) -> dict[str, Change]:
    """Return by name what happens to the sound."""
    passing = np.concatenate([pcm for name, pcm in _noises(corpora / PASSING) if ESC_TEST_FOLD in name])
    steady = [pcm for _, pcm in _noises(corpora / STEADY)]
    rooms = [read_pcm(path, sha256).astype(np.float32) for path, sha256 in room_files(corpora)]
    always = {"probability": 1.0}

    def with_noise(
        samples: NDArray[np.float32], rng: Generator, snr_db: float, noise: NDArray[np.int16]
    ) -> NDArray[np.float32]:
        voice = 10 ** (active_range(_int16(samples))[2] / 20)
        return add_noise(samples, rng, Noise(**always, snr_db=(snr_db, snr_db), coloured=0.0), voice, noise)

    def with_steady(samples: NDArray[np.float32], rng: Generator) -> NDArray[np.float32]:
        noise = steady[int(rng.integers(len(steady)))]
        return with_noise(samples, rng, STEADY_SNR_DB, np.resize(noise, len(samples) + SAMPLE_RATE))

    found: dict[str, Callable[[NDArray[np.float32], Generator], NDArray[np.float32]]] = {
        "another microphone, 10 dB": lambda samples, rng: equalise(
            samples, rng, Equaliser(**always, decibel=10.0, high_pass_hz=(200.0, 200.0))
        ),
        "a telephone": lambda samples, rng: limit_band(samples, rng, Telephone(**always)),
        **{f"passing noise, {db:g} dB": partial(with_noise, snr_db=db, noise=passing) for db in PASSING_SNR_DB},
        f"steady noise, {STEADY_SNR_DB:g} dB": with_steady,
        "another gain": lambda samples, rng: samples * np.float32(10 ** (GAIN_DB / 20)),
    }
    if rooms:
        far = Room(**always, measured=1.0, direct_to_reverberant_db=(-6.0, -6.0))
        found["far away in a room"] = lambda samples, rng: add_room(samples, rng, far, rooms)
    return {CLEAN: lambda pcm, rng: pcm, **{name: _on_int16(change) for name, change in found.items()}}


def _on_int16(change: Callable[[NDArray[np.float32], Generator], NDArray[np.float32]]) -> Change:
    return lambda pcm, rng: _int16(change(pcm.astype(np.float32) / np.float32(32768), rng))


def _noises(folder: Path) -> list[tuple[str, Pcm]]:
    """Return each noise of a corpus with the name of its file."""
    rows = read_rows(folder)
    return [(row["file"], read_pcm(folder / AUDIO_FOLDER / row["file"], row["sha256"])) for row in rows]


def _int16(samples: NDArray[np.float32]) -> Pcm:
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)


def _fewer(clips: list[Clip], quick: bool) -> list[Clip]:
    speakers = sorted({clip.speaker for clip in clips})[:: QUICK if quick else 1]
    return [clip for clip in clips if clip.speaker in speakers]
