"""Corpora: what a manifest says is what training gets, and whatever is wrong is named before hours are spent."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from convert.corpora.activity import active_range, level_dbfs
from convert.corpora.audio import read_pcm
from convert.corpora.catalogue import CATALOGUE, CLASSES, describe
from convert.corpora.manifest import COLUMNS, Clip, read_corpus
from convert.corpora.recordings import decode, open_recordings
from convert.errors import CorpusError

ALL = (*CLASSES, "bored")
PUBLISHED = {"ravdess": 1440, "emodb": 535, "cremad-hapsad": 1999, "nemo": 2233, "tess": 2800, "neutral-libri": 176}


@pytest.fixture
def small(small_corpora: Path, tmp_path: Path) -> Path:
    """A corpus that may be damaged."""
    return Path(shutil.copytree(small_corpora / "small", tmp_path / "small"))


def edit(corpus: Path, row: int = 0, **columns: str) -> None:
    """Change one row of a manifest."""
    with (corpus / "manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[row].update(columns)
    with (corpus / "manifest.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def first_file(corpus: Path) -> str:
    return read_corpus(corpus)[1][0].file


def test_each_row_becomes_a_clip(small: Path) -> None:
    info, clips = read_corpus(small)
    assert clips[0] == Clip(
        "small", "01-neutral-01-01.wav", "small/01", clips[0].gender, "neutral", "normal", "01", "none", clips[0].sha256
    )
    assert len(clips) == 12
    assert {clip.speaker for clip in clips} == {"small/01", "small/02"}
    assert info.told_apart == ("neutral", "happy", "angry"), "only what occurs in it can be told apart in it"


def test_own_names_of_emotions_become_classes(small: Path) -> None:
    edit(small, 0, emotion="boredom")
    edit(small, 1, emotion="pleasant_surprise")
    clips = read_corpus(small, ALL)[1]
    assert [clip.emotion for clip in clips[:2]] == ["bored", "surprised"]


def test_a_class_that_the_recipe_does_not_have_is_left_out(small: Path) -> None:
    edit(small, 0, emotion="bored")
    assert len(read_corpus(small, CLASSES)[1]) == 11
    assert len(read_corpus(small, ALL)[1]) == 12


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"emotion": "grumpy"}, "grumpy"),
        ({"emotion": ""}, "has no emotion"),
        ({"speaker": ""}, "no speaker"),
        ({"gender": "x"}, "'x'"),
        ({"file": "gone.wav"}, "gone.wav is missing"),
        ({"file": "01-neutral-02-01.wav"}, "01-neutral-02-01.wav twice"),
    ],
)
def test_a_wrong_row_is_named_with_its_cure(small: Path, columns: dict[str, str], named: str) -> None:
    edit(small, 0, **columns)
    with pytest.raises(CorpusError) as caught:
        read_corpus(small)
    assert named in caught.value.problem
    assert caught.value.cure
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("manifest", "named"),
    [(None, "manifest.csv"), ("", "no column"), (",".join(COLUMNS), "lists no clip"), ("file,speaker\na,b", "gender")],
)
def test_a_manifest_that_cannot_be_used_is_named(small: Path, manifest: str | None, named: str) -> None:
    (small / "manifest.csv").unlink()
    if manifest is not None:
        (small / "manifest.csv").write_text(manifest)
    with pytest.raises(CorpusError, match=named):
        read_corpus(small)


def test_a_corpus_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere"):
        read_corpus(tmp_path / "nowhere")


def test_samples_are_those_of_the_file(small: Path) -> None:
    path = small / "audio" / first_file(small)
    stored, rate = soundfile.read(path, dtype="int16")
    assert rate == 16000
    np.testing.assert_array_equal(read_pcm(path), stored)


@pytest.mark.parametrize(("suffix", "rate"), [("wav", 48000), ("flac", 44100), ("wav", 8000)])
def test_any_rate_and_any_channels_become_16_khz_mono(tmp_path: Path, suffix: str, rate: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    soundfile.write(tmp_path / f"tone.{suffix}", np.stack([tone, tone], axis=1), rate)
    pcm = read_pcm(tmp_path / f"tone.{suffix}")
    assert pcm.dtype == np.int16
    assert pcm.shape == (16000,)
    expected = 16384 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert np.abs(pcm - expected)[200:-200].max() < 16384 * 0.01


@pytest.mark.parametrize("damage", ["changed", "truncated", "text", "empty", "missing"])
def test_a_broken_file_is_named_with_its_cure(small: Path, damage: str) -> None:
    clips = read_corpus(small)[1]
    path = small / "audio" / clips[0].file
    data = path.read_bytes()
    sha256 = clips[0].sha256
    if damage == "missing":
        path.unlink()
    else:
        changed = {
            "changed": data[:-1] + bytes([data[-1] ^ 1]),
            "truncated": data[:1000],
            "text": b"x" * 99,
            "empty": b"",
        }
        path.write_bytes(changed[damage])
        if damage != "changed":
            sha256 = ""  # found even where the manifest has no sum
    with pytest.raises(CorpusError) as caught:
        read_pcm(path, sha256)
    assert clips[0].file in caught.value.problem
    assert caught.value.cure
    assert "\n" not in str(caught.value)


def test_recordings_hold_every_clip_as_decoded(small: Path, tmp_path: Path) -> None:
    info, clips = read_corpus(small)
    decode(small.parent, {"small": info}, clips, tmp_path)
    recordings = open_recordings(tmp_path)
    assert list(recordings.clips) == clips
    assert recordings.classes_of_corpus == {"small": info.told_apart}
    for number, clip in enumerate(clips):
        np.testing.assert_array_equal(recordings.pcm(number), read_pcm(small / "audio" / clip.file))
        first, last = recordings.active[number]
        assert 0 <= first < last <= len(recordings.pcm(number))


def test_a_broken_file_among_many_is_left_out_and_too_many_are_refused(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    info, clips = read_corpus(small)
    (small / "audio" / clips[3].file).write_bytes(b"RIFF")
    with pytest.raises(CorpusError, match=clips[3].file):  # one of 12 is more than one of 20
        decode(small.parent, {"small": info}, clips, tmp_path)
    monkeypatch.setattr("convert.corpora.recordings.MOST_BROKEN", 0.1)
    decode(small.parent, {"small": info}, clips, tmp_path)
    recordings = open_recordings(tmp_path)
    assert list(recordings.clips) == [*clips[:3], *clips[4:]]
    assert len(recordings.pcm_sha256) == len(recordings.active) == 11
    np.testing.assert_array_equal(recordings.pcm(3), read_pcm(small / "audio" / clips[4].file))
    assert clips[3].file in caplog.text


def test_one_recording_under_two_names_and_codecs_has_one_digest(small: Path, tmp_path: Path) -> None:
    pcm = read_pcm(small / "audio" / first_file(small))
    soundfile.write(small / "audio" / "again.flac", pcm, 16000)
    edit(small, 5, file="again.flac", sha256="")
    info, clips = read_corpus(small)
    decode(small.parent, {"small": info}, clips, tmp_path)
    digests = open_recordings(tmp_path).pcm_sha256
    assert digests[5] == digests[0]
    assert len(set(digests)) == 11


def test_the_active_part_is_the_sound_and_its_level_that_of_the_sound() -> None:
    rng = np.random.default_rng(0)
    pcm = rng.normal(0, 3, 48000)
    pcm[16000:32000] += rng.normal(0, 1000, 16000)
    first, last, dbfs = active_range(pcm.astype(np.int16))
    assert 12000 < first <= 16000
    assert 32000 <= last < 36000
    assert dbfs == pytest.approx(20 * np.log10(1000 / 32768), abs=1)


def test_silence_and_scraps_have_a_range_and_a_finite_level() -> None:
    for length in (0, 1, 159, 160, 16000):
        silence = np.zeros(length, np.int16)
        assert active_range(silence)[:2] == (0, length)
        assert np.isfinite(level_dbfs(silence))


def test_a_corpus_describes_itself(small: Path) -> None:
    assert not describe(small).may_ship, "a licence that nobody stated allows nothing"
    (small / "corpus.toml").write_text('title = "t"\nlicence = "CC0-1.0"\nmay_ship = true\nlabels = {joy = "happy"}\n')
    edit(small, 0, emotion="joy")
    info, clips = read_corpus(small)
    assert (info.licence, info.may_ship) == ("CC0-1.0", True)
    assert clips[0].emotion == "happy"


@pytest.mark.parametrize("text", ["licens = 'CC0'", "may_ship = 'yes'", "title = "])
def test_a_wrong_description_is_refused(small: Path, text: str) -> None:
    (small / "corpus.toml").write_text(text)
    with pytest.raises(CorpusError, match=r"corpus\.toml"):
        describe(small)


def test_what_forbids_derivatives_never_ships() -> None:
    for info in CATALOGUE.values():
        assert info.licence
        closed = any(word in info.licence for word in ("-ND", "research", "not stated"))
        assert info.may_ship == (not closed), info.name


@pytest.mark.parametrize("name", PUBLISHED)
def test_real_corpus_is_complete_and_its_labels_are_known(corpora: Path, name: str) -> None:
    info, clips = read_corpus(corpora / name, ALL)
    assert len(clips) == PUBLISHED[name]
    assert {clip.emotion for clip in clips} <= set(info.told_apart) <= set(ALL)
    pcm = read_pcm(corpora / name / "audio" / clips[0].file, clips[0].sha256)
    assert len(pcm) > 8000
    assert np.abs(pcm.astype(int)).max() > 300


def test_a_corpus_with_two_classes_says_nothing_about_the_others(corpora: Path) -> None:
    assert read_corpus(corpora / "cremad-hapsad")[0].told_apart == ("happy", "sad")
