"""Networks by name: each is a frozen dataclass of options whose `build()` returns a Keras model.

A model takes (batch, frames, n_mfcc + n_extras, 1) float32, the int8 features divided by `lsb_per_std`, and gives
logits (batch, steps, n_classes) and log attention weights (batch, steps), of which `streaming_cnn.pool` makes one
answer.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from edge_ser.errors import SettingsError

# Imported when asked for: a list of names must not cost an import of TensorFlow.
ARCHITECTURES: Mapping[str, str] = {
    "streaming_cnn": "convert.architectures.streaming_cnn:StreamingCnn",
    "byol_s": "convert.architectures.byol_s:ByolS",
    "cnn": "convert.architectures.cnn:Cnn",
    "cnn_gru": "convert.architectures.cnn_recurrent:CnnGru",
    "cnn_lstm": "convert.architectures.cnn_recurrent:CnnLstm",
    "lstm": "convert.architectures.lstm:Lstm",
    "gru": "convert.architectures.gru:Gru",
    "tcn": "convert.architectures.tcn:Tcn",
    "transformer": "convert.architectures.transformer:Transformer",
    "raw_cnn": "convert.architectures.raw_cnn:RawCnn",
    "light_sernet": "convert.architectures.light_sernet:LightSernet",
    "tim_net": "convert.architectures.tim_net:TimNet",
}


def architecture(name: str, **options: Any) -> Any:
    """Return the configuration of a network.

    Parameters
    ----------
    name : str
        One of `ARCHITECTURES`.
    **options
        Fields of its dataclass; lists, as TOML has them, become tuples.

    Raises
    ------
    SettingsError
        Unknown name or option.

    Examples
    --------
    >>> architecture("streaming_cnn", channels=[8, 16], pools=[4, 2]).frames_per_step
    8
    """
    if name not in ARCHITECTURES:
        raise SettingsError(f"Unknown architecture {name!r}", f"Choose one of {', '.join(ARCHITECTURES)}")
    module, _, attribute = ARCHITECTURES[name].partition(":")
    configuration = getattr(importlib.import_module(module), attribute)
    known = [field.name for field in fields(configuration)]
    for option in options:
        if option not in known:
            raise SettingsError(f"Architecture {name} has no option {option!r}", f"Choose from {', '.join(known)}")
    return configuration(**{key: tuple(value) if isinstance(value, list) else value for key, value in options.items()})
