"""A recipe: everything that decides what a run makes, in one TOML file.

Each table of the file is one frozen dataclass here. An unknown key is an error, for a misspelt option that is silently
ignored costs hours of training.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args, get_type_hints

import dacite

from convert.augment import Augment
from convert.changes import change_table
from convert.errors import RecipeError
from convert.features import FeatureOptions
from convert.loss_options import Losses
from convert.segments import Segmentation
from edge_ser.errors import SettingsError
from edge_ser.features.extras import look_up

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


RECIPES = Path(__file__).parent / "recipes"
"""Those that come with edge-ser."""

ENCODER = "byol_s"
"""The architecture whose weights may be somebody else's to begin with."""


@dataclass(frozen=True, slots=True)
class Data:
    """Which recordings, and what each speaker is for."""

    corpora: list[str]
    """Folder names under the corpora folder; `synthetic` is made on the spot."""

    held_out: dict[str, list[str]]
    """Speakers by corpus whom nothing ever hears before the evaluation."""

    validation: dict[str, list[str]]
    """Speakers by corpus who choose the temperature and the threshold."""

    sampling: dict[str, float] = field(default_factory=dict)
    """How often a clip of a corpus is drawn, relative to the others; 1 where it is not named."""

    variants: int = 8
    """Augmented copies of each training clip; 0 trains on the clean ones alone."""

    unlabelled: list[str] = field(default_factory=list)
    """Folder names of corpora whose labels, if any, do not count: the student learns what its teachers say of them."""

    split: Literal["speaker", "corpus", "text", "random", "random-after-augmentation"] = "speaker"
    """What held_out and validation name; what else than `speaker` and `corpus` gives is no accuracy."""

    share: float = 0.2
    """Of each class that the random splits hold out."""

    class_weights: Literal["root", "effective", "none"] = "root"
    """What a clip of a rare class counts; see `convert.class_weights`."""


@dataclass(frozen=True, slots=True)
class Training:
    """How one network is trained."""

    epochs: int = 40
    batch_size: int = 64

    learning_rate: float = 3e-3
    """Peak, of Adam, after the warm-up and before the cosine."""

    warm_up: float = 0.06
    """Fraction of all steps."""

    weight_decay: float = 0.02
    """Decoupled: of kernels, per step, times the learning rate."""

    label_smoothing: float = 0.1
    """Over the classes that the clip's corpus has."""

    early_answers: float = 0.3
    """Weight of the loss on the answer after a random part of the clip."""

    time_mask_frames: int = 25
    """Longest of two stretches silenced in a clip (SpecAugment)."""

    coefficient_mask: int = 6
    """Most neighbouring coefficients silenced, twice in a clip."""

    averaging: float = 0.998
    """Momentum of the moving average over weights that is kept; 0 keeps the last weights."""

    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    """Of the arithmetic; weights stay float32. bfloat16 takes two thirds of the time on a processor that has it."""

    max_frames: int = 400
    """Longer stretches of speech are cut at random to this many 10 ms frames."""

    mixup: float = 0.0
    """Concentration of the shares in which two clips are mixed; 0 mixes none. See `convert.mixup`."""

    curriculum: float = 0.0
    """Share of the epochs after which all clips are drawn; before it those the teachers find easy; 0 draws all."""

    losses: Losses = field(default_factory=Losses)


@dataclass(frozen=True, slots=True)
class Network:
    """One network and its training."""

    architecture: str
    options: dict[str, Any] = field(default_factory=dict)
    training: Training = field(default_factory=Training)
    pretraining: Training | None = None
    """Of the first training, where the recipe has `pretraining`; without it as `training`."""


@dataclass(frozen=True, slots=True)
class Distillation:
    """What the student learns from its teachers (Hinton et al., arXiv:1503.02531)."""

    temperature: float = 3.0

    alpha: float = 0.7
    """Weight of the teachers' answers; the labels have the rest."""

    ensemble: Literal["mean", "weighted", "stacked"] = "mean"
    """How several teachers become one; see `convert.ensemble`."""

    folds: int = 5
    """Of the training speakers, for `stacked`: each teacher is trained once more for each."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """Magnitude pruning of the trained student."""

    sparsity: float = 0.5
    """Fraction of weights that end as zeros; 0 leaves the stage out."""

    training: Training = field(default_factory=lambda: Training(epochs=8, learning_rate=1e-3, averaging=0.0))


@dataclass(frozen=True, slots=True)
class Quantisation:
    """Quantisation-aware training of the pruned student."""

    training: Training = field(default_factory=lambda: Training(epochs=4, learning_rate=3e-4, averaging=0.0))

    representative_clips: int = 100
    """Training clips that set the ranges of the activations."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the model file tells the runtime about deciding."""

    coverage: float = 0.8
    """Fraction of the validation speakers' clips that get an answer; the rest are `uncertain`."""

    warm_up_seconds: float = 0.8
    """Speech heard before the first answer."""

    offsets: bool = True
    """Whether classes get offsets that the validation speakers ask for; a single corpus with every class needs none."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One run."""

    name: str
    version: str
    description: str
    licence: str
    classes: list[str]
    """What the network tells apart."""

    label_of_class: dict[str, str]
    """What the user is told for a class; itself where it is not named."""

    data: Data
    student: Network
    teachers: list[Network] = field(default_factory=list)
    pretraining: Data | None = None
    """Recordings of other people, from which all networks learn first what a small corpus need not teach."""

    ships: bool = True
    """Whether its weights are to be passed on; corpora whose licence forbids that are then refused."""

    remarks: str = ""
    """What a reader of the card must know besides the figures."""

    seed: int = 0
    augment: Augment = field(default_factory=Augment)
    features: FeatureOptions = field(default_factory=FeatureOptions)
    segmentation: Segmentation = field(default_factory=Segmentation)
    distillation: Distillation = field(default_factory=Distillation)
    pruning: Pruning = field(default_factory=Pruning)
    quantisation: Quantisation = field(default_factory=Quantisation)
    decision: Decision = field(default_factory=Decision)

    @property
    def corpora(self) -> list[str]:
        """All corpora that anything is learnt from."""
        return list(dict.fromkeys([*self.data.corpora, *(self.pretraining.corpora if self.pretraining else ())]))

    @property
    def labels(self) -> list[str]:
        """What the user is told, in the order of the classes."""
        return list(dict.fromkeys(self.label_of_class.get(name, name) for name in self.classes))


