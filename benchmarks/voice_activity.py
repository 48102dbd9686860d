"""How well speech is told from real noise, beside Silero and webrtcvad, and what a frame of each costs.

Clips of every speech corpus, at the same level and with a second of silence between them, are mixed with each kind of
noise. What is speech is said by the clean clips alone: a frame of 25 ms counts that is less than 30 dB below the
clip's loud frames (95th percentile) and 6 dB above its quiet ones (5th), by a majority of five. Frames within 50 ms of
a change are not judged: neither this rule nor any detector is that exact. The signal-to-noise ratio is that of the
speech frames' RMS to the noise's RMS over its whole length, so the single bark of a dog is louder than it says.

The curves compare scores without hang-over: ours is the prominence that `confirm_frames` of the last 8 frames exceed,
Silero's the probability of the newest chunk. webrtcvad has no score. What is decided by default, hang-over included,
is in a table of its own.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from benchmarks.report import Cell, Report, Table, Times, interleave, ratio, spread
from convert.corpora.audio import read_pcm
from convert.corpora.catalogue import NOISE_CORPORA
from convert.corpora.manifest import AUDIO_FOLDER, read_rows
from edge_ser.errors import SettingsError
from edge_ser.features import Detector, LogMel, VoiceActivitySettings, build_detector
from edge_ser.features.chunked_detector import ChunkedDetector
from edge_ser.features.prominence import UNITS_PER_DB, Prominence
from edge_ser.features.voice_activity_settings import DECISION_FRAMES
from edge_ser.settings import SAMPLE_RATE, VOICE_ACTIVITY_NAMES

SPEECH_CORPORA = ("ravdess", "emodb", "cremad-hapsad", "nemo", "tess", "neutral-libri")
CLIPS = 6  # of each corpus
NOISES = 8  # recordings of each kind
QUICK = 8  # every so manyth kind of noise, with one recording, and one clip of every third corpus
SNRS_DB = (20, 10, 0)
ALONE_DBFS = -35.0  # of noise without speech
MIX_DBFS = -25.0  # RMS of the speech frames
HOP, WINDOW = 160, 400  # samples, of a frame
COLLAR = 5  # frames around a change that are not judged
FALSE_ALARMS = (0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100)  # %, points of the curves
STEP = 8 * HOP  # samples, what the pipeline hands over at once
ROUNDS, QUICK_ROUNDS = 20, 2
OURS, SILERO = "edge-ser", "silero"

Pcm = NDArray[np.int16]
Signal = NDArray[np.float64]
Frames = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores of one detector on judged frames at one ratio, noise after noise."""

    kinds: tuple[str, ...]
    """Kind of each noise."""

    values: tuple[NDArray[np.float64], ...]
    """Score of each judged frame, by noise."""

    truth: Frames
    """Speech or not, the same for every noise."""

    def area(self, kind: str | None = None) -> float:
        """Return the area under the curve of one kind of noise, or of all together."""
        picked = [value for name, value in zip(self.kinds, self.values, strict=True) if kind in (None, name)]
        return roc_area(np.concatenate(picked), np.tile(self.truth, len(picked)))


def run(corpora: Path, quick: bool = False) -> Report:
    """Mix, score and time; return the report."""
    speech, truth = conversation(corpora, *((SPEECH_CORPORA[::3], 1) if quick else (SPEECH_CORPORA, CLIPS)))
    noises = noises_by_kind(corpora, 1 if quick else NOISES)
    noises = dict(list(noises.items())[:: QUICK if quick else 1])
    detectors, notes = _installed()
    figures: dict[str, float] = {}
    judged = away_from_changes(truth)
    mixes = {snr: {kind: mix(speech, truth, noise, snr) for kind, noise in noises.items()} for snr in SNRS_DB}
    scores = {
        (name, snr): Scores(tuple(of), tuple(score(pcm)[judged] for pcm in of.values()), truth[judged])
        for name, score in _scorers(detectors).items()
        for snr, of in mixes.items()
    }
    alone = {kind: at_level(np.resize(noise, speech.size), ALONE_DBFS) for kind, noise in noises.items()}
    tables = (
        _areas(scores, figures),
        _curves(scores),
        _decided(detectors, mixes, alone, truth, judged, figures),
        _cost(detectors, mixes[10], ROUNDS if not quick else QUICK_ROUNDS, figures),
    )
    heard, noisy = (sum(map(len, parts)) / SAMPLE_RATE for parts in ([speech], noises.values()))
    notes.append(
        f"{heard:.0f} s of conversation, {100 * truth.mean():.0f} % of it speech; {noisy:.0f} s of noise, repeated"
    )
    return Report("voice-activity", tables, figures, tuple(notes))


