"""Which methods are tried, each as the keys of a recipe that it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from convert.errors import RecipeError
from convert.recipe import Network, Recipe
from edge_ser.features.extras import EXTRAS

BASE = "base"
FEATURE, ARCHITECTURE, AUGMENTATION, LOSS, ENSEMBLE, DISTILLATION = (
    "feature", "architecture", "augmentation", "training and loss", "ensemble", "distillation",
)  # fmt: skip
TEACHERS = ("cnn", "lstm", "gru")
EFFECTS = (
    "speed", "tempo", "pitch", "room", "gain", "noise", "babble", "equaliser", "hiss", "telephone", "codec",
    "clipping",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Method:
    """One line of the table."""

    name: str
    kind: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Values by key of the recipe, dots between tables."""


def methods() -> list[Method]:
    """Return all, the base first."""
    loss, training = "student.training.losses", "student.training"
    return [
        Method(BASE, BASE),
        *(Method(f"with {name}", FEATURE, {"features.extras": (name,)}) for name in EXTRAS if name != "waveform"),
        Method("13 MFCC", FEATURE, {"features.n_mfcc": 13}),
        Method("log-mel (a learned map begun as the inverse DCT)", FEATURE, {"student.options.spectral": True}),
        *(_network(name, architecture, options) for name, architecture, options in _NETWORKS),
        Method(
            "CNN on samples",
            ARCHITECTURE,
            {"features.extras": ("waveform",), "student.architecture": "raw_cnn", "student.options": {}},
        ),
        Method("no augmented copies", AUGMENTATION, {"data.variants": 0}),
        *(Method(f"without {name}", AUGMENTATION, {f"augment.{name}.probability": 0.0}) for name in EFFECTS),
        Method("vocal tract", AUGMENTATION, {"augment.tract.probability": 0.3}),
        Method("without time shift", AUGMENTATION, {"augment.silence_seconds": (0.3, 0.3)}),
        Method(
            "without SpecAugment", AUGMENTATION, {f"{training}.time_mask_frames": 0, f"{training}.coefficient_mask": 0}
        ),
        Method("mixup", AUGMENTATION, {f"{training}.mixup": 0.3}),
        Method("no class weights", LOSS, {"data.class_weights": "none"}),
        Method("class weights by effective number", LOSS, {"data.class_weights": "effective"}),
        Method("no label smoothing", LOSS, {f"{training}.label_smoothing": 0.0}),
        Method("no early answers", LOSS, {f"{training}.early_answers": 0.0}),
        Method("no averaging of weights", LOSS, {f"{training}.averaging": 0.0}),
        Method("focal", LOSS, {f"{loss}.focal": 2.0}),
        Method("calibration (MMCE)", LOSS, {f"{loss}.calibration": 2.0}),
        Method("affect (ordinal)", LOSS, {f"{loss}.affect": 0.5}),
        Method("hierarchy", LOSS, {f"{loss}.hierarchy": 0.5}),
        Method("supervised contrast", LOSS, {f"{loss}.contrastive": 0.2}),
        Method("speaker adversary", LOSS, {f"{loss}.speaker_adversary": 0.1}),
        Method("gender adversary", LOSS, {f"{loss}.gender_adversary": 0.1}),
        *(
            Method(f"{name} of {', '.join(TEACHERS)}", ENSEMBLE, _taught(name))
            for name in ("mean", "weighted", "stacked")
        ),
        Method("distilled from a CNN", DISTILLATION, _taught("mean", TEACHERS[:1])),
        Method(f"distilled from {', '.join(TEACHERS)}", DISTILLATION, _taught("mean")),
        Method(
            "curriculum, distilled from a CNN",
            DISTILLATION,
            {**_taught("mean", TEACHERS[:1]), f"{training}.curriculum": 0.6},
        ),
    ]


def chosen(names: Iterable[str] | None, kinds: Iterable[str] | None) -> list[Method]:
    """Return the methods of these names or kinds, the base among them; all where neither is given.

    Raises
    ------
    RecipeError
        A name or kind is not known.
    """
    every = methods()
    if names is None and kinds is None:
        return every
    wanted, of_kind = set(names or ()), set(kinds or ())
    known = {each.name for each in every}
    if unknown := (wanted - known) | (of_kind - {each.kind for each in every}):
        raise RecipeError(f"There is no method {sorted(unknown)[0]!r}", f"Choose from {', '.join(sorted(known))}")
    return [each for each in every if each.kind == BASE or each.name in wanted or each.kind in of_kind]


def changed(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """Return a recipe with some keys changed.

    Examples
    --------
    >>> from convert.recipe_file import RECIPES, load_recipe
    >>> recipe = changed(load_recipe(RECIPES / "smoke.toml"), {"student.training.losses.focal": 2.0})
    >>> recipe.student.training.losses.focal
    2.0
    """
    for key, value in changes.items():
        if key == "teachers":  # names; they are trained as the student is
            value = [Network(name, {}, recipe.student.training) for name in value]
        recipe = _with(recipe, key.split("."), value)
    return recipe


def _with(table: Any, path: list[str], value: Any) -> Any:
    if isinstance(table, dict):  # options of a network, which it checks itself
        return {**table, path[0]: value}
    if not is_dataclass(table) or path[0] not in {each.name for each in fields(table)}:
        raise RecipeError(f"A recipe has no key {path[0]!r} there", "See convert/recipe.py")
    return replace(table, **{path[0]: value if len(path) == 1 else _with(getattr(table, path[0]), path[1:], value)})


_NETWORKS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("CNN", "cnn", {}),
    ("LSTM", "lstm", {}),
    ("bidirectional LSTM", "lstm", {"bidirectional": True}),
    ("GRU", "gru", {}),
    ("bidirectional GRU", "gru", {"bidirectional": True}),
    ("CNN-LSTM", "cnn_lstm", {}),
    ("CNN-GRU", "cnn_gru", {}),
    ("TCN", "tcn", {}),
    ("transformer", "transformer", {}),
    ("LIGHT-SERNET", "light_sernet", {}),
    ("TIM-Net", "tim_net", {}),
    ("BYOL-S, begun at random", "byol_s", {}),
)


def _network(name: str, architecture: str, options: dict[str, Any]) -> Method:
    return Method(name, ARCHITECTURE, {"student.architecture": architecture, "student.options": options})


def _taught(ensemble: str, teachers: Iterable[str] = TEACHERS) -> dict[str, Any]:
    return {"teachers": list(teachers), "distillation.ensemble": ensemble}