def load_recipe(path: Path, changes: Mapping[str, Any] = MappingProxyType({})) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    path : Path
    changes : mapping
        Values to take instead of the file's, by key with points: `student.training.epochs`, `teachers.0.options`.

    Raises
    ------
    RecipeError
        The file cannot be read, or a key is unknown, missing, or of the wrong type.
    """
    try:
        table = change_table(tomllib.loads(path.read_text(encoding="utf-8")), changes)
    except OSError as error:
        raise RecipeError(f"the recipe {path} cannot be read: {error.strerror}", "name a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not valid TOML: {error}", "mend it at the place named") from error
    try:
        recipe = dacite.from_dict(Recipe, table, dacite.Config(strict=True, cast=[tuple], type_hooks={float: _number}))
    except dacite.UnexpectedDataError as error:
        raise RecipeError(f"{path}: unknown key {sorted(error.keys)[0]!r}", _nearest(sorted(error.keys)[0])) from error
    except dacite.DaciteError as error:
        raise RecipeError(f"{path}: {error}", "see convert/recipe.py for the keys and their types") from error
    _check(recipe, path)
    return recipe


def with_encoder(recipe: Recipe, encoder: Path) -> Recipe:
    """Return the recipe with its pretrained encoder's weights from this file.

    Raises
    ------
    RecipeError
        No teacher of the recipe begins with an encoder.
    """
    if not any(teacher.architecture == ENCODER for teacher in recipe.teachers):
        raise RecipeError(f"no teacher of {recipe.name} begins with an encoder", f"Give it a teacher {ENCODER!r}")
    teachers = [
        replace(teacher, options={**teacher.options, "weights": str(encoder)})
        if teacher.architecture == ENCODER
        else teacher
        for teacher in recipe.teachers
    ]
    return replace(recipe, teachers=teachers)


def _number(value: Any) -> Any:
    """TOML writes a whole number without a point where a float is meant."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _nearest(key: str) -> str:
    known = sorted(_keys(Recipe))
    close = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {close[0]!r}" if close else f"the keys are {', '.join(known)}"


def _keys(table: type) -> set[str]:
    """Return the keys of a table and of all tables in it."""
    found = set()
    for name, hint in get_type_hints(table).items():
        found.add(name)
        for inner in (hint, *get_args(hint)):
            if is_dataclass(inner) and isinstance(inner, type):
                found |= _keys(inner)
    return found


def _check(recipe: Recipe, path: Path) -> None:
    try:
        look_up(recipe.features.extras)
    except SettingsError as error:
        raise RecipeError(f"{path}: features.extras: {error.problem}", error.cure) from error
    unknown = [name for name in recipe.label_of_class if name not in recipe.classes]
    if unknown:
        raise RecipeError(f"{path}: label_of_class names {unknown[0]!r}, which is no class", "add it to classes")
    for table, data in (("data", recipe.data), ("pretraining", recipe.pretraining)):
        for use in ("held_out", "validation") if data else ():
            strangers = set(getattr(data, use)) - set(data.corpora)
            if strangers:
                raise RecipeError(f"{path}: {table}.{use} names {sorted(strangers)[0]!r}", f"add it to {table}.corpora")
    if recipe.data.split == "speaker" and not recipe.data.held_out:
        raise RecipeError(f"{path}: data.held_out names nobody", "name at least one speaker, or nothing can be judged")
    if recipe.pretraining is None and any(network.pretraining for network in (recipe.student, *recipe.teachers)):
        raise RecipeError(f"{path}: a network has pretraining, the recipe has none", "say on what: [pretraining]")
    twice = set(recipe.pretraining.corpora) & set(recipe.data.held_out) if recipe.pretraining else set()
    for corpus in sorted(twice):
        heard = set(recipe.data.held_out[corpus]) - set(recipe.pretraining.held_out.get(corpus, ()))
        if heard:
            raise RecipeError(
                f"{path}: {corpus}/{sorted(heard)[0]} is held out, but not from pretraining",
                "add the speaker to pretraining.held_out",
            )
    _check_data(recipe, path)
    if not 0 <= recipe.pruning.sparsity < 1:
        raise RecipeError(f"{path}: pruning.sparsity is {recipe.pruning.sparsity}", "give 0 to 0.95")


def _check_data(recipe: Recipe, path: Path) -> None:
    data = recipe.data
    if recipe.ships and data.split not in ("speaker", "corpus"):
        raise RecipeError(
            f"{path}: data.split is {data.split!r}, which proves nothing about new voices", "set ships = false"
        )
    if not 0 < data.share < 0.6:
        raise RecipeError(f"{path}: data.share is {data.share}", "give 0.05 to 0.5")
    if both := set(data.unlabelled) & set(data.corpora):
        raise RecipeError(f"{path}: data.unlabelled names {sorted(both)[0]!r}, whose labels count", "name it once")
    if data.unlabelled and not recipe.teachers:
        raise RecipeError(f"{path}: data.unlabelled needs somebody who knows", "give the recipe a teacher")