def conversation(corpora: Path, names: Sequence[str], clips: int) -> tuple[Signal, Frames]:
    """Return so many clips of each corpus (n,), the speech frames of each of RMS 1, and by frame where they speak."""
    parts, truth = [], []
    for corpus in names:
        rows = read_rows(corpora / corpus)
        for row in evenly(rows, clips):
            pcm = read_pcm(corpora / corpus / AUDIO_FOLDER / row["file"], row["sha256"]).astype(np.float64)
            pcm = pcm[: pcm.size // HOP * HOP]
            speech = speech_frames(pcm)
            if not speech.any():
                continue
            parts += [np.zeros(SAMPLE_RATE), pcm / pcm[np.repeat(speech, HOP)].std()]
            truth += [np.zeros(SAMPLE_RATE // HOP, np.bool_), speech]
    return np.concatenate(parts), np.concatenate(truth)


def noises_by_kind(corpora: Path, recordings: int) -> dict[str, Signal]:
    """Return by kind of noise so many recordings of it, one after the other (n,)."""
    found: dict[str, Signal] = {}
    for corpus in NOISE_CORPORA:
        rows = defaultdict(list)
        for row in read_rows(corpora / corpus):
            rows[row["emotion"].split(" - ")[-1].replace("_", " ")].append(row)
        for kind, of_kind in rows.items():
            audio = [
                read_pcm(corpora / corpus / AUDIO_FOLDER / row["file"], row["sha256"])
                for row in evenly(of_kind, recordings)
            ]
            levelled = [pcm / pcm.astype(np.float64).std() for pcm in audio if pcm.any()]
            found[kind] = np.concatenate(levelled)
    return found


def evenly(rows: Sequence[dict[str, str]], count: int) -> list[dict[str, str]]:
    """Return so many rows, spread over all of them."""
    return [rows[i * len(rows) // count] for i in range(min(count, len(rows)))]


def speech_frames(pcm: Signal) -> Frames:
    """Return by frame whether a clean clip (n,), in LSB, holds speech there, by its level; see above."""
    energy = np.concatenate([[0], np.cumsum(np.concatenate([np.zeros(WINDOW - HOP), pcm]) ** 2)])
    start = np.arange(pcm.size // HOP) * HOP
    level = 10 * np.log10((energy[start + WINDOW] - energy[start]) / WINDOW + 1e-3)
    loud = level > max(np.percentile(level, 95) - 30, np.percentile(level, 5) + 6)
    return np.convolve(loud, np.ones(5), "same") >= 3


def away_from_changes(truth: Frames) -> Frames:
    """Return by frame whether it is more than a collar away from where speech begins or ends."""
    changes = np.diff(truth, prepend=truth[:1])
    near = np.convolve(changes, np.ones(2 * COLLAR + 1), "same") > 0
    return ~near


def mix(speech: Signal, truth: Frames, noise: Signal, snr_db: float) -> Pcm:
    """Return speech of RMS 1 and noise, repeated to its length, at this ratio."""
    background = np.resize(noise, speech.size)
    gain = 10 ** (-snr_db / 20) / background.std()
    return at_level(speech + gain * background, MIX_DBFS, rms=1.0)


def at_level(signal: Signal, dbfs: float, rms: float | None = None) -> Pcm:
    """Return int16 such that this RMS (the signal's own if none is given) comes to this level."""
    scaled = signal * (32768 * 10 ** (dbfs / 20) / (signal.std() if rms is None else rms))
    return np.clip(np.rint(scaled), -32768, 32767).astype(np.int16)


def roc(scores: NDArray[np.float64], truth: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return false alarms and hits, 0 to 1, for every threshold from the highest; equal scores go together."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), scores.size - 1)  # of each run of equal scores
    hits, alarms = np.cumsum(truth[order])[last], np.cumsum(~truth[order])[last]
    return np.append(0.0, alarms / max(1, alarms[-1])), np.append(0.0, hits / max(1, hits[-1]))


def roc_area(scores: NDArray[np.float64], truth: Frames) -> float:
    """Return the area under hits over false alarms.

    >>> roc_area(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True]))
    0.75
    """
    alarms, hits = roc(scores, truth)
    return float(np.sum(np.diff(alarms) * (hits[1:] + hits[:-1]) / 2))


def score_ours(pcm: Pcm) -> NDArray[np.float64]:
    """Return by frame the onset threshold, in dB, at which ours would just confirm speech."""
    settings = VoiceActivitySettings()
    prominence = Prominence(settings)(LogMel().push(pcm)) / UNITS_PER_DB
    of_last = sliding_window_view(np.concatenate([np.zeros(DECISION_FRAMES - 1), prominence]), DECISION_FRAMES)
    confirmed: NDArray[np.float64] = np.sort(of_last, axis=1)[:, -settings.confirm_frames]
    return confirmed


def score_chunks(detector: ChunkedDetector, pcm: Pcm) -> NDArray[np.float64]:
    """Return by frame the score of the newest chunk."""
    detector.reset()
    return np.array(detector.scores(pcm.size // HOP, pcm))


def decide(detector: Detector, pcm: Pcm) -> Frames:
    """Return by frame what a detector decides."""
    detector.reset()
    return detector(LogMel().push(pcm), pcm)


def _installed() -> tuple[dict[str, Detector], list[str]]:
    """Return the detectors that can be built, and a line for each of the others."""
    detectors, notes = {}, []
    for name in VOICE_ACTIVITY_NAMES:
        try:
            detectors[name] = build_detector(name)
        except SettingsError:
            notes.append(f"{name} is not installed: pip install 'edge-ser[{name}]'")
    return detectors, notes


def _scorers(detectors: Mapping[str, Detector]) -> dict[str, Callable[[Pcm], NDArray[np.float64]]]:
    scorers: dict[str, Callable[[Pcm], NDArray[np.float64]]] = {OURS: score_ours}
    silero = detectors.get(SILERO)
    if isinstance(silero, ChunkedDetector):
        scorers[SILERO] = partial(score_chunks, silero)
    return scorers


def _areas(scores: Mapping[tuple[str, int], Scores], figures: dict[str, float]) -> Table:
    kinds: tuple[str | None, ...] = (*next(iter(scores.values())).kinds, None)
    rows: list[tuple[Cell, ...]] = []
    for kind in kinds:
        areas = [found.area(kind) for found in scores.values()]
        rows.append((kind or "all together", *areas))
        for (name, snr), area in zip(scores, areas, strict=True):
            figures[f"area.{(kind or 'all').replace(' ', '_')}.{snr}_db.{name}"] = area
    columns = tuple(f"{name} {snr} dB" for name, snr in scores)
    return Table("Area under hits over false alarms, by noise", ("noise", *columns), tuple(rows))


def _curves(scores: Mapping[tuple[str, int], Scores]) -> Table:
    curves = {}
    for key, found in scores.items():
        alarms, hits = roc(np.concatenate(found.values), np.tile(found.truth, len(found.values)))
        curves[key] = 100 * np.interp(np.array(FALSE_ALARMS) / 100, alarms, hits)
    rows = tuple(
        (share, *(round(float(curve[i]), 1) for curve in curves.values())) for i, share in enumerate(FALSE_ALARMS)
    )
    columns = tuple(f"{name} {snr} dB" for name, snr in curves)
    return Table("The curves over all noises: hits % at false alarms %", ("false alarms %", *columns), rows)


def _decided(
    detectors: Mapping[str, Detector],
    mixes: Mapping[int, Mapping[str, Pcm]],
    alone: Mapping[str, Pcm],
    truth: Frames,
    judged: Frames,
    figures: dict[str, float],
) -> Table:
    """Return what is decided by default: hits and false alarms in speech, and frames fired on in noise alone."""
    hits = judged & truth
    # Hang-over is meant, so silence counts from its end on.
    hangover = VoiceActivitySettings().hangover_frames
    silent = judged & ~(np.convolve(truth, np.ones(hangover + COLLAR + 1))[: truth.size] > 0)
    known = slice(SAMPLE_RATE * 2 // HOP, None)  # once the noise is known
    rows: list[tuple[Cell, ...]] = []
    for kind in alone:
        row: list[Cell] = [kind]
        for name, detector in detectors.items():
            decided = decide(detector, mixes[10][kind])
            fired = decide(detector, alone[kind])[known]
            shares = (decided[hits].mean(), decided[silent].mean(), fired.mean())
            for what, share in zip(("hits", "false_alarms", "alone"), shares, strict=True):
                figures[f"decided.{kind.replace(' ', '_')}.{name}.{what}_percent"] = 100 * float(share)
            row.append(" / ".join(f"{100 * share:.0f}" for share in shares))
        rows.append(tuple(row))
    title = "Decided by default, hits % and false alarms % at 10 dB / speech % heard in the noise alone"
    return Table(title, ("noise", *detectors), tuple(rows))


def _cost(detectors: Mapping[str, Detector], mixes: Mapping[str, Pcm], rounds: int, figures: dict[str, float]) -> Table:
    """Return what 10 ms cost, in the pipeline's steps; bands are there already, for the student needs them."""
    pcm = next(iter(mixes.values()))[: 5 * SAMPLE_RATE // STEP * STEP]
    steps = [pcm[i : i + STEP] for i in range(0, pcm.size, STEP)]
    log_mel = LogMel()
    bands = [log_mel.push(step) for step in steps]

    def whole(detector: Detector) -> Callable[[], object]:
        return lambda: [detector(band, step) for band, step in zip(bands, steps, strict=True)]

    times: Times = interleave(
        {name: whole(detector) for name, detector in detectors.items()}, rounds, clock=time.process_time
    )
    rows: list[tuple[Cell, ...]] = []
    for name, seconds in times.items():
        micros = 1e6 * spread(seconds).median / (pcm.size / HOP)
        figures[f"cost.{name}_us"] = micros
        rows.append((name, micros, None if name == OURS else str(ratio(times, name, OURS))))
    return Table("µs for each 10 ms, in steps of 80 ms, one core", ("detector", "µs", "times ours"), tuple(rows))
