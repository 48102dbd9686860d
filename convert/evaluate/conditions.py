"""What may happen to a recording before it is judged again: each condition spoils it in one known way.

Nothing that a student was trained with is used where it can be helped: the noises are the fold of ESC-10 that training
leaves out, babble is the judged voices themselves, music is made on the spot. The measured rooms alone were heard.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

from convert.augment.background import coloured_noise, together
from convert.augment.level import Clipping, clip_peaks
from convert.augment.material import ESC_TEST_FOLD, room_files
from convert.augment.microphone import Equaliser, Telephone, equalise, limit_band, mu_law
from convert.augment.room import Room, add_room
from convert.corpora.activity import active_range
from convert.corpora.audio import read_pcm
from convert.corpora.manifest import AUDIO_FOLDER, MANIFEST_NAME, read_rows
from edge_ser.capture.resample import Resampler
from edge_ser.settings import SAMPLE_RATE

NOISES = "noise-esc10"
ENVIRONMENT = "environmental noise"
FULL_SCALE = 32768.0
VOICES = 6  # of babble
LOST_BLOCK = 320  # samples that go missing at once, 20 ms
CHORD_SECONDS = 0.5
HARMONICS = 6
TELEPHONE = Telephone(1.0, (300.0, 300.0), (3400.0, 3400.0))
LOWEST_NOTE_HZ = 110.0

Pcm = NDArray[np.int16]
Samples = NDArray[np.float32]
"""(n,), full scale is 1."""

Spoil = Callable[[Samples, Generator], Samples]

Background = Callable[[Generator, int], NDArray[np.float32]]
"""Makes so many samples of a background, of any level."""

Blocks = list[tuple[Pcm, int]]
"""What reaches the pipeline, and how many samples were lost before each."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One way in which recordings are spoilt."""

    name: str

    spoil: Callable[[Pcm, Generator], Blocks]
    """The same recording and generator give the same blocks."""

    small: bool = False
    """Nobody would hear it: nearly all decisions must stay as they were."""


def conditions(corpora: Path, voices: Sequence[Pcm]) -> list[Condition]:
    """Return all conditions, the untouched recording first.

    Parameters
    ----------
    corpora : Path
        Folder that holds one folder a corpus; noises and measured rooms are taken from it where they are there.
    voices : sequence of int16 (n,)
        That babble is made of.
    """
    noise = _unheard_noise(corpora)
    rooms = [read_pcm(path, sha256).astype(np.float32) for path, sha256 in room_files(corpora)]
    backgrounds: dict[str, Background] = {
        "white noise": lambda rng, n: coloured_noise(rng, n, 0.0),
        "babble of 6 voices": lambda rng, n: babble(rng, n, voices),
        "music (synthesised)": music,
    }
    if len(noise):
        backgrounds[ENVIRONMENT] = lambda rng, n: _stretch(rng, n, noise)
    found = [Condition("clean", lambda pcm, rng: [(pcm, 0)])]
    for name, make in backgrounds.items():
        found += [_on_samples(f"{name}, {snr} dB", _mixed(make, snr)) for snr in (20, 10, 0)]
    for seconds in (0.3, 0.6, 1.2):
        found.append(_on_samples(f"room of {seconds} s, as much echo as voice", _in_room(seconds, ())))
    if rooms:
        found.append(_on_samples(f"{len(rooms)} measured rooms, as much echo as voice", _in_room(0.5, rooms)))
    return found + _lines() + _levels() + _losses() + _small_changes()


def mix(voice: Samples, background: NDArray[np.float32], snr_db: float) -> Samples:
    """Return a voice with a background (n,), the ratio taken while the voice sounds."""
    _, _, dbfs = active_range(to_pcm(voice))
    rms = float(np.sqrt(np.square(background, dtype=np.float64).mean()))
    return voice + background * np.float32(10 ** ((dbfs - snr_db) / 20) / max(rms, 1e-9))


def babble(rng: Generator, n: int, voices: Sequence[Pcm]) -> NDArray[np.float32]:
    """Return some voices at once (n,), each as loud as the others."""
    return together(
        np.roll(np.resize(voices[row].astype(np.float32), n), int(rng.integers(n)))
        for row in rng.integers(len(voices), size=VOICES)
    )


