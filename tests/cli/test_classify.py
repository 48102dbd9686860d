"""`edge-ser classify`: an answer or one line with a cure for whatever it is given, never a traceback."""

from __future__ import annotations

import json

import pytest
from cli.command import is_one_error, run
from cli.wav_files import SECONDS, write_bad, write_good

from edge_ser.cli.main import main
from edge_ser.recordings import DEMO


def test_bad_files_are_told_in_a_line_each_and_good_ones_among_them_answered(tmp_path):
    bad, good = write_bad(tmp_path), write_good(tmp_path)
    mixed = [file for pair in zip(bad, good, strict=False) for file in pair] + bad[len(good) :]
    ended = run("classify", "--json", *mixed)
    assert ended.returncode == 2
    errors = ended.stderr.splitlines(keepends=True)
    assert len(errors) == len(bad), ended.stderr
    for file, error in zip(bad, errors, strict=True):
        assert is_one_error(error), error
        assert file.name.partition("\n")[0] in error
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [answer["file"] for answer in answers] == [str(file) for file in good]
    for answer in answers:
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-3)
        if "one-sample" in answer["file"]:
            assert (answer["state"], answer["emotion"]) == ("no_speech", None)
        else:
            assert answer["duration"] == pytest.approx(SECONDS, abs=0.1)
            assert answer["speech_seconds"] > 1


def test_the_same_speech_in_any_format_gets_the_same_decision(tmp_path, capsys):
    files = [file for file in write_good(tmp_path) if file.stem in ("24-bit", "float", "8-channels")]
    assert main(["classify", "--json", *map(str, files)]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len({json.dumps(answer["probabilities"]) for answer in answers}) == 1


def test_text_says_the_decision_the_probabilities_and_the_timeline(capsys):
    assert main(["classify", "--timeline", str(DEMO)]) == 0
    first, probabilities, *timeline = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{DEMO}: ")
    assert "s of speech in 13." in first
    shares = [float(part) for part in probabilities.split()[1::2]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=0.05)
    assert len(timeline) > 3
    assert any("nobody speaks" in line for line in timeline)


def test_json_holds_the_timeline_only_where_it_is_asked_for(capsys):
    assert main(["classify", "--json", str(DEMO)]) == 0
    assert "timeline" not in json.loads(capsys.readouterr().out)
    assert main(["classify", "--json", "--timeline", str(DEMO)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["timeline"][-1]["time"] == pytest.approx(answer["duration"], abs=0.1)


def test_a_model_that_is_none_is_one_error(tmp_path, capsys):
    assert main(["classify", "--model", str(DEMO), str(DEMO)]) == 2
    assert is_one_error(capsys.readouterr().err)


def test_explaining_writes_a_picture_and_data_and_says_where(tmp_path, capsys):
    file = next(file for file in write_good(tmp_path) if file.name == "float.wav")
    assert main(["classify", str(file), "--explain", str(tmp_path / "why")]) == 0
    out = capsys.readouterr().out
    assert f"    explained in {tmp_path / 'why.svg'} and {tmp_path / 'why.json'}" in out.splitlines()
    assert (tmp_path / "why.svg").read_text(encoding="utf-8").startswith("<?xml")
    data = json.loads((tmp_path / "why.json").read_text())
    assert main(["classify", "--json", str(file)]) == 0
    answer = json.loads(capsys.readouterr().out)
    del answer["file"]
    assert data["decision"] == answer


def test_explaining_without_a_place_writes_here(tmp_path, capsys, monkeypatch):
    file = next(file for file in write_good(tmp_path) if file.name == "24-bit.wav")
    monkeypatch.chdir(tmp_path)
    assert main(["classify", "--json", str(file), "--explain"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["explanation"] == ["24-bit.explanation.svg", "24-bit.explanation.json"]
    assert (tmp_path / "24-bit.explanation.svg").is_file()


def test_a_folder_holds_the_explanations_of_many_files_and_a_bad_one_spoils_none(tmp_path, capsys):
    files = [file for file in write_good(tmp_path) if file.stem in ("8-bit", "float")]
    folder = tmp_path / "why"
    folder.mkdir()
    missing = tmp_path / "missing.wav"
    assert main(["classify", str(files[0]), str(missing), str(files[1]), "--explain", str(folder)]) == 2
    assert is_one_error(capsys.readouterr().err)
    assert {path.name for path in folder.iterdir()} == {
        f"{file.stem}.explanation.{kind}" for file in files for kind in ("svg", "json")
    }


def test_an_explanation_that_cannot_be_written_is_one_error(tmp_path, capsys):
    assert main(["classify", str(DEMO), "--explain", str(tmp_path / "missing" / "why")]) == 2
    assert is_one_error(capsys.readouterr().err)


def test_two_explanations_in_one_place_are_refused_before_any_work(tmp_path, capsys):
    assert main(["classify", str(DEMO), "missing.wav", "--explain", str(tmp_path / "why")]) == 2
    error = capsys.readouterr().err
    assert is_one_error(error)
    assert "would both be" in error
    assert not list(tmp_path.iterdir())
