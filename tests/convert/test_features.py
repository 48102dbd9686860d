"""Training features: byte for byte what the device hears, whoever makes them, however often they are interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from convert.augment import Augment, write_material
from convert.corpora import read_corpus
from convert.corpora.audio import read_pcm
from convert.corpora.recordings import decode, open_recordings
from convert.errors import StageError
from convert.features import FeatureOptions, columns, open_features, statistics, utterance, write_features
from convert.log_mels import FRAMES, JOURNAL, ROWS, LogMels, Work, open_log_mels, write_log_mels
from convert.segments import Segmentation, segments, spans
from edge_ser.features import FrontEnd, LogMel, Mfcc, RunningMean, ToInt8
from edge_ser.features.extras import EXTRAS, count_columns
from edge_ser.features.mfcc import cepstra
from edge_ser.features.tables import N_MELS, TABLES_SHA256
from edge_ser.segmenter import Segmenter
from edge_ser.student.metadata import Features as DeviceFeatures

SEGMENTATION = Segmentation()
STEP = SEGMENTATION.frames_per_step
STEP_SAMPLES = STEP * 160
HANGOVER_SECONDS = SEGMENTATION.hangover_steps * STEP_SAMPLES / 16000
OPTIONS = FeatureOptions()
VARIANTS = 2

Int8 = NDArray[np.int8]


def pieces(corpora: Path) -> list[NDArray[np.int16]]:
    """Return three clips of each of four real corpora, and one stream of many with pauses of every length."""
    rng = np.random.default_rng(3)
    found = []
    for name in ("ravdess", "emodb", "nemo", "cremad-hapsad"):
        clips = read_corpus(corpora / name)[1]
        chosen = rng.choice(len(clips), 3, replace=False)
        found += [read_pcm(corpora / name / "audio" / clips[index].file) for index in chosen]
    pauses = [rng.normal(0, 4, int(seconds * 16000)).astype(np.int16) for seconds in np.linspace(0.2, 1.4, 40)]
    stream = [part for pause in pauses for part in (pause, found[int(rng.integers(len(found)))])]
    return [*found, np.concatenate(stream)]


def heard_by_device(pcm: NDArray[np.int16], device: DeviceFeatures) -> list[Int8]:
    """Return the features of each utterance as the device makes them, a step at a time."""
    segmenter = Segmenter(device, HANGOVER_SECONDS)
    padded = np.pad(pcm, (0, -len(pcm) % STEP_SAMPLES))
    utterances: list[list[Int8]] = []
    for start in range(0, len(padded), STEP_SAMPLES):
        step = segmenter(padded[start : start + STEP_SAMPLES])
        if step.onset:
            utterances.append([])
        if step.features:
            utterances[-1].extend(step.features)
    return [np.concatenate(each) for each in utterances]


@pytest.mark.parametrize("extras", [(), tuple(EXTRAS)], ids=["MFCC alone", "all extras"])
def test_training_hears_byte_for_byte_what_the_device_hears(corpora: Path, extras: tuple[str, ...]) -> None:
    audio = pieces(corpora)
    speech = np.concatenate([each.log_mel for pcm in audio for each in segments(pcm, SEGMENTATION, extras)])
    values = columns(speech, OPTIONS.n_mfcc)
    mean, std = values.mean(axis=0), values.std(axis=0)
    front_end = FrontEnd(n_mfcc=OPTIONS.n_mfcc)
    device = DeviceFeatures(
        front_end=front_end,
        tables_sha256=TABLES_SHA256,
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        lsb_per_std=OPTIONS.lsb_per_std,
        running_mean_prior_frames=OPTIONS.prior_frames,
        frames_per_step=STEP,
        extras=extras,
    )
    board = ToInt8(front_end, mean, std, OPTIONS.lsb_per_std, OPTIONS.prior_frames, extras)
    for pcm in audio:
        trained = [utterance(each.log_mel, board, STEP) for each in segments(pcm, SEGMENTATION, extras)]
        heard = heard_by_device(pcm, device)
        assert [len(each) for each in trained] == [len(each) for each in heard]
        for ours, theirs in zip(trained, heard, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert len(heard) > 10, "the last stream pauses long enough to hold many utterances"


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 6))
def test_utterances_open_and_close_where_a_step_by_step_listener_opens_and_closes_them(speech, hangover: int) -> None:
    expected: list[list[int]] = []  # [first, stop] by a listener who knows nothing of the future
    silent, is_open = 0, False
    for step, spoken in enumerate(speech):
        silent = 0 if spoken else silent + 1
        is_open = is_open and silent <= hangover
        if spoken and not is_open:
            expected.append([max(0, step - 1), step])
            is_open = True
        if is_open:
            expected[-1][1] = step + 1
    assert [list(span) for span in spans(np.array(speech, bool), hangover)] == expected


def test_no_speech_gives_no_utterance() -> None:
    assert segments(np.zeros(16000, np.int16), SEGMENTATION) == []
    assert segments(np.zeros(0, np.int16), SEGMENTATION) == []


@pytest.fixture(scope="module")
def work(small_corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Work:
    """The small corpus, decoded, with two augmented copies of each clip to be made."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "recordings").mkdir()
    (folder / "material").mkdir()
    info, clips = read_corpus(small_corpora / "small")
    decode(small_corpora, {"small": info}, clips, folder / "recordings")
    write_material(small_corpora, folder / "material")
    return Work(folder / "recordings", folder / "material", Augment(), SEGMENTATION, VARIANTS, seed=1)


