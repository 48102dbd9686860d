"""The student for microcontrollers: its network, its numbers and the front end's tables as C99 source.

`edge_ser_model.c` is the .tflite that tflite-micro takes, with what one must know to feed it; `edge_ser_front_end.c`
the integer tables by which samples become features (see `edge_ser.features.log_mel` for the arithmetic);
`edge_ser_golden.c` a few steps of input and the right answers, to test a port with.
"""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_ser.features import tables as t
from edge_ser.student.graph import Tensor
from edge_ser.student.model_file import ModelFile
from edge_ser.student.network import Network

PREFIX = "edge_ser"
LINE = 110  # characters
TFLITE_ALIGNMENT = 16  # bytes, which tflite-micro wants

_TYPES = {"int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "int32": "int32_t", "int64": "int64_t"}


def write_c_arrays(model: ModelFile, folder: Path) -> list[Path]:
    """Write the sources; return their paths.

    Parameters
    ----------
    model : ModelFile
    folder : Path
        Made where it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = {
        "model": _model(model),
        "front_end": _front_end(model),
        "golden": _golden(model),
    }
    written = []
    for name, (macros, declarations, definitions) in sources.items():
        header, source = folder / f"{PREFIX}_{name}.h", folder / f"{PREFIX}_{name}.c"
        header.write_text(_header(name, model, macros, declarations), encoding="ascii", errors="backslashreplace")
        source.write_text(
            f'#include "{header.name}"\n\n' + "\n".join(definitions), encoding="ascii", errors="backslashreplace"
        )
        written += [header, source]
    return written


Source = tuple[list[str], list[str], list[str]]
"""Macros, declarations, definitions."""


def _model(model: ModelFile) -> Source:
    metadata, graph = model.metadata, Network(model.tflite).graph
    spec, decision = metadata.features, metadata.decision
    macros = [
        _define("MODEL_BYTES", len(model.tflite)),
        f"/* SHA-256 of the bytes: {hashlib.sha256(model.tflite).hexdigest()} */",
        _define("FRAMES_PER_STEP", spec.frames_per_step),
        _define("N_FEATURES", spec.n_features),
        _define("N_CLASSES", len(metadata.classes)),
        _define("N_LABELS", len(metadata.labels)),
        _define("N_STATES", len(graph.states)),
        *_quantisation("FEATURES", graph.features),
        *_quantisation("LOGITS", graph.logits),
        *_quantisation("ATTENTION", graph.attention),
        "/* Pooled logits are divided by this before the softmax. */",
        _define("TEMPERATURE", _real(decision.temperature)),
        "/* Confidence under which the answer is 'uncertain'. */",
        _define("UNCERTAIN_BELOW", _real(decision.uncertain_below)),
        _define("WARM_UP_SECONDS", _real(decision.warm_up_seconds)),
        _define("HANGOVER_SECONDS", _real(decision.hangover_seconds)),
    ]
    arrays = [
        _Array("model", np.frombuffer(model.tflite, np.uint8), "The network, for tflite-micro.", TFLITE_ALIGNMENT),
        _Array(
            "label_of_class",
            np.array([metadata.labels.index(metadata.label_of_class[name]) for name in metadata.classes], np.uint8),
            "For each class the label whose probability it adds to.",
        ),
        _Array(
            "state_zero_points",
            np.array([before.zero_point for before, _ in graph.states], np.int8),
            "What fills each state_i when an utterance begins.",
        ),
    ]
    names = ", ".join(_string(label) for label in metadata.labels)
    declarations = [each.declaration for each in arrays] + [
        f"extern const char *const {PREFIX}_labels[{len(metadata.labels)}];"
    ]
    definitions = [each.definition for each in arrays] + [
        f"const char *const {PREFIX}_labels[{len(metadata.labels)}] = {{{names}}};\n"
    ]  # fmt: skip
    return macros, declarations, definitions


def _front_end(model: ModelFile) -> Source:
    spec = model.metadata.features
    front_end = spec.front_end
    macros = [
        *(
            _define(name.upper(), getattr(front_end, name))
            for name in ("sample_rate", "win_length", "hop_length", "n_fft", "n_mels", "n_mfcc")
        ),
        f"/* SHA-256 of the tables as one file: {spec.tables_sha256} */",
        *(
            _define(name, getattr(t, name))
            for name in ("LANES", "TAPS", "COLUMNS", "ROWS", "STAGE_1_BITS", "STAGE_2_BITS", "DCT_BITS", "LOG_BITS",
                         "SPECTRUM_BITS", "POWER_UNIT", "MEL_ONE", "LOG_UNIT", "LOG_MANTISSA_BITS")
        ),
        "/* int8 steps of a feature per standard deviation. */",
        _define("LSB_PER_STD", _real(spec.lsb_per_std)),
        _define("RUNNING_MEAN_PRIOR_FRAMES", spec.running_mean_prior_frames),
    ]  # fmt: skip
    blob = Path(t.TABLES_PATH).read_bytes()
    arrays, at = [], 0
    for name, dtype, count, comment in _LAYOUT:
        values = np.frombuffer(blob, dtype, count, at)
        arrays.append(_Array(name, values, comment))
        at += values.nbytes
    declarations = [each.declaration for each in arrays]
    definitions = [each.definition for each in arrays]
    for name, values, comment in (("mean", spec.mean, "Of each feature in training."), ("std", spec.std, "The same.")):
        declarations.append(f"/* {comment} */\nextern const double {PREFIX}_{name}[{len(values)}];")
        definitions.append(f"const double {PREFIX}_{name}[{len(values)}] = {{\n{_wrap(map(_real, values))}\n}};\n")
    return macros, declarations, definitions


_LAYOUT: Sequence[tuple[str, str, int, str]] = (
    ("log_table", "<i8", 2 + (1 << t.LOG_MANTISSA_BITS), "ln 2, ln MEL_ONE, then ln(1 + (m + 1/2) / 1024)."),
    ("stage_1", "<i4", t.LANES * t.TAPS * 2 * t.COLUMNS, "[LANES][TAPS][2 * COLUMNS]: window, first DFT, twiddle."),
    ("cosine", "<i4", t.ROWS, "Of 16ths of a turn, for the second DFT."),
    ("dct", "<i4", t.N_MELS * t.N_MELS, "[N_MELS][N_MELS]: band by coefficient."),
    ("mel", "<i2", t.BINS * t.N_MELS, "[ROWS * COLUMNS][N_MELS]: weight of each bin in each band."),
)


def _golden(model: ModelFile) -> Source:
    features, logits, attention = model.metadata.golden_arrays()
    arrays = [
        _Array("golden_features", features.ravel(), "[GOLDEN_STEPS][FRAMES_PER_STEP][N_FEATURES]."),
        _Array("golden_logits", logits.ravel(), "[GOLDEN_STEPS][N_CLASSES]: the right answers, to one or two steps."),
        _Array("golden_attention", attention.ravel(), "[GOLDEN_STEPS]."),
    ]
    macros = [_define("GOLDEN_STEPS", len(attention))]
    return macros, [each.declaration for each in arrays], [each.definition for each in arrays]


class _Array:
    """An integer array in C."""

    def __init__(self, name: str, values: NDArray[np.integer], comment: str, alignment: int = 0) -> None:  # type: ignore[type-arg]
        kind = f"const {_TYPES[values.dtype.name]} {PREFIX}_{name}[{values.size}]"
        self.declaration = f"/* {comment} */\nextern {kind};"
        aligned = f"{PREFIX.upper()}_ALIGNED({alignment}) " if alignment else ""
        suffix = "LL" if values.dtype.itemsize == 8 else ""
        self.definition = f"{aligned}{kind} = {{\n{_wrap(f'{value}{suffix}' for value in values.tolist())}\n}};\n"


def _header(name: str, model: ModelFile, macros: Iterable[str], declarations: Iterable[str]) -> str:
    guard = f"{PREFIX}_{name}_H".upper()
    metadata = model.metadata
    about = f"{metadata.name} {metadata.version}, made by edge-ser-convert c-array; licence: {metadata.licence}"
    return "\n".join(
        [
            f"/* {about.replace('*/', '* /')} */",
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            "#include <stdint.h>",
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            "",
            *(_ALIGNED if name == "model" else []),
            *macros,
            "",
            *declarations,
            "",
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "",
            f"#endif /* {guard} */",
            "",
        ]
    )


_ALIGNED = [
    "#if defined(__GNUC__)",
    f"#define {PREFIX.upper()}_ALIGNED(bytes) __attribute__((aligned(bytes)))",
    "#else",
    f"#define {PREFIX.upper()}_ALIGNED(bytes)",
    "#endif",
    "",
]


def _quantisation(name: str, tensor: Tensor) -> list[str]:
    return [_define(f"{name}_SCALE", _real(tensor.scale)), _define(f"{name}_ZERO_POINT", f"({tensor.zero_point})")]


def _define(name: str, value: object) -> str:
    return f"#define {PREFIX.upper()}_{name} {value}"


def _real(value: float) -> str:
    """Return a double as C has it; the same bits come back."""
    text = repr(float(value))
    return text if value >= 0 else f"({text})"


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)


def _wrap(values: Iterable[str]) -> str:
    return textwrap.fill(
        ", ".join(values), LINE, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False
    )
