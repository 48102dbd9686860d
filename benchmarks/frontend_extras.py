"""What each optional feature costs, and all of prosody together beside Kaldi's pitch tracker alone."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks import kaldi_pitch
from benchmarks.report import Cell, Figure, Table, Times, interleave, ratio, spread
from edge_ser.features import FrontEnd, LogMel, Mfcc, VoiceActivity
from edge_ser.features.extras import EXTRAS
from edge_ser.features.spectrum import by_output
from edge_ser.features.tables import N_MELS

HOP = 160  # samples, 10 ms
N_MFCC = 13
STEPS = (1, 8)  # frames at once: 10 ms, and the pipeline's 80 ms
PROTOTYPE_US = {
    "log_energy": 0.3, "centroid": 1.0, "spread": 1.0, "flux": 1.2, "rolloff": 2.3, "chroma": 0.64, "delta": 0.28,
    "delta_delta": 0.28, "zero_crossings": 1.5, "rms": 0.6, "pitch": 12.5,
}  # fmt: skip
"""Per frame, of the prototypes that showed what can be had; the fastest of another machine."""

TOGETHER = ("log_energy", "flux", "delta", "delta_delta", "pitch")
KALDI, OURS = "Kaldi's online pitch alone", "MFCC, voice activity, energy, flux, slopes and pitch"
GOAL = 1.1

Run = Callable[[], object]


def costs(signal: NDArray[np.int16], rounds: int, figures: dict[str, Figure]) -> Table:
    """Return what each feature costs a frame, at 10 ms and at 80 ms a call."""
    micros: dict[str, list[str]] = {name: [] for name in EXTRAS}
    for frames in STEPS:
        blocks = _blocks(signal, frames)
        heard = _heard(blocks)
        times = interleave(
            {name: _run(_feature(name), heard[EXTRAS[name].hears]) for name in EXTRAS}, rounds, clock=time.process_time
        )
        for name in EXTRAS:
            each = spread(1e6 * times[name] / (len(blocks) * frames))
            figures[f"extra_{frames * 10}_ms.{name}_us"] = each.median
            micros[name].append(str(each))
    rows = tuple((name, *micros[name], PROTOTYPE_US.get(name)) for name in EXTRAS)
    return Table(
        "optional features, µs per frame of 10 ms", ("feature", "10 ms a call", "80 ms a call", "prototype"), rows
    )


def together(signal: NDArray[np.int16], rounds: int, figures: dict[str, Figure], notes: list[str]) -> tuple[Table, ...]:
    """Return what all of prosody costs beside Kaldi's pitch tracker; nothing but a note where that is missing."""
    try:
        kaldi_pitch.KaldiPitch().close()
    except (ImportError, OSError, AttributeError, StopIteration) as error:
        notes.append(f"Kaldi's pitch tracker cannot be measured ({error}): pip install {kaldi_pitch.PACKAGE}")
        return ()
    rows = [row for frames in STEPS for row in _beside_kaldi(signal, frames, rounds, figures)]
    title = "prosody, one core, µs per block; ratio: ours to Kaldi's, median (quartiles)"
    return (Table(title, ("block", "what", "µs", "ours / it", "goal", "reached"), tuple(rows)),)


def _beside_kaldi(
    signal: NDArray[np.int16], frames: int, rounds: int, figures: dict[str, Figure]
) -> list[tuple[Cell, ...]]:
    blocks = _blocks(signal, frames)
    log_mel, activity = LogMel(TOGETHER), VoiceActivity()
    mfcc = Mfcc(FrontEnd(n_mfcc=N_MFCC), np.zeros(N_MFCC), np.ones(N_MFCC), 32.0)

    def ours(pcm: NDArray[np.int16]) -> object:
        heard = log_mel.push(pcm)
        bands = heard[:, :N_MELS]
        return mfcc(bands), activity(bands), heard[:, N_MELS:]

    def kaldi() -> None:  # anew each time, since it keeps all frames for ever
        stream = kaldi_pitch.KaldiPitch()
        _run(stream.push, blocks)()
        stream.close()

    times: Times = interleave({OURS: _run(ours, blocks), KALDI: kaldi}, rounds, clock=time.process_time)
    found, key = ratio(times, OURS, KALDI), f"prosody_{frames * 10}_ms"
    for name, figure in ((OURS, "ours"), (KALDI, "kaldi")):
        figures[f"{key}.{figure}_us"] = 1e6 * spread(times[name]).median / len(blocks)
    figures[f"{key}.ratio"] = found.median
    judged = (GOAL, "yes" if found.median <= GOAL else "no") if frames == 1 else (None, None)
    kind = f"{frames * 10} ms"
    return [
        (kind, OURS, figures[f"{key}.ours_us"], None, None, None),
        (kind, KALDI, figures[f"{key}.kaldi_us"], str(found), *judged),
    ]


def _blocks(signal: NDArray[np.int16], frames: int) -> list[NDArray[np.int16]]:
    size = frames * HOP
    return [signal[i : i + size] for i in range(0, signal.size - size + 1, size)]


def _heard(blocks: Sequence[NDArray[np.int16]]) -> list[Sequence[NDArray[np.generic]]]:
    """Return what features are given block by block: by `Extra.hears` samples, bands and power spectra."""
    stream = LogMel()
    log_mels = [stream.push(pcm) for pcm in blocks]
    # Any spectrum costs the same; these are of the blocks alone, without what came before.
    powers = [np.abs(np.fft.rfft(pcm.reshape(-1, HOP), 512).T) ** 2 / 16 for pcm in blocks]
    return [blocks, log_mels, [np.ascontiguousarray(by_output(np.rint(power)).T) for power in powers]]


def _feature(name: str) -> Callable[[NDArray[np.generic]], object]:
    module, _, kind = EXTRAS[name].place.partition(".")
    feature: Callable[[NDArray[np.generic]], object] = getattr(
        importlib.import_module(f"edge_ser.features.{module}"), kind
    )()
    return feature


def _run(feed: Callable[..., object], blocks: Sequence[NDArray[np.generic]]) -> Run:
    return lambda: [feed(block) for block in blocks]
