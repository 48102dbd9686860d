"""Making a trained student smaller: each file wraps a Keras model so that training it on makes it so."""

from convert.compress.pruning import Pruned, prune
from convert.compress.quantisation import quantisation_aware

__all__ = ["Pruned", "prune", "quantisation_aware"]
