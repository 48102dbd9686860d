"""What the front end costs: int8 MFCC of 10, 20 and 100 ms blocks and of whole recordings, beside its peers.

All of them turn the same 16 kHz speech-like int16 signal into 13 cepstra of 40 mel bands (pymicro-features: 40 bands
without a DCT), 25 ms window, 10 ms hop, on one core; ours also into int8. Each peer is fed in the form that it takes
fastest. Processor time is measured, so that other programs on the machine do not count.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import edge_ser.features
from benchmarks import frontend_extras, frontend_profile
from benchmarks.report import Figure, Report, Table, Times, interleave, ratio, spread
from edge_ser.features import FrontEnd, LogMel, Mfcc, VoiceActivity

SAMPLE_RATE = 16000  # Hz
HOP = 160  # samples, 10 ms
WINDOW = 400  # samples, 25 ms
N_FFT = 512
N_MFCC = 13
N_MELS = 40
SIGNAL_SECONDS = 10.0  # of each candidate's turn: long enough that the caches are its own
QUICK_SIGNAL_SECONDS = 1.0  # enough to see that it runs, too short for the figures
BLOCKS_MS = (10, 20, 100)
BATCH = "batch"
OURS = "edge-ser"

# An MFCC and nothing else: the feature sets that come with openSMILE compute far more.
OPENSMILE_MFCC = f"""
[componentInstances:cComponentManager]
instance[dataMemory].type = cDataMemory
\\{{\\cm[source{{?}}:include external source]}}
[componentInstances:cComponentManager]
instance[frame].type = cFramer
instance[window].type = cWindower
instance[fft].type = cTransformFFT
instance[power].type = cFFTmagphase
instance[mel].type = cMelspec
instance[mfcc].type = cMfcc
[frame:cFramer]
reader.dmLevel = wave
writer.dmLevel = frames
frameSize = {WINDOW / SAMPLE_RATE}
frameStep = {HOP / SAMPLE_RATE}
frameCenterSpecial = left
[window:cWindower]
reader.dmLevel = frames
writer.dmLevel = windowed
winFunc = Hanning
[fft:cTransformFFT]
reader.dmLevel = windowed
writer.dmLevel = fft
[power:cFFTmagphase]
reader.dmLevel = fft
writer.dmLevel = power
[mel:cMelspec]
reader.dmLevel = power
writer.dmLevel = mel
nBands = {N_MELS}
lofreq = 20
hifreq = 8000
usePower = 1
[mfcc:cMfcc]
reader.dmLevel = mel
writer.dmLevel = func
firstMfcc = 0
lastMfcc = {N_MFCC - 1}
cepLifter = 0
\\{{\\cm[sink{{?}}:include external sink]}}
"""

Feed = Callable[[NDArray[np.int16]], object]
"""Takes the next block of a stream; what it returns is not looked at."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another front end."""

    name: str
    """As its project calls itself."""

    package: str
    """What pip installs."""

    stream: Callable[[int], Feed]
    """Returns a feed for blocks of so many samples; raises ImportError where the peer is not installed."""

    batch: Callable[[], Feed] | None
    """Returns a function of a whole recording; None where it is the same as `stream`."""

    goals: Mapping[str, float]
    """Most that ours may take of its time, by kind of block."""

    kinds: tuple[str, ...] | None = None
    """Blocks for which it is worth its time; None for all."""


def run(quick: bool = False) -> Report:
    """Measure and return the report; `quick` only shows that everything runs, its figures are rough."""
    rounds = 4 if quick else 40
    signal = speech_like(QUICK_SIGNAL_SECONDS if quick else SIGNAL_SECONDS)
    peers, notes = _installed()
    figures: dict[str, Figure] = {}
    rows: list[tuple[str | float | None, ...]] = []
    for kind in (*(f"{ms} ms" for ms in BLOCKS_MS), BATCH):
        block = signal.size if kind == BATCH else int(kind.split()[0]) * SAMPLE_RATE // 1000
        times = interleave(_candidates(peers, kind, block, signal), rounds, clock=time.process_time)
        blocks = signal.size // block
        units = signal.size // HOP if kind == BATCH else blocks
        rows += _rows(kind, times, peers, units, figures)
    table = Table(
        "int8 MFCC, one core, µs per block (batch: per frame); ratio: ours to the peer, median (quartiles)",
        ("block", "front end", "µs", "ours / it", "goal", "reached"),
        tuple(rows),
    )
    parts = _parts(signal, rounds, figures)
    extras = (
        frontend_extras.costs(signal, rounds, figures),
        *frontend_extras.together(signal, rounds, figures, notes),
    )
    starts = _start(3 if quick else 20, figures)
    profile = frontend_profile.operations(rounds, figures)
    return Report("frontend", (table, parts, *extras, *starts, profile), figures, tuple(notes))


