"""What bad audio does to confidence, and the factors that mend it: the numbers in `edge_ser.decision.degradation`.

Clips are spoilt in one way each: clipped, mixed with noises that no student was trained with, or robbed of blocks.
The factor of a flag is fitted on the validation speakers' spoilt clips that the pipeline flagged, by likelihood, as the
temperature was. What it is worth is then measured on held-out speakers: the calibration error without and with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.report import Cell, Report, Table
from convert.augment.material import ESC_TEST_FOLD
from convert.calibration import corpus_weights, fit_temperature
from convert.corpora.audio import read_pcm
from convert.corpora.manifest import AUDIO_FOLDER, Clip, read_rows
from convert.evaluate.conditions import Blocks, lose_blocks
from convert.evaluate.measures import calibration_error, nll
from convert.evaluate.model_file import held_out_speakers, read_clips, validation_speakers
from edge_ser.decision.calibration import Calibration
from edge_ser.decision.degradation import degrade, factor
from edge_ser.events import Flags
from edge_ser.pipeline import Pipeline
from edge_ser.student.model_file import ModelFile

NOISES = "noise-esc10"
CLIPPING_DB = (6.0, 24.0)  # of the peak over full scale
SNR_DB = (0.0, 10.0)
LOST_SHARE = (0.05, 0.4)  # of the blocks
BLOCK = 1600  # samples lost at once, 100 ms
FULL_SCALE = 32767
CLEAN = "clean"
QUICK = 20  # every so manyth clip

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What the pipeline made of some clips."""

    probabilities: NDArray[np.float64]
    """(n, n_labels), as though nothing had been wrong with the audio."""

    flags: tuple[Flags, ...]

    spoken: NDArray[np.intp]
    """(n,): right labels."""

    weight: NDArray[np.float64]
    """(n,): by which all corpora count alike."""

    def flagged(self, name: str) -> Heard:
        """Return the clips with this flag."""
        chosen = np.array([getattr(flags, name) for flags in self.flags], bool)
        flags = tuple(flags for flags in self.flags if getattr(flags, name))
        return Heard(self.probabilities[chosen], flags, self.spoken[chosen], self.weight[chosen])

    def degraded(self) -> NDArray[np.float64]:
        """Return the probabilities that the recogniser gives."""
        pairs = zip(self.probabilities.tolist(), self.flags, strict=True)
        return np.reshape([degrade(row, flags) for row, flags in pairs], self.probabilities.shape)


def run(corpora: Path, quick: bool = False) -> Report:
    """Spoil the recordings of people whom the bundled student was not trained on."""
    model = ModelFile.load_bundled()
    spoil = spoilers(corpora)
    fitted_on = _listen(model, corpora, validation_speakers(model, corpora)[0], spoil, quick)
    judged_on = _listen(model, corpora, held_out_speakers(model, corpora)[0], spoil, quick)
    rows: list[tuple[Cell, ...]] = []
    figures: dict[str, float] = {}
    for name in (CLEAN, *spoil):
        # A clean clip may be flagged too, and a flag is worth its factor wherever it comes from.
        heard = judged_on[name]
        found = heard if name == CLEAN else heard.flagged(name)
        flagged = sum(flags != Flags() for flags in found.flags) / len(heard.flags)
        fitted, used = None, None
        if name != CLEAN:
            fitted, used = fit_factor(fitted_on[name].flagged(name)), factor(Flags(**{name: True}))
            figures[f"{name}_factor_ratio"] = fitted
        right = found.probabilities.argmax(axis=1) == found.spoken
        without, with_it = (
            (100 * calibration_error(answer.max(axis=1), right), nll(answer, found.spoken))
            for answer in (found.probabilities, found.degraded())
        )
        rows.append((name, fitted, used, 100 * flagged, 100 * float(right.mean()), *without, *with_it))
        figures |= {f"{name}_ece_without_percent": without[0], f"{name}_ece_percent": with_it[0]}
    columns = ("audio", "fitted", "used", "flagged %", "right %", "ECE % without", "NLL", "ECE % with", "NLL with")
    title = "Confidence on spoilt recordings of held-out speakers, without and with the factors"
    notes = (
        f"clipping: the peak is {CLIPPING_DB[0]:g} to {CLIPPING_DB[1]:g} dB over full scale",
        f"noise: environmental sounds at {SNR_DB[0]:g} to {SNR_DB[1]:g} dB",
        f"gap: {100 * LOST_SHARE[0]:g} to {100 * LOST_SHARE[1]:g} % of the {BLOCK // 16} ms blocks are lost",
    )
    return Report("degraded", (Table(title, columns, tuple(rows)),), figures, notes)


