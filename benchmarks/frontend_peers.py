"""The front ends that ours stands beside, each fed in the form that it takes fastest."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_ser.features import FrontEnd

SAMPLE_RATE = 16000  # Hz
HOP = 160  # samples, 10 ms
WINDOW = 400  # samples, 25 ms
N_FFT = 512
N_MFCC = 13
N_MELS = 40
BATCH = "batch"

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

    folder = tempfile.TemporaryDirectory(prefix="edge-ser-bench-")
    config = Path(folder.name) / "mfcc.conf"
    config.write_text(OPENSMILE_MFCC, encoding="ascii")
    smile = opensmile.Smile(feature_set=str(config), feature_level="func")

    def mfcc(pcm: NDArray[np.int16]) -> object:
        assert folder.name  # it reads its configuration each time, so the folder has to live as long
        return smile.process_signal(pcm * np.float32(1 / 32768), SAMPLE_RATE)

    return mfcc


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


def installed() -> tuple[list[Peer], list[str]]:
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
