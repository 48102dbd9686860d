"""Model files: `edge_ser.student.container`, `metadata`, `strict`, and the signature's own part.

The network is left to the TFLite runtime, which is not ours; here it is 8 bytes. The seal is put right, or every
mutation would end there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
import zlib

from edge_ser.errors import EdgeSerError
from edge_ser.student.container import CARD, METADATA, SEAL, SEAL_BYTES, SIGNATURE, Parts, take_apart
from edge_ser.student.metadata import Features, Golden
from edge_ser.student.model_file import ModelFile
from edge_ser.student.signature import read_signature
from edge_ser.student.strict import to_json

MAX_BYTES = 3072
NETWORK = b"\0\0\0\0TFL3"


def check(data: bytes) -> None:
    """The first byte chooses: a whole file, a file whose seal is right, metadata alone, or a signature alone."""
    kind, data = data[:1], data[1:]
    try:
        if kind in (b"f", b"z"):
            sealed = data + SEAL + hashlib.sha256(data).hexdigest().encode() if kind == b"z" else data
            parts = take_apart(sealed)
        else:
            parts = Parts(NETWORK, data, b"# card", data if kind == b"s" else None)
        read_signature(parts, "fuzz")
        model = ModelFile.from_parts(parts)
    except EdgeSerError:
        return
    assert ModelFile.from_bytes(model.to_bytes()) == model, "written and read again it differs"


def seeds() -> list[bytes]:
    """Return a small model's metadata, whole and with parts left out, a signature, and files of each."""
    plain = metadata()
    short = {**plain, "metrics": {}, "baseline": None}
    signature = json.dumps({"algorithm": "ed25519", "key": "0" * 16, "signature": "A" * 86 + "=="}).encode()
    whole = Parts(NETWORK, json.dumps(short).encode(), b"# card", signature).to_bytes()
    odd = ({**short, "metrics": {"uar": 10**400}}, {**short, "name": "half \ud800"})  # once found, each
    texts = [*map(json.dumps, (plain, short, *odd)), "[" * 3000]
    hostile = zipped({METADATA: b"{}", "../../" + CARD: b""}), zipped({METADATA: b"{}", CARD: b"", SIGNATURE: b"{}"})
    return [
        *(b"m" + text.encode() for text in texts),
        b"s" + signature,
        b"f" + whole,
        b"z" + whole[:-SEAL_BYTES],
        *(b"z" + file for file in hostile),
    ]


def metadata() -> dict[str, object]:
    """Return the shipped student's metadata, cut down to one coefficient and two classes."""
    shipped = ModelFile.load_bundled().metadata
    features = dataclasses.replace(
        shipped.features, front_end=dataclasses.replace(shipped.features.front_end, n_mfcc=1), mean=(0.5,), std=(1.0,)
    )
    assert isinstance(features, Features)
    golden = Golden("AAAAAAAAAAA=", "AAA=", "AA==")
    small = {
        "classes": ["calm", "sad"],
        "labels": ["neutral", "sad"],
        "label_of_class": {"calm": "neutral", "sad": "sad"},
        "affect": {"neutral": {"valence": 0, "arousal": 0.5}, "sad": {"valence": -1, "arousal": 0}},
        "baseline": {"logits": [[1, 0.5], [2, 3]], "voice_deviation": [1], "changed_above": 9},
        "provenance": {"corpora": [{"name": "c", "licence": "l"}], "held_out": ["c/1"], "recipe": "r"},
        "metrics": {"uar": 0.5},
        "tflite_sha256": hashlib.sha256(NETWORK).hexdigest(),
    }
    return {
        **json.loads(to_json(shipped)),
        **small,
        "decision": {
            **json.loads(to_json(shipped.decision)),
            "thresholds": [{"coverage": 0.5, "uncertain_below": 0.25}],
        },
        "features": json.loads(to_json(features)),
        "golden": dataclasses.asdict(golden),
    }


def zipped(parts: dict[str, bytes]) -> bytes:
    """Return a file with any parts, up to its seal; written by hand, as a hostile one would be."""
    body, directory = NETWORK, b""
    for name, part in parts.items():
        sizes = struct.pack("<3L2H", zlib.crc32(part), len(part), len(part), len(name), 0)
        directory += struct.pack("<4s6H", b"PK\1\2", 20, 20, 0, 0, 0, 33) + sizes
        directory += struct.pack("<3H2L", 0, 0, 0, 0, len(body)) + name.encode()
        body += struct.pack("<4s5H", b"PK\3\4", 20, 0, 0, 0, 33) + sizes + name.encode() + part
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(parts), len(parts), len(directory), len(body), SEAL_BYTES)
    return body + directory + end


DICTIONARY = (
    *(name.encode() for name in (METADATA, CARD, SIGNATURE)),
    *(f'"{name}"'.encode() for name in metadata()),
    b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"null", b"1e999", b"NaN", b"ed25519", b"[[[[", b"\\ud800",
)  # fmt: skip
