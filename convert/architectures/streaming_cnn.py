"""The student: a causal 2-D CNN over (time, coefficient) that gives logits and an attention weight once a step.

The network is written down once, as a `plan`: a tuple of operations. Training interprets it with Keras over whole
recordings (here); the board's version interprets it with explicit state (`convert.export.streaming_step`). Zeros
padded on the left in time are the state of a stream that has just begun, so both give the same numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow_model_optimization.python.core.keras.compat import keras

from convert.architectures.spectral import spectral_kernel
from edge_ser.errors import SettingsError

RELU_MAX = 6.0  # a bounded activation keeps the int8 scale fine
BATCH_NORM_MOMENTUM = 0.98  # a corpus of some thousand clips has few batches an epoch
BATCH_NORM_EPSILON = 1e-3
LOGITS, ATTENTION = "logits", "attention"


@dataclass(frozen=True, slots=True)
class Convolution:
    """Causal in time; then batch norm, an optional residual sum, ReLU6."""

    name: str
    filters: int
    kernel: tuple[int, int] = (3, 3)
    """Frames and coefficients."""

    stride: int = 1
    """Over both axes."""

    dilation: int = 1
    """In time."""

    residual: bool = False
    """The input is added before the activation; needs stride 1 and as many filters as the input has channels."""

    activation: bool = True
    """Batch norm and ReLU6 follow; else the convolution is linear."""

    bias: bool = False
    """Only without batch norm, which has its own."""

    same: bool = True
    """Keep the number of coefficients by zeros at both ends."""

    @property
    def context(self) -> int:
        """Frames before the new ones that it looks at."""
        return (self.kernel[0] - 1) * self.dilation + 1 - self.stride

    @property
    def side(self) -> int:
        """Zeros at both ends of the coefficient axis."""
        return (self.kernel[1] - 1) // 2 if self.same else 0


@dataclass(frozen=True, slots=True)
class Pool:
    """Maximum over squares of (time, coefficient)."""

    size: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Channels of a single coefficient become the coefficients of a single channel."""


@dataclass(frozen=True, slots=True)
class Gather:
    """Coefficients and channels become the channels of a single coefficient."""


Operation = Convolution | Pool | Spread | Gather


