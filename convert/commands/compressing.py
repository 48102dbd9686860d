"""Smaller students and smaller machines: `compressions` compares the methods, `c-array` writes C sources."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from convert.commands.shared import OK, provide_synthetic, recipe_path
from convert.terminal import log_to, wide_console

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

NAME = "compression"


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    from convert.compressions.plan import DEFAULT

    table = commands.add_parser(
        "compressions",
        help="compare ways to make a recipe's student smaller",
        description="Compress a recipe's float student in many ways, and compare accuracy, size, time and memory. What "
        "is done is kept in the output folder: the same command goes on where it was stopped. Writes compression.json, "
        ".md and .png there.",
        epilog="A combination is steps joined by '+': channels:SHARE takes channels away, prune:SHARE makes weights "
        "zero little by little and prune-at-once:SHARE from the beginning, cluster:NUMBER lets weights share values, "
        "and the last step is float, ptq (int8 after training) or qat (int8 in training). By default: "
        + "; ".join(DEFAULT),
    )
    table.add_argument("recipe", metavar="RECIPE", help="as for run")
    table.add_argument("--corpora", type=Path, metavar="DIR", help="as for run")
    table.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the table and its stages")
    table.add_argument(
        "--from",
        dest="run_folder",
        type=Path,
        metavar="DIR",
        help="folder of a finished run of the recipe, whose data, teachers and student are taken as they are",
    )
    table.add_argument(
        "--weights", type=Path, metavar="FILE", help="with --from: weights.h5 of the float student to begin with"
    )
    table.add_argument(
        "--combination", action="append", metavar="STEPS", help="one to make, may be repeated (default: see below)"
    )
    table.add_argument("--epochs", type=int, metavar="N", help="of each training, instead of the recipe's")
    table.add_argument("--representative", type=int, metavar="N", help="clips to calibrate int8 on, not the recipe's")
    table.add_argument(
        "--other-python",
        type=Path,
        metavar="FILE",
        help="Python of another environment, to time its TFLite runtime as well",
    )
    table.set_defaults(run=_compressions)

    arrays = commands.add_parser(
        "c-array",
        help="write a model file as C sources for a microcontroller",
        description="Write a model file as C99: the network as an array for tflite-micro, the numbers one must know to "
        "feed it, the front end's tables, and a few steps with the right answers to test a port with.",
    )
    arrays.add_argument("model", type=Path, metavar="MODEL")
    arrays.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the sources")
    arrays.set_defaults(run=_c_array)


def _compressions(arguments: argparse.Namespace) -> int:
    from convert.compressions.plan import DEFAULT, parse
    from convert.errors import RecipeError
    from convert.recipe_file import load_recipe

    recipe = load_recipe(recipe_path(arguments.recipe))
    combinations = [parse(text) for text in arguments.combination or DEFAULT]
    if arguments.weights is not None and arguments.run_folder is None:
        raise RecipeError("--weights stands alone", "Name the run that made them with --from")
    if arguments.representative:
        quantisation = replace(recipe.quantisation, representative_clips=arguments.representative)
        recipe = replace(recipe, quantisation=quantisation)
    log_to(arguments.out)
    # TensorFlow is imported only once the recipe and the combinations are known to be good.
    from convert.compressions.report import rows, write
    from convert.compressions.start import start_anew, start_from
    from convert.compressions.steps import Workshop, start
    from convert.compressions.table import measure_all
    from convert.evaluate.shipped_tables import WIDE, print_rows

    if arguments.run_folder is not None:
        prepared, taught, soft, weights = start_from(recipe, arguments.run_folder, arguments.weights)
    else:
        corpora = arguments.corpora or arguments.out / "corpora"
        provide_synthetic(recipe.data.corpora, corpora)
        prepared, taught, soft, weights = start_anew(recipe, corpora, arguments.out)
    trainings = [recipe.pruning.training, recipe.pruning.training, recipe.quantisation.training]
    if arguments.epochs:
        trainings = [replace(each, epochs=arguments.epochs) for each in trainings]
    workshop = Workshop(prepared, taught, soft, arguments.out, *trainings)
    found = measure_all(workshop, start(prepared, weights), combinations, arguments.other_python)
    console = wide_console(WIDE)
    print_rows(f"Compressions of {recipe.name}'s student", rows(found), console)
    about = _about(arguments, [each.epochs for each in trainings], len(prepared.split.held_out), recipe.seed)
    facts = {"recipe": recipe.name, "epochs": [each.epochs for each in trainings], "seed": recipe.seed}
    for path in write(found, arguments.out / NAME, about, facts):
        console.print(str(path))
    return OK


def _c_array(arguments: argparse.Namespace) -> int:
    from convert.export.c_array import write_c_arrays
    from edge_ser.student.model_file import ModelFile

    for path in write_c_arrays(ModelFile.load(arguments.model), arguments.out):
        print(path)
    return OK


def _about(arguments: argparse.Namespace, epochs: list[int], held_out: int, seed: int) -> list[str]:
    return [
        f"Made by `edge-ser-convert compressions {Path(arguments.recipe).stem} ...` from one float student; after "
        f"channels went {epochs[0]} epochs of training, while weights become zeros or share values {epochs[1]}, with "
        f"quantisation in the forward pass {epochs[2]}. Seed {seed}: differences of a point or two are within chance.",
        f"UAR over the labels, the int8 file itself, a step at a time: of the validation speakers, by which to choose, "
        f"and of the held-out speakers ({held_out} recordings), by which not to.",
        "`zeros` is the share of zeros among the int8 weights of the convolutions, all but the attention head's single "
        "filter; biases are int32 and do not count. It is what `prune` was asked for, but for rounding: tfmot prunes "
        "each kernel by itself.",
        "Times: the fastest of interleaved rounds, one thread; a step is 80 ms of audio. `arena` is what tensors and "
        "bookkeeping take on tflite-micro. `front` marks what no other combination beats in validation UAR, "
        "compressed size and time together.",
    ]