def speech_like(seconds: float) -> NDArray[np.int16]:
    """Return a signal (n,) with a voice's spectrum and pauses; a real voice would cost the same."""
    rng = np.random.default_rng(0)
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.7 * t)) / SAMPLE_RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 40)) * (np.sin(2 * np.pi * 1.5 * t) > -0.5)
    return np.rint(4000 * voice + 30 * rng.standard_normal(t.size)).astype(np.int16)


def _ours(block: int) -> Feed:
    log_mel, mfcc = LogMel(), Mfcc(FrontEnd(n_mfcc=N_MFCC), np.zeros(N_MFCC), np.ones(N_MFCC), 32.0)
    return lambda pcm: mfcc(log_mel.push(pcm))


def _kaldi(block: int) -> Feed:
    import kaldi_native_fbank

    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = N_MELS
    options.num_ceps = N_MFCC
    options.use_energy = False
    stream = kaldi_native_fbank.OnlineMfcc(options)
    read = 0

    def feed(pcm: NDArray[np.int16]) -> object:
        nonlocal read
        stream.accept_waveform(SAMPLE_RATE, (pcm * np.float32(1 / 32768)).tolist())  # a list is what it takes fastest
        ready = stream.num_frames_ready
        frames = [stream.get_frame(i) for i in range(read, ready)]
        stream.pop(ready - read)
        read = ready
        return frames

    return feed


def _pymicro(block: int) -> Feed:
    from pymicro_features import MicroFrontend

    stream = MicroFrontend()

    def feed(pcm: NDArray[np.int16]) -> object:
        data = pcm.tobytes()
        return [stream.process_samples(data[i : i + 2 * HOP]).features for i in range(0, len(data), 2 * HOP)]

    return feed


def _windowed(block: int, mfcc: Feed) -> Feed:
    """Feed whole windows to a front end that keeps no state of its own."""
    buffer = np.zeros(WINDOW - HOP + block, np.int16)

    def feed(pcm: NDArray[np.int16]) -> object:
        buffer[: WINDOW - HOP] = buffer[block:]
        buffer[WINDOW - HOP :] = pcm
        return mfcc(buffer)

    return feed


def _librosa_batch() -> Feed:
    import librosa

    def mfcc(pcm: NDArray[np.int16]) -> object:
        return librosa.feature.mfcc(
            y=pcm * np.float32(1 / 32768), sr=SAMPLE_RATE, n_mfcc=N_MFCC, n_fft=N_FFT, win_length=WINDOW,
            hop_length=HOP, n_mels=N_MELS, fmin=20, fmax=8000, htk=True, center=False,
        )  # fmt: skip

    return mfcc


def _librosa(block: int) -> Feed:
    # It wants whole DFTs, so its window of 400 is centred in 512 samples; 112 more samples of history cost nothing.
    batch = _librosa_batch()
    buffer = np.zeros(N_FFT - HOP + block, np.int16)

    def feed(pcm: NDArray[np.int16]) -> object:
        buffer[:-block] = buffer[block:]
        buffer[-block:] = pcm
        return batch(buffer)

    return feed


def _speech_features_batch() -> Feed:
    from python_speech_features import mfcc

    def cepstra(pcm: NDArray[np.int16]) -> object:
        return mfcc(
            pcm, SAMPLE_RATE, WINDOW / SAMPLE_RATE, HOP / SAMPLE_RATE, N_MFCC, N_MELS, N_FFT, lowfreq=20, preemph=0,
            ceplifter=0, appendEnergy=False, winfunc=np.hanning,
        )  # fmt: skip

    return cepstra


