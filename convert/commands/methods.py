"""Methods: `list` names them all, `methods` tries each with a small budget and writes a table."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from convert.commands.shared import FAILED, OK, provide_synthetic, recipe_path
from convert.terminal import log_to, wide_console

if TYPE_CHECKING:
    from convert.recipe import Recipe

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

RESULTS = "methods"


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    listing = commands.add_parser("list", help="list all methods with a line each")
    listing.set_defaults(run=_list)

    table = commands.add_parser(
        "methods",
        help="try each method with a small budget, and write a table",
        description="Train a recipe's student once for each method, all else equal, judge it in float on held-out "
        "speakers, and write a table as JSON and Markdown. What is done is kept in the output folder: the same command "
        "goes on where it was stopped.",
    )
    table.add_argument("recipe", metavar="RECIPE", help="the base; as for run (one named methods came with edge-ser)")
    table.add_argument("--corpora", type=Path, metavar="DIR", help="as for run")
    table.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the runs")
    table.add_argument("--results", type=Path, metavar="PATH", help="PATH.json and PATH.md (default: methods in --out)")
    table.add_argument("--fold", type=int, metavar="N", help="hold out this fold of the recipe's first corpus, from 0")
    table.add_argument("--epochs", type=int, metavar="N", help="of each network (default: the recipe's)")
    table.add_argument("--variants", type=int, metavar="N", help="augmented copies (default: the recipe's)")
    table.add_argument("--only", nargs="+", metavar="METHOD", help="these and the base")
    table.add_argument(
        "--kind", nargs="+", metavar="KIND", help="those of a kind and the base: feature, architecture, .."
    )
    table.set_defaults(run=_methods)


def _list(_: argparse.Namespace) -> int:
    from rich.markup import escape
    from rich.table import Table

    from convert.listing import sections

    console = wide_console()
    for kind, lines in sections().items():
        table = Table(title=escape(kind), title_justify="left", show_header=False, box=None, padding=(0, 2))
        for name, line in lines.items():
            table.add_row(escape(name), escape(line))
        console.print(table)
        console.print()
    return OK


def _methods(arguments: argparse.Namespace) -> int:
    from convert.methods.plan import chosen
    from convert.recipe_file import load_recipe

    wanted = chosen(arguments.only, arguments.kind)
    recipe = load_recipe(recipe_path(arguments.recipe))
    log_to(arguments.out)
    corpora = arguments.corpora or arguments.out / "corpora"
    provide_synthetic(recipe.data.corpora, corpora)
    recipe = _with_budget(recipe, corpora, arguments)
    # TensorFlow is imported only once recipe and corpora are known to be good.
    from convert.methods.measure import measure_methods
    from convert.methods.report import write_results

    prefix = arguments.results or arguments.out / RESULTS
    about = {
        "command": _command(arguments),
        "epochs": recipe.student.training.epochs,
        "variants": recipe.data.variants,
        "held_out": {name: list(speakers) for name, speakers in recipe.data.held_out.items()},
    }
    results = []
    for result in measure_methods(recipe, corpora, arguments.out, wanted):
        results.append(result)
        write_results(results, about, prefix)
        print(f"{result.name}: {result.error or f'UAR {100 * result.uar:.1f} %'}", flush=True)
    print(f"{prefix.with_suffix('.md')}: {len(results)} methods")
    return FAILED if any(each.error for each in results) else OK


def _with_budget(recipe: Recipe, corpora: Path, arguments: argparse.Namespace) -> Recipe:
    from convert.corpora.manifest import read_corpus
    from convert.cross_validation import fold_recipe
    from convert.errors import RecipeError
    from convert.splits import folds_of

    if arguments.fold is not None:
        corpus = recipe.data.corpora[0]
        clips = read_corpus(corpora / corpus, recipe.classes)[1]
        folds = folds_of(clips, corpus)
        if not 0 <= arguments.fold < len(folds):
            raise RecipeError(f"{corpus} has no fold {arguments.fold}", f"Give 0 to {len(folds) - 1}")
        recipe = fold_recipe(recipe, clips, corpus, folds[arguments.fold], recipe.seed, arguments.fold)
    data, training = recipe.data, recipe.student.training
    if arguments.variants is not None:
        data = replace(data, variants=arguments.variants)
    if arguments.epochs is not None:
        training = replace(training, epochs=arguments.epochs)
    return replace(recipe, data=data, student=replace(recipe.student, training=training))


def _command(arguments: argparse.Namespace) -> str:
    """Return what makes the whole table again, without folders of this machine and without --only."""
    options = [
        f"--{name} {value}"
        for name in ("fold", "epochs", "variants")
        if (value := getattr(arguments, name)) is not None
    ]
    return " ".join(["edge-ser-convert methods", Path(arguments.recipe).stem, "--corpora DIR --out DIR", *options])