def music(rng: Generator, n: int) -> NDArray[np.float32]:
    """Return plucked triads, a new one every half second, above a bass note (n,)."""
    length = int(CHORD_SECONDS * SAMPLE_RATE)
    time = np.arange(length) / SAMPLE_RATE
    chords = []
    for _ in range(n // length + 1):
        root = LOWEST_NOTE_HZ * 2 ** (rng.integers(12) / 12)
        third = rng.choice((3, 4))  # minor or major
        chord = np.zeros(length)
        for semitones in (0, 12, 12 + third, 19):
            hz = root * 2 ** (semitones / 12)
            for harmonic in range(1, HARMONICS + 1):
                chord += np.sin(2 * np.pi * (hz * harmonic * time + rng.random())) / harmonic
        chords.append(chord * np.exp(-3 * time))
    return np.concatenate(chords)[:n].astype(np.float32)


def to_pcm(samples: Samples) -> Pcm:
    """Return samples as int16, cut off at full scale."""
    return np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def _lines() -> list[Condition]:
    """Return what other microphones, lines, codecs and sample rates do."""
    found = [
        _on_samples("telephone band", lambda x, rng: limit_band(x, rng, TELEPHONE)),
        _on_samples("8 kHz, mu-law", lambda x, _: _at_rate(mu_law(_resampled(x, 8000)), 8000)),
        _on_samples("MP3", lambda x, _: _coded(x, "MP3", "MPEG_LAYER_III", 0.9)),
        _on_samples("Opus", lambda x, _: _coded(x, "OGG", "OPUS", 0.97)),
    ]
    for decibel in (5.0, 10.0):
        options = Equaliser(1.0, decibel, (100.0, 250.0))
        found.append(
            _on_samples(f"other microphones, {decibel:g} dB uneven", lambda x, rng, o=options: equalise(x, rng, o))
        )
    for rate in (8000, 44100, 48000):
        found.append(
            _on_samples(f"captured at {rate / 1000:g} kHz", lambda x, _, r=rate: _at_rate(_resampled(x, r), r))
        )
    return found


def _levels() -> list[Condition]:
    found = [_on_samples(f"gain {decibel:+d} dB", _gain(decibel)) for decibel in (6, -6, -30)]
    for share in (0.01, 0.1):
        options = Clipping(1.0, (share, share))
        found.append(
            _on_samples(f"clipping of {share:.0%} of the samples", lambda x, rng, o=options: clip_peaks(x, rng, o))
        )
    return [*found, _on_samples("DC offset of 5 % of full scale", lambda x, _: x + np.float32(0.05))]


def _losses() -> list[Condition]:
    lost = [
        Condition(f"{share:.0%} of the 20 ms blocks lost", lambda pcm, rng, s=share: lose_blocks(pcm, rng, s))
        for share in (0.01, 0.1)
    ]
    return [*lost, Condition("begins up to 2 s later", lambda pcm, rng: [(_later(pcm, rng), 0)])]


def _small_changes() -> list[Condition]:
    found = [_on_samples(f"gain {decibel:+d} dB", _gain(decibel), small=True) for decibel in (2, -2)]
    white = _mixed(lambda rng, n: coloured_noise(rng, n, 0.0), 40)
    found.append(_on_samples("white noise, 40 dB", white, small=True))
    return [
        *found,
        Condition("100 to 1000 samples cut off", lambda pcm, rng: [(pcm[int(rng.integers(100, 1001)) :], 0)], True),
    ]


def lose_blocks(pcm: Pcm, rng: Generator, share: float, size: int = LOST_BLOCK) -> Blocks:
    """Return a recording of which blocks of so many samples are missing, which the pipeline is told."""
    kept: Blocks = []
    lost = 0
    for first in range(0, len(pcm), size):
        block = pcm[first : first + size]
        if rng.random() < share:
            lost += len(block)
        else:
            kept.append((block, lost))
            lost = 0
    return kept


def _on_samples(name: str, spoil: Spoil, small: bool = False) -> Condition:
    def on_pcm(pcm: Pcm, rng: Generator) -> Blocks:
        return [(to_pcm(spoil(pcm.astype(np.float32) / np.float32(FULL_SCALE), rng)), 0)]

    return Condition(name, on_pcm, small)


def _mixed(make: Background, snr_db: float) -> Spoil:
    return lambda x, rng: mix(x, make(rng, len(x)), snr_db)


def _in_room(seconds: float, measured: Sequence[NDArray[np.float32]]) -> Spoil:
    options = Room(1.0, 1.0 if measured else 0.0, (seconds, seconds), (0.0, 0.0))
    return lambda x, rng: add_room(x, rng, options, measured)


def _gain(decibel: float) -> Spoil:
    return lambda x, _: x * np.float32(10 ** (decibel / 20))


def _later(pcm: Pcm, rng: Generator) -> Pcm:
    """Return the recording after some of its own quietest 0.1 s, over and over, so that nothing begins with a click."""
    length = SAMPLE_RATE // 10
    whole = pcm[: len(pcm) // length * length].reshape(-1, length)
    if not len(whole):
        return pcm
    quiet = whole[np.square(whole, dtype=np.float64).mean(axis=1).argmin()]
    mirrored = np.concatenate([quiet, quiet[::-1]])  # without a jump from one to the next
    return np.concatenate([np.resize(mirrored, int(rng.integers(2 * SAMPLE_RATE))), pcm])


def _resampled(samples: Samples, rate: int) -> Samples:
    return np.asarray(soxr.resample(samples, SAMPLE_RATE, rate), np.float32)


def _at_rate(samples: Samples, rate: int) -> Samples:
    """Return samples of another rate as the runtime's own resampler hears them."""
    resampler = Resampler(rate)
    heard = np.concatenate([resampler.push(to_pcm(samples)), resampler.flush()])
    return heard.astype(np.float32) / np.float32(FULL_SCALE)


def _coded(samples: Samples, container: str, codec: str, compression: float) -> Samples:
    with io.BytesIO() as stream:
        soundfile.write(stream, samples, SAMPLE_RATE, format=container, subtype=codec, compression_level=compression)
        stream.seek(0)
        decoded, _ = soundfile.read(stream, dtype="float32")
    return np.asarray(decoded[: len(samples)], np.float32)


def _stretch(rng: Generator, n: int, noise: Pcm) -> NDArray[np.float32]:
    return noise[(int(rng.integers(len(noise))) + np.arange(n)) % len(noise)].astype(np.float32)


def _unheard_noise(corpora: Path) -> Pcm:
    folder = corpora / NOISES
    if not (folder / MANIFEST_NAME).is_file():
        return np.zeros(0, np.int16)
    rows = [row for row in read_rows(folder) if ESC_TEST_FOLD in row["file"]]
    return np.concatenate(
        [np.zeros(0, np.int16), *(read_pcm(folder / AUDIO_FOLDER / row["file"], row["sha256"]) for row in rows)]
    )
