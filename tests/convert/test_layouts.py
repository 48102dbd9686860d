"""Downloaded corpora: their file names say what our manifests say, and an import is whole or not there."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from convert.corpora.importing import Own, import_corpus
from convert.corpora.layouts import LAYOUTS, parse_name
from convert.corpora.manifest import read_corpus
from convert.errors import CorpusError


def record(path: Path, seed: int = 0) -> None:
    """Write a second of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, 16000), 16000)


@pytest.fixture
def ravdess(tmp_path: Path) -> Path:
    """Two actors as they are unpacked, with a song, a shadow file of macOS and a page of text."""
    folder = tmp_path / "download"
    record(folder / "Actor_01" / "03-01-06-02-02-01-01.wav", 1)
    record(folder / "Actor_02" / "03-01-02-01-01-02-02.wav", 2)
    record(folder / "Actor_02" / "03-02-02-01-01-02-02.wav", 3)
    (folder / "Actor_02" / "._03-01-02-01-01-02-02.wav").write_bytes(b"shadow")
    (folder / "README.txt").write_text("about")
    return folder


@pytest.mark.parametrize(
    ("corpus", "stem", "expected"),
    [
        ("ravdess", "03-01-06-02-02-01-24", ("24", "f", "fearful", "strong", "02", "en")),
        ("emodb", "16b10Wb", ("16", "f", "anger", "", "b10", "de")),
        ("cremad", "1001_IEO_DIS_HI", ("1001", "m", "disgust", "HI", "IEO", "en")),
        ("nemo", "EB0_fear_11", ("EB0", "f", "fear", "", "", "pl")),
        ("tess", "YAF_back_ps", ("YAF", "f", "pleasant_surprise", "", "back", "en")),
        ("tess", "OA_bite_neutral", ("OAF", "f", "neutral", "", "bite", "en")),
        ("savee", "DC/sa01", ("DC", "m", "sadness", "", "", "en")),
        ("savee", "ALL/KL_n30", ("KL", "m", "neutral", "", "", "en")),
        ("emovo", "gio-f1-b1", ("f1", "f", "joy", "", "b1", "it")),
        ("plain", "Angry/anna_03", ("anna", "", "angry", "", "", "")),
        ("neutral-libri", "103-1240-0000", ("103", "", "read-neutral", "", "", "en")),
    ],
)
def test_names_as_published_say_who_and_what(corpus: str, stem: str, expected: tuple[str, ...]) -> None:
    columns = ("speaker", "gender", "emotion", "intensity", "statement", "language")
    fields = parse_name(corpus, stem)
    assert fields is not None
    assert tuple(fields.get(column, "") for column in columns) == expected


@pytest.mark.parametrize(
    ("corpus", "stem"),
    [("ravdess", "03-02-01-01-01-01-01"), ("ravdess", "03-01-09-01-01-01-01"), ("ravdess", "03-01-01-01-01-01-25"),
     ("emodb", "03a01Xa"), ("cremad", "1001_IEO_XYZ_HI"), ("tess", "OAF_back_bored"),
     ("savee", "DC/x01"), ("emovo", "gio-x1-b1"), ("plain", "angry/anna")],
)  # fmt: skip
def test_names_of_something_else_are_passed_over(corpus: str, stem: str) -> None:
    assert parse_name(corpus, stem) is None


