"""All methods with a line each, read from the code that does them; nothing is imported that takes long."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Mapping
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import get_type_hints

from convert.architectures import ARCHITECTURES
from convert.augment import Augment
from convert.corpora.catalogue import CATALOGUE
from convert.corpora.layouts import LAYOUTS
from convert.distill import ENSEMBLES
from convert.protocols import PROTOCOLS
from edge_ser.features.extras import EXTRAS

HERE = Path(__file__).parent
AFTER_TRAINING = ("balance", "calibration", "conformal", "baseline", "export/parity")
OF_TRAINING = (
    "label_smoothing",
    "early_answers",
    "time_mask_frames",
    "coefficient_mask",
    "mixup",
    "curriculum",
    "averaging",
)

Lines = Mapping[str, str]
"""A line for each name."""


def sections() -> dict[str, Lines]:
    """Return all methods by kind; names are those that a recipe or a command uses."""
    training = _field_lines("recipe.py", "Training")
    return {
        "layouts of corpora (import)": {name: _title(name) for name in LAYOUTS},
        "protocols (data.split)": PROTOCOLS,
        "features (features.n_mfcc, features.extras)": {
            "mfcc": _first_line(HERE.parent / "edge_ser/features/mfcc.py"),
            **_extras(),
        },
        "architectures (student, teachers)": {
            name: _first_line(_module(place)) for name, place in ARCHITECTURES.items()
        },
        "augmentation ([augment])": _augmentations(),
        "in training ([student.training])": {name: training[name] for name in OF_TRAINING},
        "losses": {name: _first_line(HERE / f"losses/{name}.py") for name in ("masked_cross_entropy", "distillation")},
        "more of them ([student.training.losses])": _field_lines("loss_options.py", "Losses"),
        "weights of classes (data.class_weights)": {"root, effective, none": _first_line(HERE / "class_weights.py")},
        "teachers together (distillation.ensemble)": ENSEMBLES,
        "compression": {path.stem: _first_line(path) for path in _modules("compress")},
        "after training": {name.rpartition("/")[2]: _first_line(HERE / f"{name}.py") for name in AFTER_TRAINING},
    }


def _title(layout: str) -> str:
    info = CATALOGUE.get(layout)
    return info.title if info else "one's own: a folder an emotion, in it SPEAKER_ANYTHING.wav"


def _extras() -> dict[str, str]:
    found = {}
    for name, extra in EXTRAS.items():
        module, _, attribute = extra.place.partition(".")
        thing = getattr(importlib.import_module(f"edge_ser.features.{module}"), attribute)
        found[name] = _short(thing.__doc__)
    return found


def _augmentations() -> dict[str, str]:
    kinds = get_type_hints(Augment)
    own = _field_lines("augment/chain.py", "Augment")
    return {each.name: own.get(each.name) or _short(kinds[each.name].__doc__) for each in fields(Augment)}


def _module(place: str) -> Path:
    return HERE.parent / (place.partition(":")[0].replace(".", "/") + ".py")


def _modules(folder: str) -> list[Path]:
    return sorted(path for path in (HERE / folder).glob("*.py") if path.stem != "__init__")


def _first_line(path: Path) -> str:
    return _short(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))))


def _field_lines(file: str, name: str) -> dict[str, str]:
    """Return the line under each field of a dataclass, by field; those without one are left out."""
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    found = {}
    for statement, below in pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            found[statement.target.id] = _short(str(below.value.value))
    return found


def _short(text: str | None) -> str:
    """Return the first paragraph as one line."""
    return " ".join((text or "").strip().partition("\n\n")[0].split())