@pytest.fixture(scope="module")
def made(work: Work, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All log-mel frames, made at once."""
    folder = tmp_path_factory.mktemp("log_mels")
    write_log_mels(work, folder, processes=1)
    return folder


def contents(folder: Path) -> tuple[bytes, dict[str, list[int]]]:
    with np.load(folder / ROWS) as rows:
        return (folder / FRAMES).read_bytes(), {name: np.atleast_1d(rows[name]).tolist() for name in rows.files}


def test_every_clip_is_there_as_recorded_and_as_often_augmented_as_asked(made: Path, work: Work) -> None:
    log_mels = open_log_mels(made)
    clips = len(open_recordings(work.recordings).clips)
    there = set(zip(log_mels.clip.tolist(), log_mels.variant.tolist(), strict=True))
    assert there == {(clip, variant) for clip in range(clips) for variant in range(VARIANTS + 1)}


def test_unaugmented_frames_are_the_segments_of_the_recording(made: Path, work: Work) -> None:
    log_mels, recordings = open_log_mels(made), open_recordings(work.recordings)
    for clip in range(len(recordings.clips)):
        rows = np.flatnonzero((log_mels.clip == clip) & (log_mels.variant == 0))
        expected = segments(recordings.pcm(clip), SEGMENTATION)
        assert [log_mels.speech_steps[row] for row in rows] == [each.speech_steps for each in expected]
        for row, each in zip(rows, expected, strict=True):
            np.testing.assert_array_equal(log_mels.row(row), each.log_mel)


def test_copies_differ_from_each_other_and_from_the_recording(made: Path) -> None:
    log_mels = open_log_mels(made)
    for clip in np.unique(log_mels.clip):
        frames = [log_mels.row(row).tobytes() for row in np.flatnonzero(log_mels.clip == clip)]
        assert len(set(frames)) == len(frames)


def test_a_run_killed_between_frames_and_journal_goes_on_to_the_same_bytes(
    made: Path, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convert.log_mels.CLIPS_PER_CHUNK", 3)
    killed_after = 2

    def kill(chunks, total):
        assert total == 4
        for number, chunk in enumerate(chunks):
            if number == killed_after:
                raise KeyboardInterrupt
            yield chunk

    with pytest.raises(KeyboardInterrupt):
        write_log_mels(work, tmp_path, processes=1, progress=kill)
    assert len((tmp_path / JOURNAL).read_text().splitlines()) == killed_after
    with (tmp_path / FRAMES).open("ab") as frames, (tmp_path / JOURNAL).open("a") as journal:
        frames.write(b"half of the next chunk")
        journal.write("[[6, 0, 3")
    resumed = []
    write_log_mels(work, tmp_path, processes=2, progress=lambda chunks, total: resumed.append(len(chunks)) or chunks)
    assert resumed == [2], "what was done is not done again"
    assert contents(tmp_path) == contents(made)


@pytest.fixture
def features_folder(made: Path, tmp_path: Path) -> Path:
    write_features(open_log_mels(made), np.arange(6), OPTIONS, STEP, tmp_path)
    return tmp_path


def test_int8_features_are_those_of_the_front_end(features_folder: Path, made: Path) -> None:
    log_mels, features = open_log_mels(made), open_features(features_folder)
    mfcc = Mfcc(FrontEnd(n_mfcc=OPTIONS.n_mfcc), features.mean, features.std, OPTIONS.lsb_per_std)
    assert len(features) == len(log_mels)
    np.testing.assert_array_equal(features.clip, log_mels.clip)
    for row in range(len(features)):
        running_mean = RunningMean(OPTIONS.n_mfcc, OPTIONS.prior_frames)
        steps = np.split(mfcc(log_mels.row(row).astype(float)), len(log_mels.row(row)) // STEP)
        np.testing.assert_array_equal(features.row(row), np.concatenate([running_mean(step) for step in steps]))


def test_statistics_are_of_the_training_clips_alone(features_folder: Path, made: Path) -> None:
    log_mels, features = open_log_mels(made), open_features(features_folder)
    rows = np.flatnonzero(log_mels.clip < 6)
    values = cepstra(np.concatenate([log_mels.row(row) for row in rows]).astype(float), OPTIONS.n_mfcc)
    np.testing.assert_allclose(features.mean, values.mean(0), rtol=1e-9)
    np.testing.assert_allclose(features.std, values.std(0), rtol=1e-6)
    everybody = statistics(log_mels, np.arange(len(log_mels)), OPTIONS.n_mfcc)[0]
    assert np.abs(everybody - features.mean).max() > 1e-3, "the held-out clips would have changed them"


def test_extras_are_kept_as_the_integers_they_are_and_standardised_on_the_training_clips(
    work: Work, tmp_path: Path
) -> None:
    chosen = ("pitch", "log_energy")
    kept, written = tmp_path / "log_mels", tmp_path / "features"
    kept.mkdir()
    written.mkdir()
    write_log_mels(replace(work, variants=0, extras=chosen), kept, processes=1)
    log_mels, recordings = open_log_mels(kept), open_recordings(work.recordings)
    for row, clip in enumerate(log_mels.clip):
        assert log_mels.row(row).shape[1] == N_MELS + count_columns(chosen) == N_MELS + 4
        streamed = LogMel(chosen).push(recordings.pcm(clip))
        first = int(np.flatnonzero((streamed[:, :N_MELS] == log_mels.row(row)[0, :N_MELS]).all(axis=1))[0])
        whole = min(len(log_mels.row(row)), len(streamed) - first)  # the last step is completed with zeros
        np.testing.assert_array_equal(log_mels.row(row)[:whole], streamed[first : first + whole])
    write_features(log_mels, np.arange(6), replace(OPTIONS, extras=chosen), STEP, written)
    features = open_features(written)
    assert features.options.extras == chosen
    rows = np.concatenate([log_mels.row(row) for row in np.flatnonzero(log_mels.clip < 6)])[:, N_MELS:]
    np.testing.assert_allclose(features.mean[OPTIONS.n_mfcc :], rows.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(features.std[OPTIONS.n_mfcc :], np.maximum(rows.std(axis=0), 1), rtol=1e-6)
    voicing = log_mels.row(0)[:, N_MELS + 1]
    expected = np.rint((voicing - features.mean[-3]) * (OPTIONS.lsb_per_std / features.std[-3]))
    np.testing.assert_array_equal(features.row(0)[:, -3], np.clip(expected, -128, 127), "voicing keeps its mean")
    height = np.rint((log_mels.row(0)[:, N_MELS] - features.mean[-4]) * (OPTIONS.lsb_per_std / features.std[-4]))
    running_mean = RunningMean(1, OPTIONS.prior_frames)
    relative = [running_mean(step) for step in height.clip(-128, 127).astype(np.int8).reshape(-1, STEP, 1)]
    np.testing.assert_array_equal(features.row(0)[:, -4], np.ravel(relative), "pitch is relative to the speaker's")


@given(st.integers(1, 5), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_statistics_are_exact_for_any_frames(count: int, n_mfcc: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 30, count)
    frames = rng.integers(0, 250_000, (lengths.sum(), 40)).astype(np.int32)
    index = np.zeros(count, np.int32)
    log_mels = LogMels(frames, np.concatenate([[0], np.cumsum(lengths)]), index, index, index)
    mean, std = statistics(log_mels, np.arange(count), n_mfcc)
    values = cepstra(frames.astype(float), n_mfcc)
    np.testing.assert_allclose(mean, values.mean(0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(std, np.maximum(values.std(0), 1e-3), rtol=1e-4, atol=1e-6)


def test_training_clips_without_any_speech_are_refused(made: Path) -> None:
    nobody = np.zeros(0, np.intp)
    with pytest.raises(StageError, match="No speech") as caught:
        statistics(open_log_mels(made), nobody, OPTIONS.n_mfcc)
    assert caught.value.cure


def test_no_copies_are_made_where_none_are_asked_for(work: Work, tmp_path: Path) -> None:
    write_log_mels(replace(work, variants=0), tmp_path, processes=1)
    assert set(open_log_mels(tmp_path).variant.tolist()) == {0}
