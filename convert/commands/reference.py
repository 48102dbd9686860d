"""Letting a model file know what it was made for: `reference`; see `convert.drift`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from convert.commands.shared import OK, add_corpora
from convert.terminal import wide_console

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    reference = commands.add_parser(
        "reference",
        help="let a model file know what it was made for",
        description="Measure what the recordings of a model file's own corpora are like, speakers held out left aside, "
        "and write that into its metadata, so that the board can tell when what it hears is unlike that (drift). "
        "Network, decisions and card stay as they are.",
    )
    reference.add_argument("model", type=Path, metavar="MODEL")
    add_corpora(reference)
    reference.add_argument("--out", type=Path, metavar="FILE", help="write another file instead of MODEL itself")
    reference.set_defaults(run=_reference)


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