def _opensmile_batch() -> Feed:
    import opensmile

    # It goes on reading this file as long as it lives.
    config = Path(tempfile.mkdtemp(prefix="edge-ser-bench-")) / "mfcc.conf"
    config.write_text(OPENSMILE_MFCC, encoding="ascii")
    smile = opensmile.Smile(feature_set=str(config), feature_level="func")
    return lambda pcm: smile.process_signal(pcm * np.float32(1 / 32768), SAMPLE_RATE)


def _torchaudio_batch() -> Feed:
    import torch
    import torchaudio

    torch.set_num_threads(1)
    transform = torchaudio.transforms.MFCC(
        SAMPLE_RATE, N_MFCC,
        melkwargs={
            "n_fft": N_FFT, "win_length": WINDOW, "hop_length": HOP, "n_mels": N_MELS, "f_min": 20, "center": False,
        },
    )  # fmt: skip
    return lambda pcm: transform(torch.from_numpy(pcm * np.float32(1 / 32768)))


def _tensorflow_batch() -> Feed:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it has much to say about missing graphics cards
    import tensorflow as tf

    mel = tf.signal.linear_to_mel_weight_matrix(N_MELS, N_FFT // 2 + 1, SAMPLE_RATE, 20.0, 8000.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def mfcc(samples: Any) -> Any:
        power = tf.abs(tf.signal.stft(samples, WINDOW, HOP, N_FFT)) ** 2
        return tf.signal.mfccs_from_log_mel_spectrograms(tf.math.log(power @ mel + 1e-6))[:, :N_MFCC]

    return lambda pcm: mfcc(pcm * np.float32(1 / 32768)).numpy()


def _naive_batch() -> Feed:
    """Return what one writes first: float32, `rfft`, two matrix products."""
    from convert.tables import dct, hann, mel_bands

    window = hann(WINDOW).astype(np.float32)
    mel = mel_bands(FrontEnd()).astype(np.float32)
    cosines = dct(N_MELS)[:, :N_MFCC].astype(np.float32)

    def mfcc(pcm: NDArray[np.int16]) -> object:
        frames = np.lib.stride_tricks.sliding_window_view(pcm.astype(np.float32), WINDOW)[::HOP] * window
        power = np.abs(np.fft.rfft(frames, N_FFT)) ** 2
        return np.log(np.maximum(power @ mel, 1)) @ cosines

    return mfcc


PEERS = (
    Peer("kaldi-native-fbank", "kaldi-native-fbank", _kaldi, None,
         {"10 ms": 0.95, "20 ms": 0.62, "100 ms": 0.32, BATCH: 0.22}),
    Peer("pymicro-features (no DCT)", "pymicro-features", _pymicro, None,
         {"10 ms": 1.5, "20 ms": 0.95, "100 ms": 0.45, BATCH: 0.4}),
    Peer("librosa", "librosa", _librosa, _librosa_batch, {BATCH: 0.9}),
    Peer("python_speech_features", "python_speech_features",
         lambda block: _windowed(block, _speech_features_batch()), _speech_features_batch, {}),
    Peer("openSMILE", "opensmile",
         lambda block: _windowed(block, _opensmile_batch()), _opensmile_batch, {}, ("100 ms", BATCH)),
    Peer("torchaudio", "torchaudio", lambda block: _windowed(block, _torchaudio_batch()), _torchaudio_batch, {},
         ("100 ms", BATCH)),
    Peer("tf.signal", "tensorflow", lambda block: _windowed(block, _tensorflow_batch()), _tensorflow_batch, {},
         ("100 ms", BATCH)),
    Peer("naive NumPy", "numpy", lambda block: _windowed(block, _naive_batch()), _naive_batch, {}),
)  # fmt: skip


def _installed() -> tuple[list[Peer], list[str]]:
    """Return the peers that can be imported, and a line for each of the others."""
    peers, notes = [], []
    for peer in PEERS:
        try:
            peer.stream(HOP)
        except ImportError:
            notes.append(f"{peer.name} is not installed: pip install {peer.package}")
        else:
            peers.append(peer)
    return peers, notes


def _candidates(peers: list[Peer], kind: str, block: int, signal: NDArray[np.int16]) -> dict[str, Callable[[], object]]:
    """Return by name a function that runs the whole signal through in blocks."""
    blocks = [signal[i : i + block] for i in range(0, signal.size - block + 1, block)]

    def whole(feed: Feed) -> Callable[[], object]:
        return lambda: [feed(pcm) for pcm in blocks]

    feeds = {OURS: _ours(block)}
    for peer in peers:
        if peer.kinds is not None and kind not in peer.kinds:
            continue
        feeds[peer.name] = peer.batch() if kind == BATCH and peer.batch else peer.stream(block)
    return {name: whole(feed) for name, feed in feeds.items()}


def _rows(
    kind: str, times: Times, peers: list[Peer], units: int, figures: dict[str, Figure]
) -> list[tuple[str | float | None, ...]]:
    """Return the table's rows for one kind of block, and put the figures where they belong."""
    key = kind.replace(" ", "_")
    rows: list[tuple[str | float | None, ...]] = []
    for name in times:
        micros = spread(1e6 * times[name] / units)
        figures[f"{key}.{name.split()[0]}_us"] = micros
        goal = next((peer.goals.get(kind) for peer in peers if peer.name == name), None)
        ours = None if name == OURS else ratio(times, OURS, name)
        if ours is not None:
            figures[f"{key}.{name.split()[0]}_ratio"] = ours
        reached = None if goal is None or ours is None else "yes" if ours.median <= goal else "no"
        rows.append((kind, name, micros.median, None if ours is None else str(ours), goal, reached))
    return rows


def _parts(signal: NDArray[np.int16], rounds: int, figures: dict[str, Figure]) -> Table:
    """Return what each part costs, in the pipeline's steps of 80 ms and in 10 ms blocks."""
    rows = []
    for frames in (1, 8):
        blocks = [signal[i : i + frames * HOP] for i in range(0, signal.size, frames * HOP)]
        blocks = blocks[: signal.size // (frames * HOP)]
        log_mel, activity = LogMel(), VoiceActivity()
        mfcc = Mfcc(FrontEnd(), np.zeros(N_MELS), np.ones(N_MELS), 32.0)
        bands = [log_mel.push(pcm) for pcm in blocks]
        parts: dict[str, Callable[[], object]] = {
            "log-mel": lambda log_mel=log_mel, blocks=blocks: [log_mel.push(pcm) for pcm in blocks],
            "40 MFCC": lambda mfcc=mfcc, bands=bands: [mfcc(b) for b in bands],
            "voice activity": lambda activity=activity, bands=bands: [activity(b) for b in bands],
        }
        times = interleave(parts, rounds, clock=time.process_time)
        for name in parts:
            micros = spread(1e6 * times[name] / len(blocks))
            figures[f"part_{frames * 10}_ms.{name.replace(' ', '_')}_us"] = micros
            rows.append((f"{frames * 10} ms", name, str(micros)))
    return Table("parts of ours, µs per block", ("block", "part", "µs"), tuple(rows))


def _processor_seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _start(rounds: int, figures: dict[str, Figure]) -> tuple[Table, Table]:
    """Return how long a fresh process takes to its first feature, beside `import numpy`, and its profile."""
    numpy = "import numpy"
    feature = (
        "import numpy as np; from edge_ser.features import FrontEnd, LogMel, Mfcc;"
        f"Mfcc(FrontEnd(n_mfcc={N_MFCC}), np.zeros({N_MFCC}), np.ones({N_MFCC}), 32)"
        f"(LogMel().push(np.zeros({HOP}, np.int16)))"
    )
    root = Path(edge_ser.features.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled; the first call does it here

    def process(code: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True, env=environment)

    candidates = {"first feature": process(feature), "import numpy": process(numpy)}
    times = interleave(candidates, rounds, clock=_processor_seconds_of_children)
    ours = ratio(times, "first feature", "import numpy")
    first, alone = (spread(1e3 * times[name]) for name in candidates)
    figures |= {"start.first_feature_ms": first, "start.import_numpy_ms": alone, "start.first_feature_ratio": ours}
    goal = 1.15
    rows = (
        ("import to first feature", first.median, str(ours), goal,
         "yes" if ours.median <= goal else "no"),
        ("import numpy", alone.median, None, None, None),
    )  # fmt: skip
    table = Table("a fresh process, ms of processor time", ("what", "ms", "ours / it", "goal", "reached"), rows)
    return table, frontend_profile.start(feature, environment, rounds, figures)