@pytest.mark.parametrize("name", ["ravdess", "emodb", "cremad-hapsad", "nemo", "tess", "neutral-libri"])
def test_names_of_the_real_files_say_what_the_manifest_says(corpora: Path, name: str) -> None:
    with (corpora / name / "manifest.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            fields = parse_name(name.partition("-hapsad")[0], Path(row["file"]).stem)
            assert fields is not None, row["file"]
            assert {column: row[column] for column in fields} == fields


def test_an_imported_corpus_reads_like_any_other(ravdess: Path, tmp_path: Path) -> None:
    folder = import_corpus("ravdess", ravdess, tmp_path / "corpora")
    info, clips = read_corpus(folder)
    assert info.licence == "CC-BY-NC-SA-4.0"
    assert [(clip.speaker, clip.emotion) for clip in clips] == [("ravdess/01", "fearful"), ("ravdess/02", "calm")]
    assert all((folder / "audio" / clip.file).samefile(next(ravdess.rglob(clip.file))) for clip in clips)


def test_files_of_one_name_in_the_folders_of_speakers_stay_apart(tmp_path: Path) -> None:
    record(tmp_path / "AudioData" / "DC" / "a01.wav", 1)
    record(tmp_path / "AudioData" / "JE" / "a01.wav", 2)
    info, clips = read_corpus(import_corpus("savee", tmp_path / "AudioData", tmp_path / "corpora"))
    assert not info.may_ship
    assert [(clip.file, clip.speaker) for clip in clips] == [("DC_a01.wav", "savee/DC"), ("JE_a01.wav", "savee/JE")]


def test_ones_own_recordings_bring_their_licence_and_consent(tmp_path: Path) -> None:
    record(tmp_path / "mine" / "Angry" / "anna_1.wav", 1)
    record(tmp_path / "mine" / "joy" / "anna_1.wav", 2)
    own = Own("office", 'our "office"', "CC0-1.0", "signed forms", may_ship=True)
    info, clips = read_corpus(import_corpus("plain", tmp_path / "mine", tmp_path / "corpora", own=own))
    assert (info.name, info.title, info.licence, info.may_ship) == ("office", 'our "office"', "CC0-1.0", True)
    assert info.consent == "signed forms"
    assert [(clip.speaker, clip.emotion) for clip in clips] == [("office/anna", "angry"), ("office/anna", "happy")]


def test_a_folder_that_is_no_emotion_is_named(tmp_path: Path) -> None:
    record(tmp_path / "mine" / "grumpy" / "anna_1.wav")
    with pytest.raises(CorpusError, match=r"grumpy.* is no emotion"):
        import_corpus("plain", tmp_path / "mine", tmp_path / "corpora")


def test_a_file_that_is_there_twice_counts_once(ravdess: Path, tmp_path: Path) -> None:
    record(ravdess / "copy" / "Actor_01" / "03-01-06-02-02-01-01.wav", 1)
    assert len(read_corpus(import_corpus("ravdess", ravdess, tmp_path / "corpora"))[1]) == 2


def test_two_different_files_of_one_name_are_refused(ravdess: Path, tmp_path: Path) -> None:
    record(ravdess / "copy" / "03-01-06-02-02-01-01.wav", 9)
    with pytest.raises(CorpusError, match="03-01-06-02-02-01-01"):
        import_corpus("ravdess", ravdess, tmp_path / "corpora")


def test_a_broken_download_leaves_no_corpus_behind_and_can_be_mended(ravdess: Path, tmp_path: Path) -> None:
    broken = ravdess / "Actor_02" / "03-01-02-01-01-02-02.wav"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:500])
    with pytest.raises(CorpusError, match="03-01-02-01-01-02-02"):
        import_corpus("ravdess", ravdess, tmp_path / "corpora")
    assert not (tmp_path / "corpora" / "ravdess" / "manifest.csv").exists()
    broken.write_bytes(whole)
    assert len(read_corpus(import_corpus("ravdess", ravdess, tmp_path / "corpora"))[1]) == 2


def test_all_broken_files_are_named_at_once_and_can_be_left_out(ravdess: Path, tmp_path: Path) -> None:
    for number in range(5):
        (ravdess / f"03-01-01-01-01-01-0{number + 3}.wav").write_bytes(b"RIFF")
    with pytest.raises(CorpusError, match=r"01-03\.wav.*01-04\.wav.*01-05\.wav.* and 2 more") as caught:
        import_corpus("ravdess", ravdess, tmp_path / "corpora")
    assert "--skip-broken" in caught.value.cure
    assert len(read_corpus(import_corpus("ravdess", ravdess, tmp_path / "corpora", skip_broken=True))[1]) == 2


def test_an_import_never_overwrites_a_corpus(ravdess: Path, tmp_path: Path) -> None:
    import_corpus("ravdess", ravdess, tmp_path / "corpora")
    with pytest.raises(CorpusError, match="there already"):
        import_corpus("ravdess", ravdess, tmp_path / "corpora")


def test_what_cannot_be_imported_is_named(ravdess: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="'iemocap'"):
        import_corpus("iemocap", ravdess, tmp_path)
    with pytest.raises(CorpusError, match="no files named as in emodb"):
        import_corpus("emodb", ravdess, tmp_path)
    names = {"ravdess", "emodb", "cremad", "nemo", "tess", "savee", "emovo", "neutral-libri", "plain"}
    assert set(LAYOUTS) == names
