"""Networks that are not edge-ser's, as .tflite files to be timed: `python -m benchmarks.networks FOLDER NAME...`.

The weights are random: what a network costs does not depend on them. TensorFlow builds and converts in a child
process, whose memory and threads are not those of the one that measures, and which may crash.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convert.architectures import ARCHITECTURES
from edge_ser.errors import EdgeSerError
from edge_ser.student.backend import BACKENDS, Interpreter

PRODUCT = "matrix-product"
WINDOW = "window"
PEERS = {"light_sernet": 184, "tim_net": 237}
"""Architecture of `convert.architectures`, and frames in 3 s with the window and hop of its paper."""

ROWS, WIDTH = 64, 1024  # of the product, whose weights are 1 MB
WINDOW_FRAMES = 200  # 2 s, as `benchmarks.student` has it
CALIBRATION_EXAMPLES = 20
SECONDS = 600.0  # for a conversion, which takes some ten


def build(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Write `NAME.tflite` into a folder; return why, for each that could not be made.

    Parameters
    ----------
    folder : Path
        Exists.
    names : sequence of str
        `PRODUCT`, `WINDOW`, or keys of `PEERS`.
    """
    if importlib.util.find_spec("tensorflow") is None:
        return dict.fromkeys(names, "TensorFlow is not installed: pip install 'edge-ser[convert]'")
    failed = {}
    for name in names:
        if name in PEERS and name not in ARCHITECTURES:
            failed[name] = f"convert has no architecture {name}"
            continue
        command = [sys.executable, "-m", "benchmarks.networks", str(folder), name]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            failed[name] = f"its conversion did not end within {SECONDS:.0f} s"
            continue
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or [f"its conversion ended with {done.returncode}"]
            failed[name] = last[0]
    return failed


def fastest(tflite: bytes, backend: str, threads: int = 1) -> Interpreter:
    """Return an interpreter with all that the runtime has, XNNPACK too.

    edge-ser does without it, so that every board gives the same bytes; others need not.
    """
    interpreter: Interpreter = importlib.import_module(BACKENDS[backend]).Interpreter(
        model_content=tflite, num_threads=threads
    )
    interpreter.allocate_tensors()
    return interpreter


def _model(name: str) -> tuple[Any, tuple[int, ...]]:
    """Return a Keras model and the shape of its input."""
    from tensorflow_model_optimization.python.core.keras.compat import keras

    if name == PRODUCT:
        return keras.Sequential([keras.layers.Dense(WIDTH, input_shape=(WIDTH,))]), (ROWS, WIDTH)
    from convert.architectures import architecture
    from convert.recipe_file import RECIPES, load_recipe

    if name == WINDOW:
        student = load_recipe(RECIPES / "default.toml").student
        network = architecture(student.architecture, n_classes=8, **student.options)
        return network.build(), (1, WINDOW_FRAMES, network.n_mfcc, 1)
    network = architecture(name)
    return network.build(), (1, PEERS[name], network.n_mfcc, 1)


def _convert(model: Any, shape: tuple[int, ...]) -> bytes:
    """Return a Keras model as int8 .tflite, calibrated on noise."""
    import tensorflow as tf

    rng = np.random.default_rng(0)

    def examples() -> Iterator[list[np.ndarray]]:
        for _ in range(CALIBRATION_EXAMPLES):
            yield [rng.standard_normal(shape).astype(np.float32)]

    function = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec(shape))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = examples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def main() -> int:
    """Write the networks that are named."""
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    try:
        for name in names:
            (folder / f"{name}.tflite").write_bytes(_convert(*_model(name)))
    except EdgeSerError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
