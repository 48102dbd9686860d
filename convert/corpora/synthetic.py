"""Speech that belongs to nobody: glottal pulses and noise through moving formants.

Good for two things. The embedded recording, which must be free of rights, is made here (`python -m
convert.corpora.synthetic --demo FILE`), and the smoke recipe's corpus, so that the whole toolchain runs from nothing.
A student trained on it knows nothing about people.

The source-filter model is that of G. Fant, Acoustic Theory of Speech Production (1960), the cascade of formants that
of D. Klatt, Software for a cascade/parallel formant synthesizer (JASA 67, 1980). What an emotion does to pitch, level,
rate and spectral tilt follows the review of P. Juslin and P. Laukka, Communication of emotions in vocal expression
(Psychological Bulletin 129, 2003), in direction, not in amount.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SAMPLE_RATE = 16000  # Hz
HOP = 80  # samples between control frames: 5 ms
WINDOW = 2 * HOP  # samples filtered at once
N_FFT = 1024  # room for the window and 54 ms of ringing

FULL_SCALE = 32767  # LSB
LEVEL_DBFS = -23.0  # RMS of a neutral voice
ROOM_DBFS = -68.0  # RMS of the noise around it
EDGE_SECONDS = 0.3  # of room before and after a sentence
DEMO_PAUSE_SECONDS = 0.9  # more of it between those of the embedded recording, so that each ends an utterance

SYLLABLE_SECONDS = 0.19  # at rate 1
FORMANT_GLIDE_FRAMES = 9  # 45 ms to move from one sound to the next
LEVEL_GLIDE_FRAMES = 3  # 15 ms
HIGH_FORMANTS = (3500.0, 4500.0, 5500.0, 6500.0)  # Hz, F4 to F7, the same for all sounds
BANDWIDTHS = np.array([80.0, 100.0, 140.0, 220.0, 300.0, 400.0, 500.0])  # Hz, F1 to F7
GLOTTAL_CUTOFF = 450.0  # Hz, of a neutral voice: above it the source falls by 12 dB per octave

# F1 to F3 in Hz of an average man (Peterson and Barney 1952 for the vowels).
VOWELS = {
    "a": (730.0, 1090.0, 2440.0),
    "e": (530.0, 1840.0, 2480.0),
    "i": (270.0, 2290.0, 3010.0),
    "o": (570.0, 840.0, 2410.0),
    "u": (300.0, 870.0, 2240.0),
}


@dataclass(frozen=True, slots=True)
class Consonant:
    """How a syllable begins."""

    share: float
    """Part of the syllable's time."""

    voice_db: float = -120.0
    """Level of the voice, relative to a vowel's."""

    noise_db: float = -120.0
    """Level of the noise, relative to a vowel's."""

    noise_hz: tuple[float, float] = (3000.0, 3000.0)
    """Centre and width of the noise."""

    formants: tuple[float, float, float] | None = None
    """F1 to F3 in Hz; those of the vowel that follows where it is None."""

    closure: float = 0.0
    """Part of its time that is silent, before a burst."""