@dataclass(frozen=True, slots=True)
class StreamingCnn:
    """Size of the student.

    Raises
    ------
    SettingsError
        A size that cannot be built.

    Examples
    --------
    >>> StreamingCnn().frames_per_step
    8
    >>> [type(operation).__name__ for operation in StreamingCnn(channels=(4, 8), pools=(2, 1)).plan()]
    ['Convolution', 'Pool', 'Convolution', 'Gather', 'Convolution']
    """

    n_mfcc: int = 40
    """Coefficients of a frame."""

    n_extras: int = 0
    """Columns of what is heard beside them."""

    n_classes: int = 8

    spectral: bool = False
    """Begin with a learned linear map from cepstra to bands, in which neighbours belong together."""

    n_bands: int = 40
    """Bands of the spectral map."""

    channels: tuple[int, ...] = (16, 32, 48, 64)
    """Of each block of 3 x 3 convolutions."""

    pools: tuple[int, ...] = (2, 2, 2, 1)
    """By which each block shrinks both axes; their product is `frames_per_step`."""

    convolutions: int = 1
    """In each block; all but the first are residual."""

    downsample: Literal["pool", "stride"] = "pool"
    """Shrink by the maximum after a block, or by the stride of its first convolution (cheaper)."""

    embedding: int = 96
    """Channels once a step, of all coefficients together."""

    dilations: tuple[int, ...] = ()
    """Of residual convolutions over 3 steps behind the embedding."""

    dropout: float = 0.2
    """Fraction of the last layer's channels silenced in training."""

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.pools) or not self.channels:
            raise SettingsError(
                f"channels has {len(self.channels)} blocks and pools {len(self.pools)}", "Give one pool for each block"
            )
        if self.coefficients < 1:
            raise SettingsError(f"Pools {self.pools} leave nothing of {self.width} coefficients", "Pool less")

    @property
    def n_features(self) -> int:
        """Columns of a frame."""
        return self.n_mfcc + self.n_extras

    @property
    def width(self) -> int:
        """Columns that the first block looks at."""
        return self.n_bands if self.spectral else self.n_features

    @property
    def frames_per_step(self) -> int:
        """Frames behind each output."""
        return math.prod(self.pools)

    @property
    def coefficients(self) -> int:
        """Left of the coefficient axis behind the blocks."""
        width = self.width
        for pool in self.pools:
            width = width // pool if self.downsample == "pool" else (width - 1) // pool + 1
        return width

    def plan(self) -> tuple[Operation, ...]:
        """Return the network up to its heads, in order."""
        operations: list[Operation] = []
        if self.spectral:
            spectral = Convolution("spectral", self.n_bands, (1, self.n_features), activation=False, same=False)
            operations += [spectral, Spread()]
        for block, (filters, pool) in enumerate(zip(self.channels, self.pools, strict=True), 1):
            stride = pool if self.downsample == "stride" else 1
            operations.append(Convolution(f"block_{block}_1", filters, stride=stride))
            for nth in range(2, self.convolutions + 1):
                operations.append(Convolution(f"block_{block}_{nth}", filters, residual=True))
            if self.downsample == "pool" and pool > 1:
                operations.append(Pool(pool))
        operations += [Gather(), Convolution("embedding", self.embedding, (1, 1))]
        for nth, dilation in enumerate(self.dilations, 1):
            operations.append(Convolution(f"temporal_{nth}", self.embedding, (3, 1), dilation=dilation, residual=True))
        return tuple(operations)

    def heads(self) -> tuple[Convolution, Convolution]:
        """Return the two outputs of a step: class logits and the log of an attention weight."""
        return (
            Convolution(LOGITS, self.n_classes, (1, 1), activation=False, bias=True),
            Convolution(ATTENTION, 1, (1, 1), activation=False, bias=True),
        )

    def build(self, std: ArrayLike | None = None) -> keras.Model:
        """Return the network over whole recordings.

        Standard layers only, so that `tfmot`'s pruning and `quantize_model` accept it as it is.

        Parameters
        ----------
        std : array (n_features,), optional
            Standard deviations in training; from those of the cepstra the spectral map starts as the inverse DCT.

        Returns
        -------
        keras.Model
            (batch, frames, n_features, 1) to logits (batch, steps, n_classes) and log attention weights (batch, steps);
            frames that do not fill a step are ignored.
        """
        layers = keras.layers
        inputs = keras.Input((None, self.n_features, 1), name="features")
        x = inputs
        for operation in self.plan():
            if isinstance(operation, Convolution):
                x = _convolve(operation, x)
            elif isinstance(operation, Pool):
                x = layers.MaxPooling2D(operation.size)(x)
            elif isinstance(operation, Spread):
                x = layers.Reshape((-1, x.shape[3], 1))(x)
            else:
                x = layers.Reshape((-1, 1, x.shape[2] * x.shape[3]))(x)
        if self.dropout:
            x = layers.Dropout(self.dropout)(x)
        logits, attention = (_convolve(head, x) for head in self.heads())
        logits = layers.Reshape((-1, self.n_classes), name="logits_by_step", dtype="float32")(logits)
        attention = layers.Reshape((-1,), name="attention_by_step", dtype="float32")(attention)
        model = keras.Model(inputs, [logits, attention], name="streaming_cnn")
        if self.spectral:
            kernel = spectral_kernel(std, self.n_mfcc, self.n_extras, self.n_bands)
            model.get_layer("spectral").set_weights([kernel[None, :, None, :]])
        return model


def _convolve(operation: Convolution, x: tf.Tensor) -> tf.Tensor:
    """Add a convolution and what belongs to it."""
    layers = keras.layers
    name, skipped = operation.name, x
    if operation.context or operation.side:
        x = layers.ZeroPadding2D(((operation.context, 0), (operation.side, operation.side)), name=f"{name}_pad")(x)
    convolution = layers.Conv2D(
        operation.filters,
        operation.kernel,
        strides=operation.stride,
        dilation_rate=(operation.dilation, 1),
        use_bias=operation.bias,
        # A head answers in float32 whatever the layers before it compute in: a softmax needs it.
        dtype="float32" if operation.bias else None,
        name=name,
    )
    x = convolution(x)
    if not operation.activation:
        return x
    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, epsilon=BATCH_NORM_EPSILON, name=f"{name}_norm")(x)
    if operation.residual:
        x = layers.Add(name=f"{name}_sum")([x, skipped])
    return layers.ReLU(RELU_MAX, name=f"{name}_relu")(x)


def pool(logits: tf.Tensor, attention: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Return the logits of whole recordings: the mean over steps, weighted by exp(attention).

    Parameters
    ----------
    logits : tensor (batch, steps, n_classes)
    attention : tensor (batch, steps)
        Log weights.
    mask : bool tensor (batch, steps), optional
        Steps that count; at least one of each recording.

    Returns
    -------
    tensor (batch, n_classes)
    """
    if mask is not None:
        attention = tf.where(mask, attention, tf.constant(-1e9, attention.dtype))
    return tf.reduce_sum(tf.nn.softmax(attention, axis=1)[..., None] * logits, axis=1)


def running_pool(logits: tf.Tensor, attention: tf.Tensor) -> tf.Tensor:
    """Return what `pool` would say after each step: (batch, steps, n_classes), for a loss on early answers."""
    weights = tf.exp(attention - tf.reduce_max(attention, axis=1, keepdims=True))[..., None]
    return tf.cumsum(weights * logits, axis=1) / (tf.cumsum(weights, axis=1) + 1e-6)
