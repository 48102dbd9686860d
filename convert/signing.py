"""Signing a model file: whoever has the public key can tell that nobody else made or changed it.

What is signed is in `edge_ser.student.signature`. Needs the extra `sign`.
"""

from __future__ import annotations

import argparse
import base64
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_ser.errors import OutputError, SettingsError
from edge_ser.student.container import read_file, take_apart
from edge_ser.student.model_file import ModelFile, write_whole
from edge_ser.student.signature import (
    ALGORITHM,
    INSTALL,
    KEY_SUFFIX,
    MAX_KEY_BYTES,
    Signature,
    fingerprint,
    keys_folder,
    signed_bytes,
)
from edge_ser.student.strict import to_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register `sign` and `keygen`."""
    sign = commands.add_parser(
        "sign",
        help="sign a model file",
        description="Sign a model file, in place of any signature it has. Network, metadata and card stay as they are.",
    )
    sign.add_argument("file", type=Path, metavar="FILE")
    sign.add_argument("--key", type=Path, required=True, metavar="KEY", help="private key, PEM: see keygen")
    sign.set_defaults(run=_sign)
    keygen = commands.add_parser(
        "keygen",
        help="make a pair of keys to sign with",
        description="Make a pair of Ed25519 keys: KEY, which signs and is to be kept secret, and KEY.pub, which those "
        "devices that are to trust it keep in edge-ser/trusted-keys in their user's configuration folder.",
    )
    keygen.add_argument("key", type=Path, metavar="KEY")
    keygen.set_defaults(run=_keygen)


def sign_file(path: Path, key_path: Path) -> str:
    """Sign a model file; return the fingerprint of the key.

    Raises
    ------
    ModelFileError, SettingsError
        The file or the key cannot be used.
    """
    key = read_private_key(key_path)
    parts = take_apart(read_file(path), str(path))
    ModelFile.from_parts(parts, str(path))  # nobody wants to have signed what no device takes
    name = fingerprint(key.public_key().public_bytes_raw())
    signature = Signature(ALGORITHM, name, base64.b64encode(key.sign(signed_bytes(parts))).decode("ascii"))
    write_whole(path, replace(parts, signature=to_json(signature, indent=None).encode()).to_bytes())
    return name


def make_keys(path: Path) -> Path:
    """Write a new private key, for its owner alone, and the public one beside it; return the latter's path.

    Raises
    ------
    OutputError, SettingsError
        One of the files is there already, or cannot be written; cryptography is not installed.
    """
    try:
        from cryptography.hazmat.primitives import serialization as pem
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as error:
        raise _not_installed() from error
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
    public = key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    public_path = path.with_name(path.name + KEY_SUFFIX)
    for each, content, mode in ((path, private, 0o600), (public_path, public, 0o644)):
        try:
            each.touch(mode, exist_ok=False)
            each.write_bytes(content)
        except OSError as error:
            cure = "Choose another name: a key that was used is never written over"
            raise OutputError(f"The key {each} cannot be written ({error.strerror})", cure) from error
    return public_path


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in a PEM file.

    Raises
    ------
    SettingsError
        It cannot be read, is encrypted, or is no Ed25519 private key; cryptography is not installed.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise _not_installed() from error
    cure = "Make one with `edge-ser-convert keygen KEY`"
    try:
        with path.open("rb") as file:
            key = load_pem_private_key(file.read(MAX_KEY_BYTES), password=None)
    except TypeError as error:
        decrypt = f"Decrypt it with `openssl pkey -in {path}`, for as long as you need it"
        raise SettingsError(f"The key {path} is encrypted", decrypt) from error
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"The key {path} cannot be read ({error})", cure) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"The key {path} is no Ed25519 key", cure)
    return key


def _not_installed() -> SettingsError:
    return SettingsError("Nothing can be signed without the package cryptography", INSTALL)


def _sign(arguments: argparse.Namespace) -> int:
    name = sign_file(arguments.file, arguments.key)
    print(f"{arguments.file} is signed by the key {name}")
    return 0


def _keygen(arguments: argparse.Namespace) -> int:
    public = make_keys(arguments.key)
    print(f"{arguments.key} signs: keep it secret. Devices trust it that have {public.name} in {keys_folder()}")
    return 0
