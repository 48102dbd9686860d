"""A signature by a trusted key: what was signed is what is used, and nothing else where one is required."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edge_ser.errors import EdgeSerError, ModelFileError, SettingsError
from edge_ser.settings import Settings
from edge_ser.store.choose import choose_model
from edge_ser.store.install import install
from edge_ser.student.container import Parts, take_apart
from edge_ser.student.model_file import BUNDLED, ModelFile
from edge_ser.student.signature import keys_folder, signer_of
from edge_ser.student.strict import from_json, to_json

pytest.importorskip("cryptography", reason="pip install 'edge-ser[sign]'")
from convert.signing import make_keys, sign_file  # needs it


@pytest.fixture(autouse=True)
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the key `factory` be trusted; return the folder of keys."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    folder = keys_folder()
    folder.mkdir(parents=True)
    make_keys(tmp_path / "factory").rename(folder / "factory.pub")
    return folder


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    path = tmp_path / "signed.tflite"
    path.write_bytes(BUNDLED.read_bytes())
    sign_file(path, tmp_path / "factory")
    return path


def parts_of(path: Path) -> Parts:
    return take_apart(path.read_bytes())


def test_a_trusted_key_is_known_by_its_name_and_the_model_is_the_same(signed: Path) -> None:
    assert signer_of(parts_of(signed), "m", required=True) == "factory"
    assert ModelFile.load(signed) == ModelFile.load_bundled()
    assert choose_model(Settings(model=str(signed), require_signature=True)).origin == "named"
    assert choose_model(Settings(require_signature=True)).origin == "shipped"  # it came with the program


def test_an_unsigned_file_is_refused_only_where_a_signature_is_required() -> None:
    assert signer_of(parts_of(BUNDLED), "m", required=False) is None
    with pytest.raises(ModelFileError, match="not signed"):
        signer_of(parts_of(BUNDLED), "m", required=True)


@pytest.mark.parametrize("part", ["tflite", "metadata", "card", "signature"])
def test_any_change_behind_the_signature_is_found_required_or_not(part: str, signed: Path) -> None:
    parts = parts_of(signed)
    assert parts.signature is not None
    changed = {
        "tflite": parts.tflite[:-1] + bytes([parts.tflite[-1] ^ 1]),
        "metadata": parts.metadata + b" ",
        "card": b"# Better\n",
        "signature": parts.signature.replace(b'signature": "', b'signature": "AAAA', 1),
    }
    for required in (True, False):
        with pytest.raises(ModelFileError, match="changed since"):
            signer_of(replace(parts, **{part: changed[part]}), "m", required)


@pytest.mark.parametrize(
    "signature", [b"", b"{}", b"\xff", b"[]", b'{"algorithm": "none", "key": "0", "signature": ""}']
)
def test_what_is_no_signature_is_refused(signature: bytes, signed: Path) -> None:
    for required in (True, False):
        with pytest.raises(ModelFileError):
            signer_of(replace(parts_of(signed), signature=signature), "m", required)


def test_a_key_that_is_not_trusted_counts_as_none(signed: Path, tmp_path: Path, trusted: Path) -> None:
    make_keys(tmp_path / "stranger")
    sign_file(signed, tmp_path / "stranger")
    assert signer_of(parts_of(signed), "m", required=False) is None
    with pytest.raises(ModelFileError, match=f"not trusted here. If you trust it, put its public key into {trusted}"):
        signer_of(parts_of(signed), "m", required=True)
    (tmp_path / "stranger.pub").rename(trusted / "other.pub")
    assert signer_of(parts_of(signed), "m", required=True) == "other"


def test_a_name_of_a_trusted_key_is_not_enough(signed: Path, tmp_path: Path) -> None:
    from edge_ser.student.signature import Signature

    genuine = parts_of(signed)
    make_keys(tmp_path / "stranger")
    sign_file(signed, tmp_path / "stranger")
    forged = parts_of(signed)
    assert genuine.signature is not None
    assert forged.signature is not None
    named = from_json(genuine.signature.decode(), Signature).key
    claims = replace(from_json(forged.signature.decode(), Signature), key=named)
    with pytest.raises(ModelFileError, match="changed since"):
        signer_of(replace(forged, signature=to_json(claims).encode()), "m", required=True)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----\n"])
def test_a_trusted_key_that_is_none_is_named(content: bytes, signed: Path, trusted: Path) -> None:
    (trusted / "broken.pub").write_bytes(content)
    with pytest.raises(SettingsError, match=r"broken\.pub"):
        signer_of(parts_of(signed), "m", required=True)


def test_a_device_that_requires_signatures_uses_no_other_model(
    signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert install(signed, require_signature=True).signer == "factory"
    with pytest.raises(ModelFileError, match="not signed"):
        install(BUNDLED, require_signature=True)
    assert install(BUNDLED).signer is None
    assert choose_model(Settings()).path.name.startswith(hashlib.sha256(BUNDLED.read_bytes()).hexdigest())
    choice = choose_model(Settings(require_signature=True))
    assert choice.path.name.startswith(hashlib.sha256(signed.read_bytes()).hexdigest())
    assert "not signed" in choice.passed_over[0]
    (trusted / "factory.pub").unlink()  # no longer trusted
    assert choose_model(Settings(require_signature=True)).origin == "shipped"


def test_keys_are_those_of_openssl(tmp_path: Path, trusted: Path, signed: Path) -> None:
    key = tmp_path / "openssl"
    try:
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
        public = ["openssl", "pkey", "-in", key, "-pubout", "-out", trusted / "openssl.pub"]
        subprocess.run(public, check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("no openssl that knows Ed25519")
    sign_file(signed, key)
    assert signer_of(parts_of(signed), "m", required=True) == "openssl"
    other = tmp_path / "rsa"
    subprocess.run(["openssl", "genpkey", "-algorithm", "rsa", "-out", other], check=True, capture_output=True)
    with pytest.raises(SettingsError, match="no Ed25519 key"):
        sign_file(signed, other)


def test_signing_twice_signs_once_and_a_key_is_never_written_over(signed: Path, tmp_path: Path) -> None:
    before = signed.read_bytes()
    sign_file(signed, tmp_path / "factory")
    assert signed.read_bytes() == before  # Ed25519 signs the same in the same way
    with pytest.raises(EdgeSerError, match="File exists"):
        make_keys(tmp_path / "factory")
    assert (tmp_path / "factory").stat().st_mode & 0o777 == 0o600


def test_without_the_package_it_is_said_what_to_install(signed: Path) -> None:
    script = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from edge_ser.store.choose import choose_model\n"
        "from edge_ser.settings import Settings\n"
        f"choose_model(Settings(model={str(signed)!r}))\n"
        f"choose_model(Settings(model={str(signed)!r}, require_signature=True))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "without the package cryptography. Run `pip install 'edge-ser[sign]'`" in done.stderr