def fit_factor(heard: Heard) -> float:
    """Return the factor under which clips were likeliest."""
    logits = np.log(np.maximum(heard.probabilities, 1e-12))

    def at(temperature: float) -> NDArray[np.float64]:
        weights = np.exp(logits / temperature)
        shares: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return shares

    return fit_temperature(at, heard.spoken, heard.weight)


def spoilers(corpora: Path) -> Mapping[str, Callable[[Pcm, Generator], Blocks]]:
    """Return, by the flag that it should raise, what spoils a clip."""
    rows = [row for row in read_rows(corpora / NOISES) if ESC_TEST_FOLD in row["file"]]
    noise = np.concatenate([read_pcm(corpora / NOISES / AUDIO_FOLDER / row["file"], row["sha256"]) for row in rows])
    return {
        "clipping": clip_off,
        "noise": lambda pcm, rng: add_noise(pcm, rng, noise),
        "gap": lambda pcm, rng: lose_blocks(pcm, rng, rng.uniform(*LOST_SHARE), BLOCK),
    }


def clip_off(pcm: Pcm, rng: Generator) -> Blocks:
    """Return a clip that was recorded far too loud."""
    gain = 10 ** (rng.uniform(*CLIPPING_DB) / 20) * FULL_SCALE / max(1, int(np.abs(pcm.astype(np.int32)).max()))
    return [(_int16(pcm * gain), 0)]


def add_noise(pcm: Pcm, rng: Generator, noise: Pcm) -> Blocks:
    """Return a clip with a background; its level is that of its louder half."""
    first = rng.integers(max(1, len(noise) - len(pcm)))
    background = np.resize(noise[first:], len(pcm)).astype(np.float64)
    voice = np.sort(np.square(pcm, dtype=np.float64))[len(pcm) // 2 :].mean()
    power = max(float(np.square(background).mean()), 1.0)
    return [(_int16(pcm + background * np.sqrt(voice / power / 10 ** (rng.uniform(*SNR_DB) / 10))), 0)]


def _listen(
    model: ModelFile,
    corpora: Path,
    clips: Sequence[Clip],
    spoil: Mapping[str, Callable[[Pcm, Generator], Blocks]],
    quick: bool,
) -> dict[str, Heard]:
    """Return what the pipeline makes of clips, clean and spoilt in each way."""
    clips = clips[::QUICK] if quick else clips
    recordings = read_clips(corpora, clips)
    pipeline, calibration = Pipeline(model), Calibration(model.metadata)
    right = [calibration.labels.index(model.metadata.label_of_class[clip.emotion]) for clip in clips]
    heard = {}
    for name in (CLEAN, *spoil):
        answers, flags, which = [], [], []
        for place, pcm in enumerate(recordings):
            blocks = [(pcm, 0)] if name == CLEAN else spoil[name](pcm, np.random.default_rng(place))
            pipeline.reset()
            for block, lost in blocks:
                pipeline.push(block, lost)
            pipeline.flush()
            pooled = pipeline.pooled_logits()
            if pooled is not None:
                answers.append(calibration(pooled))
                flags.append(pipeline.recognition().flags)
                which.append(place)
        weight = corpus_weights([clips[place].corpus for place in which])
        heard[name] = Heard(np.array(answers), tuple(flags), np.array(right)[which], weight)
    return heard


def _int16(samples: NDArray[np.float64]) -> Pcm:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
