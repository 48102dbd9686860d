"""Who made a model file: an Ed25519 signature in it, checked with public keys that this user trusts.

Signed are the hashes of network, metadata and card, see `signed_bytes`. Keys are PEM files, as OpenSSL's:
`openssl genpkey -algorithm ed25519`. Needs the extra `sign`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_ser.configuration_file import default_files
from edge_ser.errors import ModelFileError, SettingsError
from edge_ser.student.container import MAKE_AGAIN, Parts
from edge_ser.student.strict import StrictError, from_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ALGORITHM = "ed25519"
KEY_SUFFIX = ".pub"
MAX_KEY_BYTES = 10_000
FINGERPRINT_DIGITS = 16

INSTALL = "Run `pip install 'edge-ser[sign]'`"


@dataclass(frozen=True, slots=True)
class Signature:
    """`signature.json` in a model file."""

    algorithm: str
    """`ed25519`."""

    key: str
    """Fingerprint of the public key, see `fingerprint`."""

    signature: str
    """Base64 of 64 bytes."""


def signed_bytes(parts: Parts) -> bytes:
    """Return what is signed: the hashes of all other parts, so that none can be exchanged for another file's."""
    digests = (hashlib.sha256(part).hexdigest() for part in (parts.tflite, parts.metadata, parts.card))
    return "\n".join(("edge-ser model signature 1", *digests)).encode("ascii")


def fingerprint(raw_public_key: bytes) -> str:
    """Return a public key's short name: the beginning of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(raw_public_key).hexdigest()[:FINGERPRINT_DIGITS]


def keys_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where trusted public keys are: `trusted-keys` beside the user's configuration file, NAME.pub each."""
    return default_files(environment)[0].with_name("trusted-keys")


def read_signature(parts: Parts, name: str) -> Signature | None:
    """Return the signature in a file; None where nobody signed. It is not checked yet.

    Raises
    ------
    ModelFileError
        What is there is no signature.
    """
    if parts.signature is None:
        return None
    try:
        found = from_json(parts.signature.decode("utf-8"), Signature)
    except (StrictError, UnicodeDecodeError) as error:
        raise ModelFileError(f"The signature of {name} cannot be used: {error}", MAKE_AGAIN) from error
    if found.algorithm != ALGORITHM:
        raise ModelFileError(f"{name} is signed with {found.algorithm!r}, not {ALGORITHM}", "Sign it again")
    return found


def signer_of(parts: Parts, name: str, required: bool, folder: Path | None = None) -> str | None:
    """Check a file's signature and return the name of the trusted key that made it.

    Parameters
    ----------
    parts : Parts
    name : str
        What an error calls the file.
    required : bool
        Whether a file without a trusted key's signature is refused; else None is returned for it.
    folder : Path, optional
        Of trusted keys; the user's where it is not given.

    Raises
    ------
    ModelFileError
        It is signed by a trusted key, but was changed since; or there is no such signature, and one is required.
    SettingsError
        A trusted key cannot be used; or signatures cannot be checked here, and one is required.
    """
    folder = keys_folder() if folder is None else folder
    signature = read_signature(parts, name)
    if signature is None:
        if required:
            raise ModelFileError(
                f"{name} is not signed, and the setting require_signature is on",
                "Sign it where it was made: `edge-ser-convert sign FILE --key KEY`",
            )
        return None
    paths = sorted(folder.glob(f"*{KEY_SUFFIX}"))
    if not paths and not required:
        return None
    try:
        for path in paths:
            key = read_public_key(path)
            if fingerprint(key.public_bytes_raw()) == signature.key:
                _verify(key, signature, parts, name)
                return path.stem
    except ImportError as error:
        if required:
            raise SettingsError("Signatures cannot be checked without the package cryptography", INSTALL) from error
        return None
    if required:
        raise ModelFileError(
            f"{name} is signed by the key {signature.key!r}, which is not trusted here",
            f"If you trust it, put its public key into {folder} as NAME{KEY_SUFFIX}",
        )
    return None


def describe_signature(parts: Parts, signer: str | None) -> str:
    """Return in words what `signer_of` found."""
    if signer is not None:
        return f"signed by {signer}"
    return "not signed" if parts.signature is None else "signed, but by no key that is trusted and can be checked here"


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Return the key in a PEM file.

    Raises
    ------
    SettingsError
        It cannot be read, or is no Ed25519 public key.
    """
    # Imported here: the package is optional.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        with path.open("rb") as file:
            key = load_pem_public_key(file.read(MAX_KEY_BYTES))
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"The trusted key {path} cannot be read ({error})", "Copy it again or remove it") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError(f"The trusted key {path} is no Ed25519 key", "Make one with `edge-ser-convert keygen`")
    return key


def _verify(key: Ed25519PublicKey, signature: Signature, parts: Parts, name: str) -> None:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(base64.b64decode(signature.signature, validate=True), signed_bytes(parts))
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise ModelFileError(f"{name} is not what was signed: it was changed since", MAKE_AGAIN) from error
