"""Training on several processors of one kind or on several machines, through `tf.distribute`.

Teachers and student are trained on all of them: each takes its share of every batch. All other stages are the same
everywhere, so every machine does them by itself, into a folder of its own. Without a strategy nothing happens here.

The gradient is that of the whole batch, so where each clip stands for itself all of them together learn what one alone
would, but for rounding. Batch norm however sees the share that a processor has (the statistics that it keeps are the
means of all), and each throws dice of its own for masks and dropout: with these the network is another.

For machines, start the same command on each with `TF_CONFIG` as TensorFlow defines it: the addresses of all workers,
and which of them this one is.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import tensorflow as tf

from convert.errors import RecipeError, WorkerLostError

MIRRORED, MULTIWORKER = "mirrored", "multiworker"
REJOINED = "EDGE_SER_REJOINED"  # environment variable: how often this command has begun anew
MOST_REJOINED = 20

log = logging.getLogger(__name__)

_USED: list[tf.distribute.Strategy] = []  # one at most


def use(name: str) -> None:
    """Train in this way from now on; before anything else is done with TensorFlow.

    Raises
    ------
    RecipeError
        `TF_CONFIG` is missing or is no cluster.
    """
    if name == MULTIWORKER:
        _check_cluster()
        communication = tf.distribute.experimental.CommunicationOptions(
            implementation=tf.distribute.experimental.CommunicationImplementation.RING
        )
        _USED[:] = [tf.distribute.MultiWorkerMirroredStrategy(communication_options=communication)]
    else:
        _USED[:] = [tf.distribute.MirroredStrategy()]


def replicas() -> int:
    """Return among how many the batches inside `scope` are shared."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


@contextmanager
def scope() -> Iterator[None]:
    """Share the training of networks that are built inside."""
    if not _USED:
        yield
        return
    with _USED[0].scope():
        yield


def agree(done: bool) -> bool:
    """Return whether all workers have done something: what one has lost, all do again together."""
    return bool(min(everywhere(int(done))))


def everywhere(number: int) -> list[int]:
    """Return this number from each worker, in their order; all must ask at the same point of the run."""
    if not _USED or not isinstance(_USED[0], tf.distribute.MultiWorkerMirroredStrategy):
        return [number]
    strategy = _USED[0]
    with reporting():
        mine = strategy.run(lambda: tf.constant([number], tf.int32))
        return [int(each) for each in strategy.gather(mine, axis=0).numpy()]


def shares(batch: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Return the tensors of a batch, clip by clip along the first axis; inside `scope` each replica's share of them.

    Raises
    ------
    RecipeError
        The batch cannot be shared evenly.
    """
    if not tf.distribute.has_strategy():
        return list(batch)
    strategy, count = tf.distribute.get_strategy(), replicas()
    if len(batch[0]) % count:
        raise RecipeError(
            f"A batch of {len(batch[0])} cannot be shared among {count}",
            f"Make training.batch_size a multiple of {count}",
        )

    def share(whole: tf.Tensor) -> tf.Tensor:
        return strategy.experimental_distribute_values_from_function(
            lambda context: whole[context.replica_id_in_sync_group :: count]
        )

    return [share(each) for each in batch]


def shared(step: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """Return a step as a graph; inside `scope` each replica does it with its share, and what it returns is added up."""
    if not tf.distribute.has_strategy():
        return tf.function(step, reduce_retracing=False)
    strategy = tf.distribute.get_strategy()

    @tf.function(reduce_retracing=False)
    def on_all(*arguments: tf.Tensor) -> tf.Tensor:
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(step, args=arguments), axis=None)

    return on_all


@contextmanager
def reporting() -> Iterator[None]:
    """Turn the loss of another worker into an error with its cure."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError) as error:
        if not _USED:
            raise
        reason = str(error.message).splitlines()[0][:160]
        raise WorkerLostError(
            f"Another worker is gone ({reason})",
            "Start the same command again on every machine: it goes on after the last epoch that all have",
        ) from error


def rejoin(error: WorkerLostError) -> None:
    """Start this very command anew: it waits for the lost worker, and goes on after the last epoch that all have.

    Raises
    ------
    WorkerLostError
        It has been tried too often.
    """
    tried = int(os.environ.get(REJOINED, "0"))
    if tried >= MOST_REJOINED:
        raise error
    log.warning("%s: waits for it", error.problem)
    os.environ[REJOINED] = str(tried + 1)
    for handler in logging.getLogger().handlers:
        handler.flush()
    os.execv(sys.executable, sys.orig_argv)  # TensorFlow cannot form a second cluster in one process


def _check_cluster() -> None:
    text = os.environ.get("TF_CONFIG", "")
    cure = 'Set it like {"cluster": {"worker": ["one:2222", "other:2222"]}, "task": {"type": "worker", "index": 0}}'
    try:
        config = json.loads(text)
        workers, index = config["cluster"]["worker"], config["task"]["index"]
    except (ValueError, KeyError, TypeError) as error:
        raise RecipeError("The environment variable TF_CONFIG does not describe a cluster", cure) from error
    if not isinstance(workers, list) or not isinstance(index, int) or not 0 <= index < len(workers):
        raise RecipeError(f"TF_CONFIG says that this is worker {index} of {workers}", cure)
