"""`edge-ser-convert`: reads the arguments, and turns what can go wrong into one line and exit status 2."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.logging import RichHandler

from convert import signing
from edge_ser.errors import EdgeSerError

if TYPE_CHECKING:
    from convert.recipe import Recipe

OK, FAILED, INTERRUPTED = 0, 2, 130
LOG = "run.log"
PIPE_COLUMNS = 120
COMMANDS = (
    "convert.commands.recordings",
    "convert.commands.methods",
    "convert.commands.judging",
    "convert.commands.compressing",
    "convert.commands.trying",
)
"""Modules with further commands, each with `add_commands`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
    arguments = build_parser().parse_args(argv)
    try:
        status: int = _run_command(arguments)
    except EdgeSerError as error:
        print(f"edge-ser-convert: {' '.join(str(error).split())}", file=sys.stderr)
        return FAILED
    except OSError as error:  # no permission, no space
        print(f"edge-ser-convert: {error.filename or 'the output'}: {error.strerror}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("edge-ser-convert: stopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    return status


def _run_command(arguments: argparse.Namespace) -> int:
    from convert.errors import WorkerLostError

    try:
        status: int = arguments.run(arguments)
    except WorkerLostError as error:
        from convert.distribution import rejoin

        rejoin(error)
        raise
    return status


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="edge-ser-convert", description="Turns recordings of emotional speech into one verified model file."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

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
    _add_corpora(folds)
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

    evaluate = commands.add_parser(
        "evaluate",
        help="judge a model file",
        description="Judge a model file on people it never heard: 'speaker' on those whom it names as held out, "
        "'corpus' on the corpora it was not trained on, 'adapted' as 'speaker', learning each voice as it listens; "
        "'robustness' in noise, rooms and bad lines, 'fairness' by gender, language and speaker.",
    )
    evaluate.add_argument("model", type=Path, metavar="MODEL")
    _add_corpora(evaluate)
    protocols = ("speaker", "corpus", "adapted", "robustness", "fairness")
    evaluate.add_argument("--protocol", choices=protocols, default="speaker")
    evaluate.add_argument(
        "--every",
        type=int,
        default=1,
        metavar="N",
        help="with robustness: judge every Nth recording alone, to be quicker",
    )
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    evaluate.set_defaults(run=_evaluate)
    for command in COMMANDS:
        importlib.import_module(command).add_commands(commands)

    signing.add_parsers(commands)
    reference = commands.add_parser(
        "reference",
        help="let a model file know what it was made for",
        description="Measure what the recordings of a model file's own corpora are like, speakers held out left aside, "
        "and write that into its metadata, so that the board can tell when what it hears is unlike that (drift). "
        "Network, decisions and card stay as they are.",
    )
    reference.add_argument("model", type=Path, metavar="MODEL")
    _add_corpora(reference)
    reference.add_argument("--out", type=Path, metavar="FILE", help="write another file instead of MODEL itself")
    reference.set_defaults(run=_reference)

    commands.add_parser("recipes", help="list the recipes that came with edge-ser").set_defaults(run=_recipes)
    return parser


def _add_corpora(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--corpora", type=Path, required=True, metavar="DIR", help="folder that holds one folder a corpus"
    )


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


def _evaluate(arguments: argparse.Namespace) -> int:
    from convert.evaluate.model_file import evaluate_adapted, evaluate_file
    from convert.evaluate.report import adapted_table, print_report, to_plain

    if arguments.protocol == "adapted":
        adapted = evaluate_adapted(arguments.model, arguments.corpora)
        wide_console().print(adapted_table(adapted))
        _write_figures(arguments, [asdict(each) for each in adapted])
        return OK
    if arguments.protocol in ("robustness", "fairness"):
        from convert.commands.judging import judge_shipped

        _write_figures(arguments, judge_shipped(arguments))
        return OK
    judged = evaluate_file(arguments.model, arguments.corpora, arguments.protocol)
    print_report(judged, wide_console())
    _write_figures(arguments, to_plain(judged))
    return OK


def _write_figures(arguments: argparse.Namespace, sets: object) -> None:
    if arguments.json:
        plain = {"model": arguments.model.name, "protocol": arguments.protocol, "sets": sets}
        arguments.json.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def _reference(arguments: argparse.Namespace) -> int:
    from convert.drift import known_clips, reader, with_reference
    from edge_ser.student.model_file import ModelFile

    model = ModelFile.load(arguments.model)
    known = with_reference(model, known_clips(model, arguments.corpora), reader(arguments.corpora))
    path = arguments.out or arguments.model
    known.write(path)
    reference = known.metadata.drift
    assert reference is not None
    limits = ", ".join(f"{name} {limit:.2f}" for name, limit in reference.limits.items())
    wide_console().print(f"{path}: reference of {reference.utterances} utterances; limits: {limits}")
    return OK


def _recipes(_: argparse.Namespace) -> int:
    from convert.recipe_file import RECIPES

    for path in sorted(RECIPES.glob("*.toml")):
        print(path.stem)
    return OK


def provide_synthetic(names: Sequence[str], corpora: Path) -> None:
    """Make the synthetic corpus where a recipe wants it and it is not there.

    Raises
    ------
    CorpusError
        It cannot be written there.
    """
    from convert.corpora.catalogue import SYNTHETIC
    from convert.corpora.manifest import MANIFEST_NAME
    from convert.corpora.synthetic import make_corpus
    from convert.errors import CorpusError

    folder = corpora / SYNTHETIC
    if SYNTHETIC not in names or (folder / MANIFEST_NAME).is_file():  # the manifest is written last
        return
    try:
        make_corpus(folder)
    except OSError as error:
        raise CorpusError(
            f"The synthetic corpus cannot be written to {folder} ({error.strerror})", "Leave --corpora out"
        ) from error


def recipe_path(name: str) -> Path:
    """Return the file that is meant by a path or by the name of a recipe that came with edge-ser."""
    from convert.recipe_file import RECIPES

    shipped = RECIPES / f"{name}.toml"
    return shipped if shipped.is_file() and not Path(name).is_file() else Path(name)


def wide_console(columns: int = PIPE_COLUMNS) -> Console:
    """Return the terminal, or where there is none, so many columns: a pipe or a log can hold whole tables."""
    console = Console()
    return console if console.is_terminal else Console(width=columns)


def log_to(out: Path) -> None:
    """Log to the terminal in short and to `run.log` with times."""
    out.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(out / LOG, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    terminal = RichHandler(show_path=False, show_level=False)
    terminal.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[file, terminal], force=True)
    for talkative in ("absl", "tensorflow"):
        logging.getLogger(talkative).setLevel(logging.ERROR)


if __name__ == "__main__":
    raise SystemExit(main())
