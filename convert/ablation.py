"""What a part of a recipe is worth: trained with and without it, seed by seed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student_t

from convert.evaluate.judge import STREAMING
from convert.recipe import Recipe
from convert.recipe_file import load_recipe

CONFIDENCE = 0.95
BASE = "as the recipe has it"


@dataclass(frozen=True, slots=True)
class Difference:
    """A switch against the recipe, on one set of recordings."""

    switch: str
    """`KEY=VALUE`."""

    recordings: str
    """Of what."""

    base: tuple[float, ...]
    """UAR of the recipe as it is, a seed each."""

    switched: tuple[float, ...]
    """With the switch, the same seeds."""

    @property
    def mean(self) -> float:
        """Mean over seeds of what the switch changes."""
        return float(np.mean(np.subtract(self.switched, self.base)))

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval over seeds (Student's t, paired); None of a single seed."""
        change = np.subtract(self.switched, self.base)
        if len(change) < 2:
            return None
        half = float(student_t.ppf((1 + CONFIDENCE) / 2, len(change) - 1) * change.std(ddof=1) / np.sqrt(len(change)))
        return self.mean - half, self.mean + half


def ablate(
    path: Path, switches: Mapping[str, Mapping[str, Any]], seeds: Iterable[int], corpora: Path, out: Path
) -> list[Difference]:
    """Run a recipe with and without each switch, for each seed; what is done is kept.

    Parameters
    ----------
    path : Path
        Of the recipe.
    switches : mapping
        By their text, the changes that each makes; see `convert.recipe.load_recipe`.
    seeds : iterable of int
    corpora, out : Path
        As in `convert.run.run`.

    Raises
    ------
    EdgeSerError
        As `convert.run.run`.
    """
    recipes = {BASE: load_recipe(path), **{text: load_recipe(path, changes) for text, changes in switches.items()}}
    # TensorFlow is imported only once all recipes are known to be good.
    from convert.run import run

    uar: dict[str, list[dict[str, float]]] = {name: [] for name in recipes}
    for seed in seeds:
        for name, recipe in recipes.items():
            figures = run(variant(recipe, name, seed), corpora, out).with_suffix(".json")
            sets = json.loads(figures.read_text(encoding="utf-8"))
            uar[name].append({recordings: forms[STREAMING]["uar"] for recordings, forms in sets.items()})
    return differences(uar)


def variant(recipe: Recipe, name: str, seed: int) -> Recipe:
    """Return the recipe of one run, under a name of its own."""
    slug = "base" if name == BASE else re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return replace(recipe, name=f"{recipe.name}-{slug}-s{seed}", seed=seed)


def differences(uar: Mapping[str, Sequence[Mapping[str, float]]]) -> list[Difference]:
    """Return each switch against `BASE`, from the UAR by set of recordings, a mapping a seed."""
    base = uar[BASE]
    return [
        Difference(name, recordings, tuple(one[recordings] for one in base), tuple(one[recordings] for one in found))
        for name, found in uar.items()
        if name != BASE
        for recordings in base[0]
        if all(recordings in one for one in (*base, *found))
    ]
