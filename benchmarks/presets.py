"""What each preset costs, measured with the pipeline itself: false events an hour, and seconds until a right decision.

False events come from streams in which nobody is emotional: noises without speech, and neutral speech, clip after clip.
Latency comes from the emotional clips of speakers whom the student was not trained on; how a change of tone is
followed, from the same clips, each right behind neutral ones of the same speaker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Cell, Report, Table
from convert.corpora.activity import active_range
from convert.corpora.audio import read_pcm
from convert.corpora.catalogue import NOISE_CORPORA
from convert.corpora.manifest import AUDIO_FOLDER, Clip, read_corpus, read_rows
from convert.evaluate.model_file import held_out_speakers, read_clips
from edge_ser.decision.presets import PRESETS, rules
from edge_ser.events import Event
from edge_ser.pipeline import Pipeline
from edge_ser.settings import SAMPLE_RATE, Settings
from edge_ser.student.metadata import Metadata
from edge_ser.student.model_file import ModelFile

NEUTRAL = "neutral"
READ_SPEECH = "neutral-libri"
PAUSE_SECONDS = 1.0  # between two speakers in a stream
PAUSE_LSB = 10.0  # RMS of its hiss, -70 dBFS
QUICK = 40  # every so manyth clip
PERCENTILES = (50, 90)
NEUTRAL_BEFORE = 3  # neutral clips before the tone changes, without a pause
SECONDS_PER_HOUR = 3600
STATES = ("no_speech", "warming_up", "uncertain", NEUTRAL, "emotion")

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Stream:
    """What was announced in a stream in which nobody is emotional."""

    hours: float

    false_per_hour: float
    """Times that an emotion was announced, another one than before or the first after none."""

    share: Mapping[str, float]
    """Of the time, by what was announced."""


@dataclass(frozen=True, slots=True)
class Clips:
    """How soon and how rightly clips were decided on."""

    latency_seconds: tuple[float, ...]
    """Median and 90th percentile from the onset to the first right decision, where there was one."""

    ever_right: float
    """Share of clips with a right decision at any time."""

    coverage: float
    """Share of clips with a decision when the speech ended."""

    accuracy: float
    """Share of those decisions that were right."""


@dataclass(frozen=True, slots=True)
class Changes:
    """How a change of tone within an utterance was followed."""

    delay_seconds: float
    """Median from the change to the right decision, where there was one."""

    followed: float
    """Share of changes with the right decision before the end."""


def run(corpora: Path, quick: bool = False) -> Report:
    """Run every preset of the bundled student over the corpora."""
    return measure(ModelFile.load_bundled(), corpora, quick)


def measure(model: ModelFile, corpora: Path, quick: bool = False) -> Report:
    """Run every preset of a student over the corpora."""
    clips = held_out_speakers(model, corpora)[0][:: QUICK if quick else 1]
    recordings = list(zip(clips, read_clips(corpora, clips), strict=True))
    streams = _streams(model, corpora, recordings, quick)
    emotional = [(pcm, label) for clip, pcm in recordings if (label := label_of(clip, model.metadata)) != NEUTRAL]
    turns = changing(recordings, model.metadata)
    false_rows: list[tuple[Cell, ...]] = []
    clip_rows: list[tuple[Cell, ...]] = []
    figures: dict[str, float] = {}
    for preset in PRESETS:
        pipeline = Pipeline(model, Settings(preset=preset))
        for name, pcm in streams.items():
            found = stream_of(listen(pipeline, pcm))
            states = (round(100 * found.share[state], 1) for state in STATES)
            false_rows.append((preset, name, found.false_per_hour, *states))
            figures[f"{preset}_{name.replace(' ', '_')}_false_per_hour"] = found.false_per_hour
        judged = clips_of([(listen(pipeline, pcm), label) for pcm, label in emotional])
        turned = changes_of([(listen(pipeline, pcm), label, turn) for pcm, label, turn in turns])
        percent = (100 * judged.ever_right, 100 * judged.coverage, 100 * judged.accuracy)
        clip_rows.append((preset, *judged.latency_seconds, *percent, turned.delay_seconds, 100 * turned.followed))
        figures |= {
            f"{preset}_latency_p50_s": judged.latency_seconds[0],
            f"{preset}_coverage_percent": percent[1],
            f"{preset}_accuracy_percent": percent[2],
            f"{preset}_change_p50_s": turned.delay_seconds,
        }
    hours = ", ".join(f"{len(pcm) / SAMPLE_RATE / SECONDS_PER_HOUR:.2f} h of {name}" for name, pcm in streams.items())
    tables = (
        _settings_table(model.metadata),
        Table(
            "False events an hour, and the share of the time in each state, %",
            ("preset", "stream", "false / h", *(state.replace("_", " ") for state in STATES)),
            tuple(false_rows),
        ),
        Table(
            "Emotional clips of held-out speakers: s from the onset to the first right decision, decisions at the end, "
            "and s from a change of tone to the right decision",
            ("preset", "s", "90 %", "ever right %", "decided %", "of which right %", "change s", "followed %"),
            tuple(clip_rows),
        ),
    )
    counts = f"{len(emotional)} emotional clips, {len(turns)} changes of tone"
    return Report("presets", tables, figures, (hours, counts, *_notes(model.metadata)))


def listen(pipeline: Pipeline, pcm: Pcm) -> list[Event]:
    """Return the events of a stream of its own."""
    pipeline.reset()
    return pipeline.push(pcm) + pipeline.flush()


def stream_of(events: Sequence[Event]) -> Stream:
    """Return what was announced where nobody was emotional."""
    announced = [event.emotion for event in events]
    changes = zip([None, *announced], announced, strict=False)
    false = sum(now not in (None, NEUTRAL) and now != before for before, now in changes)
    count = Counter(NEUTRAL if event.emotion == NEUTRAL else event.state for event in events)
    hours = events[-1].time / SECONDS_PER_HOUR
    return Stream(hours, false / hours, {state: count[state] / len(events) for state in STATES})


def clips_of(heard: Sequence[tuple[Sequence[Event], str]]) -> Clips:
    """Return how soon and how rightly clips, their events and right labels, were decided on."""
    latencies = []
    decided: list[bool] = []
    for events, label in heard:
        spoken = [event for event in events if event.state != "no_speech"]
        right = [event.time for event in spoken if event.emotion == label]
        if right:
            latencies.append(right[0] - _onset(events))
        if spoken and spoken[-1].emotion:
            decided.append(spoken[-1].emotion == label)
    return Clips(
        tuple(np.percentile(latencies or [np.nan], PERCENTILES).tolist()),
        len(latencies) / len(heard),
        len(decided) / len(heard),
        sum(decided) / max(1, len(decided)),
    )


def changing(recordings: Sequence[tuple[Clip, Pcm]], metadata: Metadata) -> list[tuple[Pcm, str, float]]:
    """Return emotional clips behind neutral ones of the same speaker: samples, label, and second of the change."""
    neutral: dict[str, list[Pcm]] = {}
    for clip, pcm in recordings:
        if label_of(clip, metadata) == NEUTRAL:
            neutral.setdefault(clip.speaker, []).append(_trimmed(pcm))
    turns = []
    for clip, pcm in recordings:
        label, before = label_of(clip, metadata), neutral.get(clip.speaker, [])[:NEUTRAL_BEFORE]
        if label != NEUTRAL and before:
            turns.append((np.concatenate([*before, _trimmed(pcm)]), label, sum(map(len, before)) / SAMPLE_RATE))
    return turns


def changes_of(heard: Sequence[tuple[Sequence[Event], str, float]]) -> Changes:
    """Return how changes of tone, given as events, right label and time of the change, were followed."""
    times = [
        next((event.time - turn for event in events if event.time > turn and event.emotion == label), None)
        for events, label, turn in heard
    ]
    delays = [time for time in times if time is not None]
    return Changes(float(np.median(delays or [np.nan])), len(delays) / max(1, len(times)))


def with_pauses(recordings: Sequence[Pcm]) -> Pcm:
    """Return recordings one after the other, a quiet second before each."""
    hiss = np.random.default_rng(0).normal(0, PAUSE_LSB, int(PAUSE_SECONDS * SAMPLE_RATE))
    pause = np.rint(hiss).astype(np.int16)
    return np.concatenate([part for pcm in recordings for part in (pause, pcm)])


def label_of(clip: Clip, metadata: Metadata) -> str:
    """Return what the recogniser should say of a clip."""
    return metadata.label_of_class[clip.emotion]


def _onset(events: Sequence[Event]) -> float:
    """Return when the step began in which somebody first spoke."""
    times = [0.0, *(event.time for event in events)]
    return next(start for start, event in zip(times, events, strict=False) if event.speech)


def _trimmed(pcm: Pcm) -> Pcm:
    first, last, _ = active_range(pcm)
    return pcm[first:last]


def _streams(model: ModelFile, corpora: Path, recordings: Sequence[tuple[Clip, Pcm]], quick: bool) -> dict[str, Pcm]:
    every = QUICK if quick else 1
    neutral = [pcm for clip, pcm in recordings if label_of(clip, model.metadata) == NEUTRAL]
    read = read_corpus(corpora / READ_SPEECH, model.metadata.classes)[1][::every]
    noises = [
        read_pcm(corpora / name / AUDIO_FOLDER / row["file"], row["sha256"])
        for name in NOISE_CORPORA
        for row in read_rows(corpora / name)[::every]
    ]
    return {
        "noise": np.concatenate(noises),
        "read speech": with_pauses(read_clips(corpora, read)),
        "neutral clips": with_pauses(neutral),
    }


def _settings_table(metadata: Metadata) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, preset in PRESETS.items():
        held = rules(Settings(preset=name), metadata.decision)
        forgets = held.half_life_seconds if np.isfinite(held.half_life_seconds) else None
        times = (held.minimum_dwell_seconds, held.warm_up_seconds, forgets)
        rows.append((name, 100 * preset.coverage, held.uncertain_below, held.hysteresis, *times))
    columns = ("preset", "coverage %", "uncertain below", "hysteresis", "dwell s", "warm-up s", "half-life s")
    return Table("Presets", columns, tuple(rows))


def _notes(metadata: Metadata) -> tuple[str, ...]:
    if metadata.decision.thresholds:
        return ()
    return (f"the model {metadata.name} {metadata.version} holds one threshold, which all presets share",)
