"""What can go wrong between a trained model and its file."""

from edge_ser.errors import EdgeSerError


class ConversionError(EdgeSerError):
    """TensorFlow's converter failed, crashed, or made something other than what was asked for."""


class ParityError(EdgeSerError):
    """The converted student does not say what the trained one says."""
