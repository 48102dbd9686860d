"""`edge-ser model`: what a model file is, whether it is whole and computes rightly here, and which are installed."""

from __future__ import annotations

import argparse
import hashlib
from typing import TYPE_CHECKING

from edge_ser import configuration
from edge_ser.cli.installed import add_actions
from edge_ser.cli.terminal import one_line, tell_passed_over, write

if TYPE_CHECKING:
    from edge_ser.student.model_file import ModelFile


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "model",
        help="show, verify or install a model file",
        description="Look into a model file, or choose the one that this device uses.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    show = actions.add_parser(
        "show",
        help="say what it is",
        description="Say what a model file is: labels, front end, thresholds, data, licence, metrics.",
    )
    show.add_argument("file", nargs="?", metavar="FILE", help="the model file (the one in use)")
    what = show.add_mutually_exclusive_group()
    what.add_argument("--json", action="store_true", help="print the whole metadata as JSON")
    what.add_argument("--card", action="store_true", help="print the model card, Markdown")
    show.set_defaults(run=run_show)
    verify = actions.add_parser(
        "verify",
        help="check it, and that it computes rightly on this machine",
        description="Check that a file is whole, fits this version, and computes here what it did where it was made.",
    )
    verify.add_argument("file", metavar="FILE")
    verify.set_defaults(run=run_verify)
    add_actions(actions)


def run_show(args: argparse.Namespace) -> int:
    """Print what a model file says about itself."""
    # Imported here, as below: other commands must start without NumPy and the student.
    from edge_ser.store.choose import choose_model
    from edge_ser.student.model_file import ModelFile
    from edge_ser.student.strict import to_json

    if args.file:
        path, model = args.file, ModelFile.load(args.file)
    else:
        choice = choose_model(configuration.load().settings)
        tell_passed_over(choice.passed_over)
        path, model = str(choice.path), choice.model
    if args.card:
        # A card is anybody's text: nothing in it may move the cursor.
        write("\n".join(one_line(line) for line in model.card.rstrip().split("\n")) + "\n")
    elif args.json:
        write(to_json(model.metadata))
    else:
        write(summary(path, model) + "\n")
    return 0


def run_verify(args: argparse.Namespace) -> int:
    """Load a model file, run its golden steps and say so; raise what is wrong with it."""
    from edge_ser.student.container import read_file, take_apart
    from edge_ser.student.model_file import ModelFile
    from edge_ser.student.signature import describe_signature, signer_of
    from edge_ser.student.stepper import Stepper

    content = read_file(args.file)
    parts = take_apart(content, args.file)
    signer = signer_of(parts, args.file, required=False)
    model = ModelFile.from_parts(parts, args.file)
    Stepper(model).self_test()
    about, digest = model.metadata, hashlib.sha256(content).hexdigest()
    write(one_line(f"{args.file}: {about.name} {about.version} is whole and computes rightly here") + "\n")
    write(f"{describe_signature(parts, signer)}\nSHA-256 {digest}\n")
    return 0


def summary(path: str, model: ModelFile) -> str:
    """Return a model's facts as aligned lines."""
    about = model.metadata
    front_end, decision = about.features.front_end, about.decision
    merged = [f"{name} counts as {label}" for name, label in about.label_of_class.items() if name != label]
    beside = "".join(f", {name}" for name in about.features.extras)
    window_ms = 1000 * front_end.win_length / front_end.sample_rate
    hop_ms = 1000 * front_end.hop_length / front_end.sample_rate
    facts = [
        ("file", path),
        ("model", f"{about.name} {about.version}, network of {len(model.tflite) / 1000:.0f} kB"),
        ("labels", ", ".join(about.labels) + (f" ({', '.join(merged)})" if merged else "")),
        *(
            (f"labels {name}", f"{', '.join(each.labels)}: --labels {name}")
            for name, each in (decision.label_sets or {}).items()
        ),
        (
            "features",
            f"{front_end.n_mfcc} MFCC of {front_end.n_mels} bands{beside}, {window_ms:.0f} ms every {hop_ms:.0f} ms, "
            f"tables {about.features.tables_sha256[:12]}",
        ),
        ("step", f"{1000 * about.features.step_seconds:.0f} ms"),
        (
            "decision",
            f"after {decision.warm_up_seconds:g} s of speech; uncertain below {100 * decision.uncertain_below:.0f} %, "
            f"which {100 * decision.stated_coverage:.0f} % of recordings were above",
        ),
        ("data", "; ".join(f"{corpus.name} ({corpus.licence})" for corpus in about.provenance.corpora) or "none"),
        ("held out", ", ".join(about.provenance.held_out) or "nobody"),
        ("recipe", about.provenance.recipe),
        ("licence", about.licence),
        *((name, f"{value:.4g}") for name, value in about.metrics.items()),
    ]
    width = max(len(name) for name, _ in facts)
    return "\n".join(one_line(f"{name:{width}}  {fact}") for name, fact in facts)
