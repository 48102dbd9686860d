"""Making model files: `run` makes that of a recipe, `folds` one for each fold of a corpus."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from convert.commands.shared import OK, add_corpora, provide_synthetic, recipe_path
from convert.terminal import log_to, wide_console

if TYPE_CHECKING:
    from convert.recipe import Recipe

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    run = commands.add_parser(
        "run",
        help="make the model file of a recipe",
        description="Make the model file of a recipe. Each stage is kept in the output folder: the same command goes "
        "on where it was stopped, and repeats only what a change of recipe, data or code concerns.",
    )
    run.add_argument("recipe", metavar="RECIPE", help="a TOML file, or the name of one that came with edge-ser")
    run.add_argument(
        "--corpora",
        type=Path,
        metavar="DIR",
        help="folder that holds one folder a corpus (default: in the output folder, where the synthetic one is made)",
    )
    run.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the run")
    run.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="take this instead of the recipe's value, like student.training.epochs=5; may be repeated",
    )
    _add_encoder(run)
    run.add_argument(
        "--feedback", type=Path, metavar="FILE", help="corrections to be taught too, from `edge-ser feedback --export`"
    )
    _add_training(run)
    run.set_defaults(run=_run)

    folds = commands.add_parser(
        "folds",
        help="judge a recipe by cross-validation",
        description="Run a recipe once for each fold of a corpus, so that each of its speakers is tested by a student "
        "who never heard that speaker. Takes as many times as long; the same command goes on where it was stopped.",
    )
    folds.add_argument("recipe", metavar="RECIPE", help="as for run")
    add_corpora(folds)
    tested = folds.add_mutually_exclusive_group()
    tested.add_argument("--corpus", default="ravdess", help="whose speakers are tested (default: %(default)s)")
    tested.add_argument(
        "--whole-corpora", action="store_true", help="test each corpus by a student who heard only the others"
    )
    folds.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the runs")
    folds.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="SEED", help="one set of runs for each")
    _add_encoder(folds)
    _add_training(folds)
    folds.add_argument("--only", type=int, nargs="+", metavar="FOLD", help="these folds alone, counted from 0")
    folds.set_defaults(run=_folds)


def _add_encoder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--encoder",
        type=Path,
        metavar="FILE",
        help="arrays of BYOL-S 512 (.npz), from which teachers of that kind begin; without it they begin at random",
    )


def _add_training(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tensorboard", action="store_true", help="write losses and rates of every training for TensorBoard"
    )
    parser.add_argument(
        "--strategy",
        choices=("mirrored", "multiworker"),
        help="train on all graphics processors of this machine, or together with other machines: start the same "
        "command on each, with TF_CONFIG set as TensorFlow defines it",
    )


def _begin_training(arguments: argparse.Namespace) -> None:
    """Do what must come before anything else is done with TensorFlow."""
    if arguments.strategy:
        from convert import distribution

        distribution.use(arguments.strategy)
    if arguments.tensorboard:
        from convert import watch

        watch.use_tensorboard()


def _load_recipe(arguments: argparse.Namespace) -> Recipe:
    from convert.changes import parse_changes
    from convert.recipe_file import load_recipe, with_encoder

    recipe = load_recipe(recipe_path(arguments.recipe), parse_changes(getattr(arguments, "set", [])))
    return recipe if arguments.encoder is None else with_encoder(recipe, arguments.encoder)


def _run(arguments: argparse.Namespace) -> int:
    from convert.corpora.catalogue import refuse_unshippable
    from convert.corpora.manifest import read_corpus

    recipe = _load_recipe(arguments)
    log_to(arguments.out)
    corpora = arguments.corpora or arguments.out / "corpora"
    provide_synthetic(recipe.corpora, corpora)
    infos = {name: read_corpus(corpora / name, recipe.classes)[0] for name in recipe.corpora}
    for name in recipe.data.unlabelled:
        infos[name] = read_corpus(corpora / name, recipe.classes, labelled=False)[0]
    if recipe.ships:
        refuse_unshippable(infos)
    # TensorFlow is imported only once recipe and corpora are known to be good.
    _begin_training(arguments)
    from convert.evaluate.report import from_plain, print_report
    from convert.run import run

    path = run(recipe, corpora, arguments.out, arguments.feedback)
    console = wide_console()
    figures = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    print_report(from_plain(figures), console)
    console.print(f"{path}: {path.stat().st_size} bytes; its card is {path.with_suffix('.md').name}")
    return OK


def _folds(arguments: argparse.Namespace) -> int:
    from convert.cross_validation import averages, cross_validate
    from convert.evaluate.report import folds_table, percent

    recipe = _load_recipe(arguments)
    log_to(arguments.out)
    _begin_training(arguments)
    corpus = None if arguments.whole_corpora else arguments.corpus
    found = cross_validate(recipe, arguments.corpora, arguments.out, corpus, arguments.seeds, arguments.only)
    console = wide_console()
    console.print(folds_table([(f"{fold.number}, seed {fold.seed}", each) for fold in found for each in fold.judged]))
    for name, forms in averages(found).items():
        means = ", ".join(f"{form} {percent(figures['uar'])}" for form, figures in forms.items())
        console.print(f"mean UAR, {name}: {means}")
    return OK
