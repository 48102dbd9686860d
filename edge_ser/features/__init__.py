"""int16 PCM to int8 cepstra and speech or not: the same bytes on every machine, in training and on the device."""

from edge_ser.features.detector import Detector, build_detector
from edge_ser.features.log_mel import LOG_UNIT, LogMel
from edge_ser.features.mfcc import Mfcc, cepstra
from edge_ser.features.running_mean import RunningMean
from edge_ser.features.tables import TABLES_SHA256, FrontEnd
from edge_ser.features.voice_activity import VoiceActivity, VoiceActivitySettings

__all__ = [
    "LOG_UNIT",
    "TABLES_SHA256",
    "Detector",
    "FrontEnd",
    "LogMel",
    "Mfcc",
    "RunningMean",
    "VoiceActivity",
    "VoiceActivitySettings",
    "build_detector",
    "cepstra",
]