CONSONANTS = {
    "m": Consonant(0.32, voice_db=-9, formants=(250, 1000, 2200)),
    "n": Consonant(0.32, voice_db=-9, formants=(250, 1500, 2500)),
    "l": Consonant(0.28, voice_db=-5, formants=(350, 1100, 2700)),
    "r": Consonant(0.28, voice_db=-5, formants=(400, 1200, 1600)),
    "w": Consonant(0.28, voice_db=-5, formants=(290, 610, 2150)),
    "v": Consonant(0.30, voice_db=-8, noise_db=-26, noise_hz=(5000, 5000), formants=(250, 1200, 2300)),
    "z": Consonant(0.35, voice_db=-10, noise_db=-16, noise_hz=(6300, 1600), formants=(250, 1700, 2600)),
    "f": Consonant(0.40, noise_db=-22, noise_hz=(5000, 6000)),
    "s": Consonant(0.45, noise_db=-10, noise_hz=(6300, 1600)),
    "x": Consonant(0.45, noise_db=-9, noise_hz=(3300, 1500)),  # as in 'ship'
    "h": Consonant(0.30, noise_db=-20, noise_hz=(1500, 3000)),
    "p": Consonant(0.40, noise_db=-14, noise_hz=(1000, 2500), closure=0.7),
    "t": Consonant(0.40, noise_db=-9, noise_hz=(4500, 3000), closure=0.6),
    "k": Consonant(0.40, noise_db=-10, noise_hz=(2000, 1200), closure=0.6),
    "b": Consonant(0.30, voice_db=-18, noise_db=-20, noise_hz=(900, 2000), formants=(200, 900, 2200), closure=0.8),
    "d": Consonant(0.30, voice_db=-18, noise_db=-16, noise_hz=(4000, 3000), formants=(200, 1700, 2600), closure=0.8),
    "g": Consonant(0.30, voice_db=-18, noise_db=-16, noise_hz=(2000, 1500), formants=(200, 2000, 2400), closure=0.8),
}


@dataclass(frozen=True, slots=True)
class Style:
    """What an emotion does to a neutral voice."""

    pitch: float = 0.0
    """Semitones above the speaker's own."""

    pitch_range: float = 2.5
    """Semitones between the accents and the rest."""

    rise: float = -2.0
    """Semitones from the beginning to the end of the sentence."""

    level_db: float = 0.0

    rate: float = 1.0

    brightness: float = 1.0
    """Factor on the frequency from which the source falls: a pressed voice is bright."""

    jitter: float = 0.006
    """Standard deviation of a glottal period, relative to it."""

    breath_db: float = -34.0
    """Noise through the open glottis, relative to the voice."""


STYLES = {
    "neutral": Style(),
    "calm": Style(pitch=-1, pitch_range=1.5, level_db=-4, rate=0.86, brightness=0.7, breath_db=-28),
    "happy": Style(pitch=4, pitch_range=6, rise=1, level_db=4, rate=1.12, brightness=1.6),
    "sad": Style(pitch=-2, pitch_range=1, rise=-3, level_db=-9, rate=0.75, brightness=0.5, breath_db=-24),
    "angry": Style(pitch=3, pitch_range=5, rise=-4, level_db=9, rate=1.15, brightness=3.0, jitter=0.015),
    "fearful": Style(pitch=7, pitch_range=2, rise=1, level_db=1, rate=1.3, brightness=1.0, jitter=0.03, breath_db=-22),
    "disgusted": Style(pitch=-3, pitch_range=4, rise=-5, level_db=1, rate=0.8, brightness=1.9, jitter=0.025),
    "surprised": Style(pitch=5, pitch_range=5, rise=9, level_db=3, rate=0.95, brightness=1.3),
}

