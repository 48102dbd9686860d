"""A recipe: everything that decides what a run makes, each table of its TOML file as one frozen dataclass.

`recipe_file.py` reads the file, `recipe_check.py` checks what must hold between tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from convert.augment import Augment
from convert.features import FeatureOptions
from convert.loss_options import Losses
from convert.segments import Segmentation


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

    label_sets: dict[str, list[str]] = field(default_factory=dict)
    """Some of the labels, by a name that the runtime chooses them by where the others cannot occur."""

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
