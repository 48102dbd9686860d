"""Trying recipes: `ablate` takes a part away, `search` looks for better values, `protocols` splits in other ways."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from convert.commands.shared import OK, provide_synthetic, recipe_path
from convert.terminal import log_to, wide_console

if TYPE_CHECKING:
    from convert.ablation import Difference

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

SHOWN = 10  # of the best trials


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    ablate = commands.add_parser(
        "ablate",
        help="say what a part of a recipe is worth",
        description="Run a recipe as it is and with each switch, for several seeds, and print what each switch "
        "changes, with its interval over seeds. What is done is kept: the same command goes on where it was stopped.",
    )
    _add_recipe(ablate)
    ablate.add_argument(
        "--switch",
        action="append",
        required=True,
        metavar="KEY=VALUE",
        help="a change to the recipe, like augment.noise.probability=0; may be repeated, each is tried by itself; "
        "several changes at once are joined by ';'",
    )
    ablate.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 0 to N - 1 (default: %(default)s)")
    ablate.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    ablate.set_defaults(run=_ablate)

    search = commands.add_parser(
        "search",
        help="look for better values of a recipe's keys",
        description="Try values of some keys with Optuna, judged by the validation speakers; the held-out speakers are "
        "not asked. The same command goes on where it was stopped; with a database that several machines reach, all "
        "of them search together.",
    )
    _add_recipe(search)
    search.add_argument(
        "--space",
        type=Path,
        required=True,
        metavar="FILE",
        help='TOML: "student.training.learning_rate" = {low = 1e-4, high = 1e-2, log = true}, or {choices = [...]}',
    )
    search.add_argument("--trials", type=int, default=20, metavar="N", help="to be done in all (default: %(default)s)")
    search.add_argument(
        "--storage", metavar="URL", help="database, like postgresql://...; default: a file in the output folder"
    )
    search.set_defaults(run=_search)

    protocols = commands.add_parser(
        "protocols",
        help="judge one recipe honestly and as others do, side by side",
        description="Train a recipe with speakers held out, with recordings held out by chance, and with augmented "
        "copies of what is judged in training, and write what each seems to be worth. What is done is kept.",
    )
    _add_recipe(protocols)
    protocols.add_argument(
        "--results", type=Path, metavar="PATH", help="PATH.json and PATH.md (default: protocols in --out)"
    )
    protocols.set_defaults(run=_protocols)


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE", help="as for run")
    parser.add_argument("--corpora", type=Path, metavar="DIR", help="as for run")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the runs")


def _ablate(arguments: argparse.Namespace) -> int:
    from convert.ablation import ablate
    from convert.changes import parse_changes
    from convert.errors import RecipeError
    from convert.evaluate.shipped_tables import WIDE, print_rows

    if arguments.seeds < 1:
        raise RecipeError(f"--seeds {arguments.seeds} runs nothing", "Give 1 or more; three for a claim")
    switches = {text: parse_changes(text.split(";")) for text in arguments.switch}
    log_to(arguments.out)
    path = recipe_path(arguments.recipe)
    corpora = _corpora(arguments, path)
    found = ablate(path, switches, range(arguments.seeds), corpora, arguments.out)
    print_rows("What a switch changes, held-out speakers, per cent and points", _rows(found), wide_console(WIDE))
    if arguments.json:
        plain = [{**asdict(each), "mean": each.mean, "interval": each.interval} for each in found]
        arguments.json.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    return OK


def _rows(found: list[Difference]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    rows = []
    for each in found:
        base, switched = (" ".join(f"{100 * uar:.1f}" for uar in side) for side in (each.base, each.switched))
        interval = each.interval
        shown = "-" if interval is None else f"{100 * interval[0]:+.1f} to {100 * interval[1]:+.1f}"
        rows.append((each.switch, each.recordings, base, switched, f"{100 * each.mean:+.1f}", shown))
    return ("switch", "recordings of", "UAR without", "with", "difference", "95 % over seeds"), rows


def _search(arguments: argparse.Namespace) -> int:
    from convert.errors import RecipeError
    from convert.evaluate.shipped_tables import WIDE, print_rows

    try:
        from convert.search import read_space, search
    except ModuleNotFoundError as error:
        raise RecipeError(f"{error.name} is not installed", "Run: pip install '.[search]' in the checkout") from error
    space = read_space(arguments.space)
    log_to(arguments.out)
    path = recipe_path(arguments.recipe)
    corpora = _corpora(arguments, path)
    found = search(path, space, corpora, arguments.out, arguments.trials, arguments.storage)
    head = ("trial", "UAR validation", *space)
    rows = [(str(each.number), f"{100 * each.uar:.1f}", *(f"{each.values[key]}" for key in space)) for each in found]
    console = wide_console(WIDE)
    print_rows(f"The best of {len(found)} recipes, per cent", (head, rows[:SHOWN]), console)
    best = " ".join(f"--set {key}={json.dumps(value)}" for key, value in found[0].values.items())
    console.print(f"Run the best one with: edge-ser-convert run {arguments.recipe} {best} --out ...", soft_wrap=True)
    return OK


def _protocols(arguments: argparse.Namespace) -> int:
    from convert.protocol_table import TRIED, judge_protocol, markdown, write_rows
    from convert.recipe_file import load_recipe

    log_to(arguments.out)
    path = recipe_path(arguments.recipe)
    recipe = load_recipe(path)
    corpora = _corpora(arguments, path)
    rows = [judge_protocol(recipe, protocol, corpora, arguments.out) for protocol in TRIED]
    prefix = arguments.results or arguments.out / "protocols"
    command = f"edge-ser-convert protocols {arguments.recipe} --corpora DIR --out DIR --results {prefix}"
    write_rows(rows, recipe, command, prefix)
    wide_console().print(markdown(rows, recipe, command), markup=False)
    return OK


def _corpora(arguments: argparse.Namespace, path: Path) -> Path:
    """Return the folder of the corpora; the synthetic one is made where the recipe wants it."""
    from convert.recipe_file import load_recipe

    corpora: Path = arguments.corpora or arguments.out / "corpora"
    provide_synthetic(load_recipe(path).data.corpora, corpora)
    return corpora