# Syllables of one consonant and one vowel; no language.
SENTENCES = (
    "na ro bi ta wi le",
    "su ma ke do li va ne",
    "pi ho ra xe gu mo",
    "la fe zi no ka bu ti ra",
    "mo de sa wu li pe",
    "ti ga no re vu xi ma",
)


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker."""

    gender: str
    pitch: float  # Hz
    tract: float  # factor on the formants: a short vocal tract has high ones
    level_db: float


def voice_of(speaker: int) -> Voice:
    """Return the voice of a speaker, always the same; odd numbers are men, even ones women."""
    rng = np.random.default_rng([speaker, 1])
    man = speaker % 2 == 1
    pitch = (112 if man else 200) * 2 ** (rng.uniform(-3, 3) / 12)
    return Voice("m" if man else "f", pitch, (1.0 if man else 1.16) * rng.uniform(0.94, 1.06), rng.uniform(-2, 2))


def synthesise(speaker: int, emotion: str, sentence: str, seed: int = 0) -> NDArray[np.int16]:
    """Speak one sentence.

    Parameters
    ----------
    speaker : int
        See `voice_of`.
    emotion : str
        One of `STYLES`.
    sentence : str
        Syllables of one of `CONSONANTS` and one of `VOWELS`, with spaces between them, such as `SENTENCES[0]`.
    seed : int
        Of all that differs when the same is said again.

    Returns
    -------
    int16 array (n,)
        16 kHz, with 0.3 s of quiet room at both ends.

    Examples
    --------
    >>> synthesise(1, "happy", "ma ro", seed=3).dtype
    dtype('int16')
    """
    rng = np.random.default_rng([speaker, list(STYLES).index(emotion), *sentence.encode(), seed])
    voice, style = voice_of(speaker), STYLES[emotion]
    track = _articulate(sentence, voice, style, rng)
    frames = len(track.pitch)
    pulses = _glottal_pulses(np.repeat(track.pitch, HOP), style.jitter, rng)
    glottis = _glottis(GLOTTAL_CUTOFF * style.brightness * voice.tract)
    vocal_tract = _formants(track.formants)
    breath = rng.standard_normal(frames * HOP) * 10 ** (style.breath_db / 20)
    voiced = _filter(pulses, glottis * vocal_tract) + _filter(breath, vocal_tract)
    voiced = _at_level(voiced * np.repeat(track.voice, HOP), track.voice)
    hiss = _filter(rng.standard_normal(frames * HOP), _band(track.noise_hz))
    hiss = hiss / np.sqrt(np.mean(hiss**2)) * np.repeat(track.noise, HOP)
    level_db = LEVEL_DBFS + voice.level_db + style.level_db + rng.normal(0, 1)
    speech = np.pad((voiced + hiss) * 10 ** (level_db / 20), round(EDGE_SECONDS * SAMPLE_RATE))
    return _to_int16(speech + _room(len(speech), rng))


@dataclass(frozen=True, slots=True)
class _Track:
    """What the vocal organs do, every 5 ms."""

    pitch: Floats  # (frames,) Hz
    formants: Floats  # (frames, 7) Hz
    voice: Floats  # (frames,) amplitude, 1 in a vowel
    noise: Floats  # (frames,) amplitude, 1 as loud as a vowel
    noise_hz: Floats  # (frames, 2) centre and width


def _articulate(sentence: str, voice: Voice, style: Style, rng: np.random.Generator) -> _Track:
    syllables = sentence.split()
    rows: list[Floats] = []  # formants F1 to F3, voice, noise, noise centre and width, accent
    for place, (consonant, vowel) in enumerate(syllables):
        last = place == len(syllables) - 1
        seconds = SYLLABLE_SECONDS / style.rate * rng.uniform(0.85, 1.15) * (1.5 if last else 1.0)
        accent = 1.0 if place % 2 == 0 else rng.uniform(-0.3, 0.3)
        rows += _syllable(CONSONANTS[consonant], VOWELS[vowel], round(seconds * SAMPLE_RATE / HOP), accent)
    table = np.array(rows)
    formants = _glide(table[:, :3], FORMANT_GLIDE_FRAMES)
    formants = np.hstack([formants, np.broadcast_to(HIGH_FORMANTS, (len(table), len(HIGH_FORMANTS)))]) * voice.tract
    amplitudes = _glide(table[:, 3:5], LEVEL_GLIDE_FRAMES)
    position = np.linspace(-0.5, 0.5, len(table))
    accents = _glide(table[:, 7:], 2 * FORMANT_GLIDE_FRAMES)[:, 0]
    drift = _glide(rng.standard_normal((len(table), 1)), 4 * FORMANT_GLIDE_FRAMES)[:, 0]
    semitones = style.pitch + rng.normal(0, 0.5) + style.pitch_range * accents + style.rise * position + drift
    fade = np.minimum(1, 8 * (0.5 - np.abs(position)) + 0.05)
    return _Track(
        pitch=voice.pitch * 2 ** (semitones / 12),
        formants=formants,
        voice=amplitudes[:, 0] * fade,
        noise=amplitudes[:, 1],
        noise_hz=table[:, 5:7],
    )


def _syllable(consonant: Consonant, vowel: tuple[float, float, float], frames: int, accent: float) -> list[Floats]:
    first = round(frames * consonant.share)
    closed = round(first * consonant.closure)
    rows = []
    for frame in range(frames):
        if frame < first:
            formants = consonant.formants or vowel
            voice, noise = consonant.voice_db, -120.0 if frame < closed else consonant.noise_db
        else:
            formants, voice, noise = vowel, 0.0, -120.0
        rows.append(np.array([*formants, 10 ** (voice / 20), 10 ** (noise / 20), *consonant.noise_hz, accent]))
    return rows


def _glide(table: Floats, frames: int) -> Floats:
    """Return the columns of (n, k) as a moving average over this many frames."""
    before, after = frames // 2, frames - 1 - frames // 2
    padded = np.pad(table, ((before, after), (0, 0)), mode="edge")
    sums = np.cumsum(np.vstack([np.zeros((1, table.shape[1])), padded]), axis=0)
    return (sums[frames:] - sums[:-frames]) / frames


def _glottal_pulses(pitch: Floats, jitter: float, rng: np.random.Generator) -> Floats:
    """Return one impulse a period, (n,), each at its place between two samples and of its own size."""
    cycles = np.cumsum(pitch) / SAMPLE_RATE
    period = np.arange(1, int(cycles[-1]))
    places = np.interp(period + jitter * rng.standard_normal(len(period)), cycles, np.arange(len(cycles)))
    left = places.astype(int)
    size = (1 + 3 * jitter * rng.standard_normal(len(period))) * np.sqrt(SAMPLE_RATE / pitch[left])
    pulses = np.zeros(len(pitch) + 1)
    np.add.at(pulses, left, size * (left + 1 - places))
    np.add.at(pulses, left + 1, size * (places - left))
    return pulses[:-1]


def _frequencies() -> Floats:
    return np.fft.rfftfreq(N_FFT, 1 / SAMPLE_RATE)


def _glottis(cutoff: float) -> NDArray[np.complex128]:
    """Return the spectrum (1, bins) of a glottal pulse radiated from the lips, which raises it by 6 dB per octave."""
    f = _frequencies()
    return (1j * f / cutoff / (1 + 1j * f / cutoff) ** 2)[np.newaxis]


def _formants(formants: Floats) -> NDArray[np.complex128]:
    """Return the cascade's response (frames, bins): each formant (frames, 7) is a resonance of gain 1 at 0 Hz."""
    f = _frequencies()
    response = np.ones((len(formants), len(f)), np.complex128)
    for column, bandwidth in zip(formants.T, BANDWIDTHS, strict=True):
        pole = np.hypot(column, bandwidth / 2)[:, np.newaxis]
        response *= pole**2 / (pole**2 - f**2 + 1j * f * bandwidth)
    return response


