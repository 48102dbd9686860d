"""What a board computes, as JSON on standard output: `python -m benchmarks.boards.digest`.

It runs on the emulated board and on this machine alike, with nothing but edge_ser. All signals come from integer
arithmetic, so that the input is the same everywhere.
"""

from __future__ import annotations

import hashlib
import json
import platform
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.resample import Resampler
from edge_ser.capture.source import open_source
from edge_ser.decision.presets import rules
from edge_ser.features import FrontEnd, LogMel, Mfcc, RunningMean, VoiceActivity
from edge_ser.pipeline import Pipeline
from edge_ser.recordings import DEMO
from edge_ser.settings import SAMPLE_RATE, Settings
from edge_ser.student.model_file import ModelFile
from edge_ser.student.network import Network

BLOCKS_MS = (10, 100)
RATES = (8000, 22050, 24000, 32000, 44100, 48000, 96000, 44101)  # Hz; the last is interpolated
PART = 8000  # samples of each part of the signal
LEVELS = range(0, 61, 5)  # dB below full scale

Pcm = NDArray[np.int16]


def digest() -> dict[str, Any]:
    """Return what this machine makes of the signals, the embedded recording and the student's golden vector."""
    model = ModelFile.load_bundled()
    pcm = signal()
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "features": {f"{ms} ms": features(pcm, ms) for ms in BLOCKS_MS},
        "resampled": {str(rate): _sha256(resampled(pcm, rate)) for rate in RATES},
        **golden(model),
        **events(model),
    }


def signal() -> Pcm:
    """Return silence, noise and a sawtooth from 60 dB below full scale up to it and into clipping, square waves."""
    noise, ramp = white(PART), np.arange(PART) % 113 * 65535 // 112 - 32768
    parts = [np.zeros(PART, np.int64)]
    for level in LEVELS:
        gain = round(2**16 * 10 ** (-level / 20))
        parts += [noise * gain >> 16, (ramp * gain >> 16) + (noise * gain >> 22)]
    parts += [noise * 4, ramp * 8]
    parts += [np.where(np.arange(PART) % period < period // 2, 32767, -32768) for period in (2, 16, 35, 160, 2000)]
    return np.clip(np.concatenate([*parts, np.zeros(PART + 77, np.int64)]), -32768, 32767).astype(np.int16)


def white(samples: int) -> NDArray[np.int64]:
    """Return noise (samples,), uniform over int16: the splitmix64 generator."""
    state = np.arange(1, samples + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    return (state >> np.uint64(48)).astype(np.int64) - 32768


def features(pcm: Pcm, block_ms: int) -> str:
    """Return the SHA-256 of bands, cepstra, their running mean and speech, the stream cut into such blocks."""
    size = SAMPLE_RATE * block_ms // 1000
    stream, activity, removal = LogMel(), VoiceActivity(), RunningMean(40, prior_frames=50)
    mfcc = Mfcc(FrontEnd(), 10 - np.arange(40) / 4, 3 + np.arange(40) / 8, 32.0)
    found: list[list[NDArray[Any]]] = [[], [], [], []]
    for start in range(0, pcm.size, size):
        bands = stream.push(pcm[start : start + size])
        cepstra = mfcc(bands)
        for kept, values in zip(found, (bands.astype("<i4"), cepstra, activity(bands)), strict=False):
            kept.append(values)
    whole = np.concatenate(found[1])
    found[3] = [removal(whole[i : i + 8]) for i in range(0, len(whole), 8)]
    return _sha256(*(np.concatenate(kept) for kept in found))


def resampled(pcm: Pcm, rate: int) -> Pcm:
    """Return the signal as if it had come at this rate, in blocks of 10 ms."""
    resampler, size = Resampler(rate, allow_soxr=False), rate // 100
    pieces = [resampler.push(pcm[i : i + size]) for i in range(0, pcm.size, size)]
    return np.concatenate([*pieces, resampler.flush()])


def golden(model: ModelFile) -> dict[str, Any]:
    """Return the network's int8 answers to the golden vector of the model file."""
    network = Network(model.tflite)
    logits, attention = zip(*(network(step) for step in model.metadata.golden_arrays()[0]), strict=True)
    return {"logits": [row.tolist() for row in logits], "attention": [int(weight) for weight in attention]}


def events(model: ModelFile) -> dict[str, Any]:
    """Return what is decided on the embedded recording, event by event, and the probabilities behind it."""
    with open_source(DEMO) as source:
        pcm = np.concatenate([block.samples for block in iter(source.read, None)])
    pipeline = Pipeline(model)
    found = pipeline.push(pcm) + pipeline.flush()
    return {
        "decisions": [[event.time, event.state, event.emotion, event.speech] for event in found],
        "probabilities": [list(event.probabilities.values()) for event in found],
        "uncertain_below": rules(Settings(), model.metadata.decision).uncertain_below,
    }


def _sha256(*arrays: NDArray[Any]) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


if __name__ == "__main__":
    print(json.dumps(digest()))
