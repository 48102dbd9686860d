"""Corrections of decisions: what people say that was wrong, kept on this machine; features only with their consent."""

from edge_ser.feedback.correction import CONSENT_TEXT, CONSENT_VERSION, Consent, Correction, correct, front_end_sha256
from edge_ser.feedback.store import delete, export, known_corrections, load_correction, read_export, save

__all__ = [
    "CONSENT_TEXT",
    "CONSENT_VERSION",
    "Consent",
    "Correction",
    "correct",
    "delete",
    "export",
    "front_end_sha256",
    "known_corrections",
    "load_correction",
    "read_export",
    "save",
]
