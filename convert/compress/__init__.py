"""Making a trained student smaller: each file wraps a Keras model so that training it on makes it so."""

from convert.compress.clustering import clustered
from convert.compress.pruning import Pruned, Schedule, prune
from convert.compress.quantisation import quantisation_aware
from convert.compress.structured import copy_kept, narrowed

__all__ = ["Pruned", "Schedule", "clustered", "copy_kept", "narrowed", "prune", "quantisation_aware"]
