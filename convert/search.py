"""Search over recipes with Optuna: which values of some keys make the best student of those that validation judges.

Held-out speakers are never asked: a recipe that was chosen by them could not be judged by them.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from convert.errors import RecipeError
from convert.recipe import Recipe
from convert.recipe_file import load_recipe
from convert.toml import read_toml
from edge_ser.errors import EdgeSerError

DATABASE = "search.db"
RANGE_KEYS, CHOICE_KEYS = {"low", "high", "log", "step"}, {"choices"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trial:
    """One recipe that was tried."""

    number: int

    uar: float
    """Of the validation speakers, over classes."""

    values: dict[str, Any]


def read_space(path: Path) -> dict[str, dict[str, Any]]:
    """Return what each key may be, from a TOML file.

    Each of its keys is one of the recipe's, in quotes: `"distillation.alpha" = {choices = [0.5, 0.7]}`,
    `"student.options.embedding" = {low = 40, high = 96, step = 4}`,
    `"student.training.learning_rate" = {low = 1e-4, high = 1e-2, log = true}`.

    Raises
    ------
    RecipeError
        The file cannot be read, or does not say what a key may be.
    """
    space = read_toml(path, RecipeError)
    if not space:
        raise RecipeError(f"{path} names no key", 'Write lines like "student.training.epochs" = {low = 20, high = 80}')
    for key, allowed in space.items():
        keys = set(allowed) if isinstance(allowed, dict) else set()
        is_range = {"low", "high"} <= keys <= RANGE_KEYS and allowed["low"] < allowed["high"]
        is_choice = keys == CHOICE_KEYS and isinstance(allowed["choices"], list) and allowed["choices"]
        if not (is_range or is_choice):
            raise RecipeError(
                f"{path}: {key} = {allowed!r} is neither a range nor choices",
                "Write {low = .., high = ..} with log = true or step = .., or {choices = [..]}; quote keys with points",
            )
    return space


def search(
    path: Path, space: Mapping[str, dict[str, Any]], corpora: Path, out: Path, trials: int, storage: str | None = None
) -> list[Trial]:
    """Try recipes until so many are done, and return all of them, the best first.

    Parameters
    ----------
    path : Path
        Of the recipe that the others are made from; also its seed draws them.
    space : mapping
        From `read_space`.
    corpora, out : Path
        As in `convert.run.run`; stages that recipes share are done once.
    trials : int
        To be done in all, those of earlier calls and of other machines included.
    storage : str, optional
        URL of a database that machines share; without it a file in `out`.

    Raises
    ------
    EdgeSerError
        The recipe is not valid, or the database cannot be reached.
    """
    base = load_recipe(path)
    load_recipe(path, {key: _example(allowed) for key, allowed in space.items()})  # before hours are spent
    url = storage or f"sqlite:///{(out / DATABASE).resolve()}"
    digest = hashlib.sha256(json.dumps(space, sort_keys=True).encode()).hexdigest()[:8]
    try:
        study = optuna.create_study(
            study_name=f"{base.name}-{digest}",
            storage=url,
            sampler=optuna.samplers.TPESampler(seed=base.seed),
            direction="maximize",
            load_if_exists=True,
        )
    except Exception as error:  # whatever the database's driver raises
        raise RecipeError(f"The database {url} cannot be used: {error}", "Give another --storage") from error

    def objective(trial: optuna.Trial) -> float:
        changes = {key: _suggest(trial, key, allowed) for key, allowed in space.items()}
        figure = validation_uar(load_recipe(path, changes), corpora, out)
        log.info("trial %d: %.4f with %s", trial.number, figure, changes)
        return figure

    left = trials - len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE]))
    if left > 0:
        study.optimize(objective, n_trials=left, catch=(EdgeSerError,))
    done = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    if not done:
        raise RecipeError("No recipe could be tried", "See the log for the reason of each")
    return sorted((Trial(each.number, float(each.value or 0), each.params) for each in done), key=lambda t: -t.uar)


def validation_uar(recipe: Recipe, corpora: Path, out: Path) -> float:
    """Train a recipe's student, as far as int8 rounding, and return the UAR of its validation speakers."""
    from convert.run import compress, learn

    _, folder = compress(learn(recipe, corpora, out), out)
    with (out / folder / "epochs.csv").open(newline="", encoding="utf-8") as file:
        return float(list(csv.reader(file))[-1][2])


def _suggest(trial: optuna.Trial, key: str, allowed: Mapping[str, Any]) -> Any:
    if "choices" in allowed:
        return trial.suggest_categorical(key, allowed["choices"])
    low, high, step = allowed["low"], allowed["high"], allowed.get("step")
    logarithmic = bool(allowed.get("log", False))
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(key, low, high, step=step or 1, log=logarithmic)
    return trial.suggest_float(key, low, high, step=step, log=logarithmic)


def _example(allowed: Mapping[str, Any]) -> Any:
    return allowed["choices"][0] if "choices" in allowed else allowed["low"]
