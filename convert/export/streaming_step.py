"""The student as the board runs it: one step of frames in, logits out, every layer's past an explicit state.

A convolution over time needs the frames before the new ones. Here they are an input and an output of the graph:
`z = concat(state, new)`, a VALID convolution over z, and the last frames of z are the next state. `concat` forces one
scale and zero point on its inputs and output, so the board copies the int8 bytes back as they are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.streaming_cnn import Convolution, Gather, Pool, Spread, StreamingCnn
from convert.export.weights import Weights, folded_weights

FEATURES = "features"

Arrays = dict[str, NDArray[np.float32]]


class StreamingStep(tf.Module):
    """One step of a trained student.

    Parameters
    ----------
    network : StreamingCnn
        The configuration that built the model.
    weights : dict of Weights
        By convolution.

    Attributes
    ----------
    states : dict of tuple
        Shape (1, frames, coefficients, channels) of each state input `state_i`; `next_state_i` is its output.
    function : tf.types.experimental.ConcreteFunction
        features (1, frames_per_step, n_features, 1) and the states, to logits (1, n_classes), attention (1, 1) and
        the next states.
    """

    def __init__(self, network: StreamingCnn, weights: dict[str, Weights]) -> None:
        super().__init__()
        self.network = network
        self._weights = weights
        self.states = {f"state_{i}": shape for i, shape in enumerate(_state_shapes(network))}
        shapes = {FEATURES: (1, network.frames_per_step, network.n_features, 1), **self.states}
        signature = [tf.TensorSpec(shape, tf.float32, name=name) for name, shape in shapes.items()]
        self.function = tf.function(self._step, input_signature=signature).get_concrete_function()

    def roll(self, features: NDArray[np.float32]) -> Iterator[tuple[Arrays, Arrays]]:
        """Run over a recording from zero states.

        Parameters
        ----------
        features : float32 array (frames, n_features)
            Frames that do not fill a step are ignored.

        Yields
        ------
        inputs, outputs : dict of float32 array
            Of each step.
        """
        frames = self.network.frames_per_step
        state = {name: np.zeros(shape, np.float32) for name, shape in self.states.items()}
        for start in range(0, len(features) - frames + 1, frames):
            inputs = {FEATURES: features[None, start : start + frames, :, None].astype(np.float32), **state}
            tensors = self.function(**{name: tf.constant(value) for name, value in inputs.items()})
            outputs = {name: value.numpy() for name, value in tensors.items()}
            yield inputs, outputs
            state = {name: outputs[f"next_{name}"] for name in self.states}

    def _step(self, features: tf.Tensor, *states: tf.Tensor) -> dict[str, tf.Tensor]:
        """Interpret the plan."""
        waiting = iter(states)
        following: list[tf.Tensor] = []
        x = features
        for operation in self.network.plan():
            if isinstance(operation, Convolution):
                x = self._convolve(operation, x, waiting, following)
            elif isinstance(operation, Pool):
                x = tf.nn.max_pool2d(x, operation.size, operation.size, "VALID")
            elif isinstance(operation, Spread):
                x = tf.reshape(x, (1, x.shape[1], x.shape[3], 1))
            elif isinstance(operation, Gather):
                x = tf.reshape(x, (1, x.shape[1], 1, x.shape[2] * x.shape[3]))
        outputs = {
            head.name: tf.reshape(self._convolve(head, x, waiting, following), (1, head.filters))
            for head in self.network.heads()
        }
        return {**outputs, **{f"next_state_{i}": state for i, state in enumerate(following)}}

    def _convolve(
        self, operation: Convolution, x: tf.Tensor, waiting: Iterator[tf.Tensor], following: list[tf.Tensor]
    ) -> tf.Tensor:
        """Do one convolution; take its state from `waiting`, put the next one into `following`."""
        skipped = x
        if operation.context:
            x = tf.concat([next(waiting), x], axis=1)
            following.append(x[:, x.shape[1] - operation.context :])
        if operation.side:
            x = tf.pad(x, ((0, 0), (0, 0), (operation.side, operation.side), (0, 0)))
        weights = self._weights[operation.name]
        dilations = (operation.dilation, 1)
        x = tf.nn.conv2d(x, weights.kernel, operation.stride, "VALID", dilations=dilations) + weights.bias
        if operation.residual:
            x = x + skipped
        return tf.nn.relu6(x) if operation.activation else x


def streaming_step(network: StreamingCnn, model: keras.Model) -> StreamingStep:
    """Return the board's version of a trained student.

    Parameters
    ----------
    network : StreamingCnn
        The configuration that built the model.
    model : keras.Model
        Float, pruned or quantisation-aware.

    Raises
    ------
    ConversionError
        The model was built from another configuration.
    """
    convolutions = [operation for operation in network.plan() if isinstance(operation, Convolution)]
    weights = {each.name: folded_weights(model, each) for each in (*convolutions, *network.heads())}
    return StreamingStep(network, weights)


def _state_shapes(network: StreamingCnn) -> list[tuple[int, int, int, int]]:
    """Return the shape of the state of each convolution that has one, in the plan's order."""
    shapes: list[tuple[int, int, int, int]] = []
    width, channels = network.n_features, 1
    for operation in network.plan():
        if isinstance(operation, Convolution):
            if operation.context:
                shapes.append((1, operation.context, width, channels))
            width = (width + 2 * operation.side - operation.kernel[1]) // operation.stride + 1
            channels = operation.filters
        elif isinstance(operation, Pool):
            width //= operation.size
        elif isinstance(operation, Spread):
            width, channels = channels, 1
        else:
            width, channels = 1, width * channels
    return shapes
