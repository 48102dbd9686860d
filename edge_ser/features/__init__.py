"""int16 PCM to int8 features and speech or not: the same bytes on every machine, in training and on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_ser.features.log_mel import LOG_UNIT, LogMel
from edge_ser.features.mfcc import Mfcc, cepstra
from edge_ser.features.tables import TABLES_SHA256, FrontEnd

if TYPE_CHECKING:
    from edge_ser.features.detector import Detector, build_detector
    from edge_ser.features.running_mean import RunningMean
    from edge_ser.features.to_int8 import ToInt8
    from edge_ser.features.voice_activity import VoiceActivity, VoiceActivitySettings

__all__ = [
    "LOG_UNIT",
    "TABLES_SHA256",
    "Detector",
    "FrontEnd",
    "LogMel",
    "Mfcc",
    "RunningMean",
    "ToInt8",
    "VoiceActivity",
    "VoiceActivitySettings",
    "build_detector",
    "cepstra",
]

LATER = {
    "Detector": "detector",
    "build_detector": "detector",
    "RunningMean": "running_mean",
    "ToInt8": "to_int8",
    "VoiceActivity": "voice_activity",
    "VoiceActivitySettings": "voice_activity_settings",
}
"""Module of each name that the first feature does without."""


def __getattr__(name: str) -> Any:
    """Import what costs time when it is first asked for."""
    if name in LATER:
        from importlib import import_module

        return getattr(import_module(f"edge_ser.features.{LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
