"""The other JSON that is read: speakers, installed models, signatures, corrections, recordings, what was spent."""

from __future__ import annotations

from typing import Any

from edge_ser.aggregates.budget import Spent
from edge_ser.errors import FeedbackError
from edge_ser.feedback.correction import Correction
from edge_ser.recording_store import Kept
from edge_ser.speakers import Speaker
from edge_ser.store.folder import State
from edge_ser.student.signature import Signature
from edge_ser.student.strict import StrictError, from_json, to_json

MAX_BYTES = 2048
KINDS: dict[bytes, Any] = {
    b"s": Speaker, b"m": State, b"g": Signature, b"c": Correction, b"k": Kept, b"b": Spent,
}  # fmt: skip


def check(data: bytes) -> None:
    """The first byte chooses what it should be; it is refused, or written and read again it is the same."""
    kind = KINDS.get(data[:1], Speaker)
    try:
        text = data[1:].decode("utf-8")
        found = from_json(text, kind)
    except (UnicodeDecodeError, StrictError, FeedbackError):
        return
    assert from_json(to_json(found), kind) == found, "written and read again it differs"


def seeds() -> list[bytes]:
    """Return a file of each kind, and JSON that is unusual."""
    speaker = (
        b'{"format": 1, "tflite_sha256": "00", "speech_seconds": 20.5, "state": '
        b'{"residuals": [0.5, -1], "weight": 3, "voice": [1e-3], "voice_weight": 2}}'
    )
    correction = (
        b'{"format": 1, "id": "20261125T105159-a3064e88", "time": "2026-11-25T10:51:59+00:00", "label": "sad", '
        b'"decided": {"state": "emotion", "emotion": "happy", "probabilities": {"happy": 1}, "valence": 0.8, '
        b'"arousal": 0.5, "speech_seconds": 1}, "model": "a 1", "tflite_sha256": "00", '
        b'"consent": {"text_version": 1, "time": ""}, '
        b'"heard": {"front_end_sha256": "00", "n_features": 2, "frames": "AAECAw=="}}'
    )
    used = b'{"format": 1, "used": ["' + b"a" * 64 + b'", "shipped"]}'
    unusual = (
        b"[" * 1500,
        b'{"a": ' * 300,
        b"1" * 1500,
        b'{"speech_seconds": 1' + b"0" * 400 + b"}",
        b'"\\ud800"',
        b"\xef\xbb\xbf{}",
    )
    return [
        b"s" + speaker,
        b"m" + used,
        b'g{"algorithm": "ed25519", "key": "0", "signature": "AA=="}',
        b"c" + correction,
        b'k{"format": 1, "consent_given_by": "A", "consent_text": "t", "started": 0, "expires": 1, "expires_at": 1e9}',
        b'b{"format": 1, "last_hour": 9, "today_micro": 5, "total_micro": 5}',
        *(b"s" + text for text in unusual),
    ]


DICTIONARY = (
    b'"format"', b'"used"', b'"state"', b'"weight"', b'"voice"', b'"residuals"', b"null", b"true", b"NaN", b"1e999",
    b"Infinity", b"\\u0000", b"\\ud800", b"shipped",
)  # fmt: skip
