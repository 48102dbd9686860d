"""`ChunkedDetector`: another project's voice activity, which scores chunks of PCM, in place of ours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_ser.features.log_mel import HOP
from edge_ser.features.prominence import Prominence
from edge_ser.features.voice_activity_settings import VoiceActivitySettings

NO_SAMPLES = np.empty(0, np.int16)
HANGOVER_FRAMES = VoiceActivitySettings().hangover_frames  # as ours has it


class ChunkedDetector:
    """Gives each frame the score of the newest chunk that was complete by its end, and decides by two thresholds.

    Parameters
    ----------
    restart : callable
        Returns, at the start of a stream, what scores its chunks: native int16 bytes to 0 (no speech) to 1.
    chunk_samples : int
        Of each chunk; at least a frame's hop.
    onset, keep : float
        Score from which speech begins, and from which it goes on.
    hangover_frames : int
        Frames of 10 ms that speech goes on after its last such score.
    """

    def __init__(
        self,
        restart: Callable[[], Callable[[bytes], float]],
        chunk_samples: int,
        onset: float,
        keep: float,
        hangover_frames: int = HANGOVER_FRAMES,
    ) -> None:
        self._restart = restart
        self._chunk_samples = chunk_samples
        self._onset, self._keep = onset, keep
        self._hangover_frames = hangover_frames
        self._background = Prominence(VoiceActivitySettings())
        self._rest = NO_SAMPLES
        self.reset()

    @property
    def noise_floor_db(self) -> float:
        """Level of the background in dB of full scale, tracked as for ours."""
        return self._background.noise_floor_db

    def reset(self) -> None:
        """Start a new stream."""
        self._background.reset()
        self._score_chunk = self._restart()
        self._score = 0.0  # of the newest chunk
        if self._rest.base is not None:
            self._rest.base[...] = 0  # what was heard is not left in memory
        self._rest = NO_SAMPLES  # of a chunk that is not yet complete
        self._ahead = 0  # samples heard since the end of the last frame
        self._remaining = 0  # frames that speech still goes on

    def __call__(self, log_mel: NDArray[np.float64], pcm: NDArray[np.int16]) -> NDArray[np.bool_]:
        """Return bool (frames,) for the next frames of the stream; see `Detector`."""
        self._background(log_mel)
        scores = self.scores(len(log_mel), pcm)
        return np.array([self._decide(score) for score in scores], np.bool_)

    def scores(self, frames: int, pcm: NDArray[np.int16]) -> list[float]:
        """Return for each of the frames that these samples complete the score of its newest chunk."""
        size = self._chunk_samples
        samples = np.concatenate((self._rest, pcm))
        # Where each frame ends in `samples`; chunks start at its beginning.
        first_end = len(self._rest) - self._ahead + HOP
        found = [self._score]
        for start in range(0, len(samples) - size + 1, size):
            found.append(self._score_chunk(samples[start : start + size].tobytes()))
        self._score = found[-1]
        self._rest = samples[(len(found) - 1) * size :]
        self._ahead += len(pcm) - frames * HOP
        return [found[(first_end + frame * HOP) // size] for frame in range(frames)]

    def _decide(self, score: float) -> bool:
        if score >= (self._keep if self._remaining else self._onset):
            self._remaining = self._hangover_frames + 1
        elif self._remaining:
            self._remaining -= 1
        return self._remaining > 0
