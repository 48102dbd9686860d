"""Kaldi's online pitch tracker, to measure ours beside.

No Python package binds it, but kaldi-active-grammar brings all of Kaldi as shared libraries. So it is called by its
C++ names. That is good enough for a benchmark on x86-64 and for nothing else.

P. Ghahremani et al., 'A pitch extraction algorithm tuned for automatic speech recognition', ICASSP 2014.
"""

from __future__ import annotations

import ctypes
import importlib.util
import platform
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PACKAGE = "kaldi-active-grammar"
SAMPLE_RATE = 16000.0  # Hz
OBJECT_BYTES = 64  # a pointer to its functions and one to what it holds, and room to spare


class _Options(ctypes.Structure):
    """`PitchExtractionOptions` of Kaldi's feat/pitch-functions.h, with its own defaults."""

    _fields_ = (
        *((name, ctypes.c_float) for name in (
            "samp_freq", "frame_shift_ms", "frame_length_ms", "preemph_coeff", "min_f0", "max_f0", "soft_min_f0",
            "penalty_factor", "lowpass_cutoff", "resample_freq", "delta_pitch", "nccf_ballast")),
        *((name, ctypes.c_int32) for name in (
            "lowpass_filter_width", "upsample_filter_width", "max_frames_latency", "frames_per_chunk")),
        ("simulate_first_pass_online", ctypes.c_bool),
        ("recompute_frame", ctypes.c_int32),
        ("nccf_ballast_online", ctypes.c_bool),
        ("snip_edges", ctypes.c_bool),
    )  # fmt: skip


class _Vector(ctypes.Structure):
    """`VectorBase<float>`."""

    _fields_ = (("data", ctypes.c_void_p), ("dim", ctypes.c_int32))


DEFAULTS = (16000, 10, 25, 0, 50, 400, 10, 0.1, 1000, 4000, 0.005, 7000, 1, 5, 0, 0, False, 500, False, True)


class KaldiPitch:
    """A stream: its frames are (normalised correlation, Hz).

    Raises
    ------
    ImportError
        The package is not installed, or is not for this machine.
    """

    def __init__(self) -> None:
        library = _library()
        self._accept, self._ready, self._get = (
            getattr(library, f"_ZN{name}") for name in (
                "5kaldi18OnlinePitchFeature14AcceptWaveformEfRKNS_10VectorBaseIfEE",
                "K5kaldi18OnlinePitchFeature14NumFramesReadyEv",
                "5kaldi18OnlinePitchFeature8GetFrameEiPNS_10VectorBaseIfEE"))  # fmt: skip
        self._accept.argtypes = (ctypes.c_void_p, ctypes.c_float, ctypes.c_void_p)
        self._accept.restype = self._get.restype = None
        self._ready.argtypes = (ctypes.c_void_p,)
        self._get.argtypes = (ctypes.c_void_p, ctypes.c_int32, ctypes.c_void_p)
        self._unmake = library._ZN5kaldi18OnlinePitchFeatureD1Ev
        self._unmake.argtypes, self._unmake.restype = (ctypes.c_void_p,), None
        make = library._ZN5kaldi18OnlinePitchFeatureC1ERKNS_22PitchExtractionOptionsE
        make.argtypes, make.restype = (ctypes.c_void_p, ctypes.c_void_p), None
        self._memory = ctypes.create_string_buffer(OBJECT_BYTES)
        self._object = ctypes.addressof(self._memory)
        options = _Options(*DEFAULTS)
        make(self._object, ctypes.addressof(options))
        self._frame = np.zeros(2, np.float32)
        self._out = _Vector(self._frame.ctypes.data, 2)
        self._out_at = ctypes.addressof(self._out)
        self._read = 0

    def close(self) -> None:
        """Free what it holds, which grows with each frame; nothing may follow."""
        self._unmake(self._object)

    def push(self, pcm: NDArray[np.int16]) -> list[list[float]]:
        """Return the frames that these samples complete."""
        samples = pcm.astype(np.float32)
        vector = _Vector(samples.ctypes.data, samples.size)
        self._accept(self._object, SAMPLE_RATE, ctypes.addressof(vector))
        frames = []
        for frame in range(self._read, self._ready(self._object)):
            self._get(self._object, frame, self._out_at)
            frames.append(self._frame.tolist())
        self._read += len(frames)
        return frames


def _library() -> ctypes.CDLL:
    found = importlib.util.find_spec("kaldi_active_grammar")  # not imported: it wants more than its libraries
    if found is None or found.origin is None or platform.machine() not in ("x86_64", "AMD64"):
        raise ImportError(f"{PACKAGE} is not installed, or is not for this machine")
    package = Path(found.origin).parent
    ctypes.CDLL(str(package / "exec" / "linux" / "libkaldi-dragonfly.so"))  # knows where the others lie
    return ctypes.CDLL(str(next((package.parent / "kaldi_active_grammar.libs").glob("libkaldi-feat-*.so"))))
