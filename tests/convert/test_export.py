"""The board's student says what the trained one says, and where it cannot, nothing is shipped."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

tf = pytest.importorskip("tensorflow", reason="needs the extra 'convert'")

import tensorflow_model_optimization as tfmot
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.streaming_cnn import Convolution, StreamingCnn
from convert.export.converter import SAVED_MODEL, SIGNATURE
from convert.export.errors import ConversionError, ParityError
from convert.export.parity import check_parity, compare, shipped_logits, trained_logits
from convert.export.streaming_step import StreamingStep, streaming_step
from convert.export.tflite import run_converter, to_tflite
from convert.export.untrained import untrained_student
from convert.export.weights import folded_weights
from edge_ser.recordings import DEMO
from edge_ser.student.backend import build_interpreter
from edge_ser.student.model_file import ModelFile
from edge_ser.student.network import Network
from edge_ser.student.stepper import Stepper
from tests_audio import read_demo

LSB = 20.0
SMALL: dict[str, Any] = {"channels": (4, 6, 8, 10), "embedding": 12}
EVERYTHING = StreamingCnn(**SMALL, spectral=True, n_mfcc=20, n_bands=24, convolutions=2, dilations=(1, 2))
SIZES = {
    "plain": StreamingCnn(**SMALL),
    "narrow": StreamingCnn(**SMALL, n_mfcc=13, dilations=(3,)),
    "stride": StreamingCnn(**SMALL, downsample="stride"),
    "everything": EVERYTHING,
    "everything, stride": dataclasses.replace(EVERYTHING, downsample="stride"),
}
