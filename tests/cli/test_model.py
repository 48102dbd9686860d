"""`edge-ser model`: shows what is in a file, and refuses one that is not whole."""

from __future__ import annotations

import json

import pytest
from cli.command import is_one_error

from edge_ser.cli.main import main
from edge_ser.student.model_file import BUNDLED, ModelFile


def test_the_bundled_model_is_shown_where_no_file_is_named(capsys):
    assert main(["model", "show"]) == 0
    shown = capsys.readouterr().out
    metadata = ModelFile.load_bundled().metadata
    for expected in (metadata.name, metadata.version, metadata.licence, *metadata.labels):
        assert expected in shown
    assert main(["model", "show", str(BUNDLED)]) == 0
    assert capsys.readouterr().out == shown


def test_json_is_the_whole_metadata(capsys):
    assert main(["model", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == list(ModelFile.load_bundled().metadata.labels)


def test_the_card_is_printed_whole(capsys):
    assert main(["model", "show", "--card"]) == 0
    assert capsys.readouterr().out.strip() == ModelFile.load_bundled().card.strip()


def test_a_whole_file_is_verified_on_this_machine(capsys):
    assert main(["model", "verify", str(BUNDLED)]) == 0
    assert "SHA-256" in capsys.readouterr().out


@pytest.mark.parametrize("action", ["show", "verify"])
@pytest.mark.parametrize("damage", ["missing", "directory", "empty", "foreign", "truncated", "bit"])
def test_any_other_is_one_error(action, damage, tmp_path, capsys):
    file = tmp_path / "model.tflite"
    content = bytearray(BUNDLED.read_bytes())
    if damage == "bit":
        content[len(content) // 2] ^= 1
    written = {"empty": b"", "foreign": b"RIFF" * 99, "truncated": content[:-7], "bit": content}
    if damage == "directory":
        file.mkdir()
    elif damage in written:
        file.write_bytes(written[damage])
    assert main(["model", action, str(file)]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert is_one_error(error), error
