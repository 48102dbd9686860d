"""`edge-ser-convert keygen` and `sign`: what a person types, and what goes wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

pytest.importorskip("cryptography", reason="pip install 'edge-ser[sign]'")

from convert.cli import main
from edge_ser.cli.main import main as device
from edge_ser.student.model_file import BUNDLED, ModelFile


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.tflite"
    path.write_bytes(BUNDLED.read_bytes())
    return path


def test_what_is_signed_here_is_known_there(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    key = tmp_path / "factory"
    assert main(["keygen", str(key)]) == 0
    assert main(["sign", str(model), "--key", str(key)]) == 0
    assert ModelFile.load(model) == ModelFile.load_bundled()
    capsys.readouterr()
    assert device(["model", "verify", str(model)]) == 0
    assert "signed, but by no key that is trusted" in capsys.readouterr().out
    trusted = tmp_path / "configuration" / "edge-ser" / "trusted-keys"
    trusted.mkdir(parents=True)
    (tmp_path / "factory.pub").rename(trusted / "factory.pub")
    assert device(["model", "verify", str(model)]) == 0
    assert "signed by factory\n" in capsys.readouterr().out


@pytest.mark.parametrize("fault", ["no key", "public key", "no PEM", "encrypted", "no model", "key is there"])
def test_what_goes_wrong_is_one_line_with_a_cure(
    fault: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "factory"
    if fault != "no key":
        assert main(["keygen", str(key)]) == 0
    if fault == "no PEM":
        key.write_bytes(b"\xff")
    if fault == "encrypted":
        command = ["openssl", "pkcs8", "-topk8", "-in", key, "-out", tmp_path / "locked", "-passout", "pass:x"]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except FileNotFoundError:
            pytest.skip("no openssl")
        key = tmp_path / "locked"
    if fault == "no model":
        model.write_bytes(b"RIFF")
    if fault == "public key":
        key = tmp_path / "factory.pub"
    before = model.read_bytes()
    capsys.readouterr()
    command = ["keygen", str(key)] if fault == "key is there" else ["sign", str(model), "--key", str(key)]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert error.startswith("edge-ser-convert: ")
    assert error.count("\n") == 1
    assert model.read_bytes() == before
