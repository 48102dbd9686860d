"""The child process that runs TensorFlow's converter: `python -m convert.export.converter FOLDER`.

The converter is C++ that has been seen to end in a segmentation fault where a graph is not to its liking. Here that
costs a process, not the training run. `tflite.py` fills the folder, starts this and reads what became of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

SAVED_MODEL, CALIBRATION, TFLITE = "saved_model", "calibration.npz", "student.tflite"
SIGNATURE = "serving_default"


def convert(folder: Path) -> bytes:
    """Return the .tflite of a folder: int8 where it holds calibration data, else float32.

    Parameters
    ----------
    folder : Path
        `saved_model/`, and for int8 `calibration.npz` with one array (examples, *shape) for each input.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / SAVED_MODEL), signature_keys=[SIGNATURE])
    if (folder / CALIBRATION).exists():
        with np.load(folder / CALIBRATION) as stored:
            inputs = {name: stored[name] for name in stored.files}

        def examples() -> Iterator[tuple[str, dict[str, np.ndarray]]]:
            for i in range(len(next(iter(inputs.values())))):
                yield SIGNATURE, {name: values[i] for name, values in inputs.items()}

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = examples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


if __name__ == "__main__":
    (Path(sys.argv[1]) / TFLITE).write_bytes(convert(Path(sys.argv[1])))
