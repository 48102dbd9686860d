"""All effects, in the order in which sound meets them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from convert.augment.background import Babble, Hiss, Noise, add_babble, add_hiss, add_noise
from convert.augment.chance import Range, between
from convert.augment.level import Clipping, Gain, change_gain, clip_peaks
from convert.augment.material import Material
from convert.augment.microphone import Codec, Equaliser, Telephone, code, equalise, limit_band
from convert.augment.room import Room, add_room
from convert.augment.voice import Pitch, Speed, Tempo, Tract, change_pitch, change_speed, change_tempo, change_tract
from edge_ser.settings import SAMPLE_RATE

FULL_SCALE = 32768.0


@dataclass(frozen=True, slots=True)
class Augment:
    """Options of all effects; a probability of 0 switches one off."""

    silence_seconds: Range = (0.1, 0.8)
    """Put before and after the voice, where only room and background sound."""

    speed: Speed = field(default_factory=Speed)
    tempo: Tempo = field(default_factory=Tempo)
    pitch: Pitch = field(default_factory=Pitch)
    tract: Tract = field(default_factory=Tract)
    room: Room = field(default_factory=Room)
    gain: Gain = field(default_factory=Gain)
    noise: Noise = field(default_factory=Noise)
    babble: Babble = field(default_factory=Babble)
    equaliser: Equaliser = field(default_factory=Equaliser)
    hiss: Hiss = field(default_factory=Hiss)
    telephone: Telephone = field(default_factory=Telephone)
    codec: Codec = field(default_factory=Codec)
    clipping: Clipping = field(default_factory=Clipping)


def augment(
    pcm: NDArray[np.int16], rng: Generator, options: Augment, material: Material, corpus_dbfs: float
) -> NDArray[np.int16]:
    """Return one augmented copy of a clip.

    Parameters
    ----------
    pcm : int16 (n,)
        The voice, without the silence at its ends.
    rng : Generator
        The copy depends on nothing else but the options and the material.
    options : Augment
    material : Material
        Noises, other voices and rooms.
    corpus_dbfs : float
        Median level of the clip's corpus.

    Returns
    -------
    int16 (m,)
        Another length where speed, tempo or silence changed it.
    """
    voice = pcm.astype(np.float32) / np.float32(FULL_SCALE)
    voice = change_speed(voice, rng, options.speed)
    voice = change_tempo(voice, rng, options.tempo)
    voice = change_pitch(voice, rng, options.pitch)
    voice = change_tract(voice, rng, options.tract)
    before, after = (int(between(rng, options.silence_seconds) * SAMPLE_RATE) for _ in range(2))
    x = np.pad(voice, (before, after))
    x = add_room(x, rng, options.room, material.rooms)
    x = change_gain(x, rng, options.gain, corpus_dbfs)
    voice_rms = float(np.sqrt(np.square(x[before : len(x) - after], dtype=np.float64).mean()))
    x = add_noise(x, rng, options.noise, voice_rms, material.noise)
    x = add_babble(x, rng, options.babble, voice_rms, material.voices)
    x = equalise(x, rng, options.equaliser)
    x = add_hiss(x, rng, options.hiss)
    x = limit_band(x, rng, options.telephone)
    x = code(x, rng, options.codec)
    x = clip_peaks(x, rng, options.clipping)
    return np.clip(np.rint(x * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