def _band(noise_hz: Floats) -> Floats:
    """Return a bell (frames, bins) around the centres (frames, 0) with the widths (frames, 1)."""
    centre, width = noise_hz[:, :1], noise_hz[:, 1:]
    bell: Floats = np.exp(-0.5 * ((_frequencies() - centre) / (0.5 * width)) ** 2)
    return bell / np.sqrt(np.mean(bell**2, axis=1, keepdims=True))


def _filter(signal: Floats, response: NDArray[np.complex128] | Floats) -> Floats:
    """Return the signal (frames * HOP,) through a filter (frames, bins) that changes from frame to frame."""
    frames = len(signal) // HOP
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    padded = np.pad(signal, HOP // 2 + HOP)
    starts = np.arange(frames) * HOP + HOP
    pieces = padded[starts[:, np.newaxis] + np.arange(WINDOW)] * window
    filtered = np.fft.irfft(np.fft.rfft(pieces, N_FFT) * response, N_FFT)
    out = np.zeros(frames * HOP + N_FFT)
    for frame, piece in enumerate(filtered):
        out[frame * HOP : frame * HOP + N_FFT] += piece
    return out[HOP // 2 : HOP // 2 + len(signal)]


def _at_level(signal: Floats, amplitude: Floats) -> Floats:
    """Return the signal at an RMS of 1 where it is a vowel."""
    loud = np.repeat(amplitude > 0.7, HOP)
    return signal / np.sqrt(np.mean(signal[loud] ** 2))


def _room(length: int, rng: np.random.Generator) -> Floats:
    return rng.standard_normal(length) * 10 ** (ROOM_DBFS / 20)


def _to_int16(signal: Floats) -> NDArray[np.int16]:
    # A loud voice is rounded off as by a microphone's limiter, not clipped.
    return np.rint(np.tanh(signal) * FULL_SCALE).astype(np.int16)


def demo() -> NDArray[np.int16]:
    """Return the embedded recording: four phrases of two speakers with pauses of 1.5 s, 13 s at 16 kHz."""
    phrases = [
        synthesise(1, "neutral", f"{SENTENCES[0]} {SENTENCES[4]}", seed=1),
        synthesise(2, "happy", f"{SENTENCES[3]} {SENTENCES[4]}", seed=1),
        synthesise(1, "angry", f"{SENTENCES[5]} {SENTENCES[0]}", seed=1),
        synthesise(2, "sad", SENTENCES[2], seed=1),
    ]
    rng = np.random.default_rng(0)
    pauses = [_to_int16(_room(round(DEMO_PAUSE_SECONDS * SAMPLE_RATE), rng)) for _ in phrases[1:]]
    parts = [part for phrase, pause in zip(phrases[:-1], pauses, strict=True) for part in (phrase, pause)]
    return np.concatenate([*parts, phrases[-1]])


def make_corpus(
    folder: Path,
    speakers: Sequence[int] = range(1, 9),
    emotions: Sequence[str] = tuple(STYLES),
    sentences: Sequence[str] = SENTENCES[:3],
    repetitions: int = 1,
) -> Path:
    """Write `audio/*.wav` and `manifest.csv`, the layout of every corpus here, and return the folder.

    Takes some 40 ms a sentence: 8 s as it stands.
    """
    audio = folder / "audio"
    audio.mkdir(parents=True, exist_ok=True)
    rows = []
    for speaker in speakers:
        for emotion in emotions:
            for statement, sentence in enumerate(sentences, start=1):
                for repetition in range(repetitions):
                    file = f"{speaker:02d}-{emotion}-{statement:02d}-{repetition + 1:02d}.wav"
                    samples = synthesise(speaker, emotion, sentence, seed=repetition)
                    write_wav(audio / file, samples)
                    rows.append(
                        {
                            "file": file,
                            "speaker": f"{speaker:02d}",
                            "gender": voice_of(speaker).gender,
                            "emotion": emotion,
                            "intensity": "normal",
                            "statement": f"{statement:02d}",
                            "language": "none",
                            "duration_s": f"{len(samples) / SAMPLE_RATE:.3f}",
                            "sha256": hashlib.sha256((audio / file).read_bytes()).hexdigest(),
                        }
                    )
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    """Write int16 (n,) at 16 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())


def main(argv: Sequence[str] | None = None) -> int:
    """Write the embedded recording or a corpus."""
    parser = argparse.ArgumentParser(description="Make speech that belongs to nobody.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--demo", type=Path, metavar="FILE", help="write the embedded recording")
    what.add_argument("--corpus", type=Path, metavar="DIR", help="write a corpus of 8 speakers and 8 emotions")
    args = parser.parse_args(argv)
    if args.demo:
        write_wav(args.demo, demo())
    else:
        make_corpus(args.corpus)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
