"""`edge-ser model install`, `list`, `use`, `rollback`, `remove`: models in the field."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from edge_ser import configuration
from edge_ser.cli.settings_flags import add_settings_flags, configuration_of
from edge_ser.cli.terminal import one_line, print_note, tell_passed_over, write
from edge_ser.errors import EdgeSerError
from edge_ser.settings import Settings

if TYPE_CHECKING:
    from edge_ser.store.choose import Choice

_INSTALL = """\
Check a model file, try it out in a process of its own, and use it from now on.
It is refused if it is damaged or made for another front end, if a trusted key
signed it and it was changed since, or if it does not compute here what it did
where it was made. After a power cut, whenever it comes, either the old model is
in use or the new one.
"""
_INSTALL_EPILOG = """\
Public keys (NAME.pub, PEM) in ~/.config/edge-ser/trusted-keys are trusted.
Models are kept in ~/.local/share/edge-ser/models. $XDG_CONFIG_HOME and
$XDG_DATA_HOME count, where they are set.
"""
_WHICH = "first digits of its SHA-256, or `shipped`"


def add_actions(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the actions on installed models."""
    install = actions.add_parser(
        "install",
        help="check a file, and use it from now on",
        description=_INSTALL,
        epilog=_INSTALL_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    install.add_argument("file", metavar="FILE")
    install.add_argument("--keep", type=int, default=3, metavar="N", help="models kept, with this one (%(default)s)")
    install.set_defaults(run=run_install)
    listed = actions.add_parser("list", help="show the installed models, and which is in use")
    listed.add_argument("--json", action="store_true", help="print one JSON object a line")
    listed.set_defaults(run=run_list)
    use = actions.add_parser("use", help="use another of the installed models, or the shipped one")
    use.add_argument("which", metavar="WHICH", help=_WHICH)
    use.set_defaults(run=run_use)
    rollback = actions.add_parser("rollback", help="use the model that was used before")
    rollback.set_defaults(run=run_rollback)
    remove = actions.add_parser("remove", help="delete an installed model")
    remove.add_argument("which", metavar="WHICH", help=_WHICH)
    remove.set_defaults(run=run_remove)
    for parser in (install, use, listed, rollback, remove):
        meant = ("require_signature", "backend") if parser in (install, use) else ("require_signature",)
        add_settings_flags(parser, without=[name for name in configuration.fields() if name not in meant])


def run_install(args: argparse.Namespace) -> int:
    """Install a file and say what is in use."""
    # Imported here, as below: other commands must start without NumPy and the student.
    from edge_ser.store.choose import SHORT
    from edge_ser.store.install import install

    settings = configuration_of(args).settings
    done = install(args.file, require_signature=settings.require_signature, backend=settings.backend, keep=args.keep)
    about = done.model.metadata
    write(one_line(f"{about.name} {about.version} ({done.identity[:SHORT]}) is in use; {done.signature}") + "\n")
    if done.removed:
        write(f"deleted: {', '.join(identity[:SHORT] for identity in done.removed)}\n")
    if settings.model is not None:
        print_note(f"the setting model names {settings.model}, which comes before what is installed")
    return 0


def run_use(args: argparse.Namespace) -> int:
    """Use another model."""
    from edge_ser.store.install import use

    settings = configuration_of(args).settings
    use(args.which, require_signature=settings.require_signature, backend=settings.backend)
    return _tell_in_use(settings)


def run_rollback(args: argparse.Namespace) -> int:
    """Use the model before."""
    from edge_ser.store.install import rollback

    settings = configuration_of(args).settings
    rollback()
    return _tell_in_use(settings)


def run_remove(args: argparse.Namespace) -> int:
    """Delete a model."""
    from edge_ser.store.install import remove

    settings = configuration_of(args).settings
    remove(args.which)
    return _tell_in_use(settings)


def run_list(args: argparse.Namespace) -> int:
    """Print a line a model, the one in use first, and why any is passed over."""
    from edge_ser.store.choose import SHORT

    rows = rows_of(configuration_of(args).settings)
    if args.json:
        write("".join(json.dumps(row) + "\n" for row in rows))
        return 0
    for row in rows:
        mark = "*" if row["in_use"] else " "
        about = row["problem"] or f"{row['name']} {row['version']}"
        identity = str(row["identity"])[:SHORT]
        write(f"{mark} {identity:{SHORT}}  {one_line(str(about))}\n")
    return 0


def rows_of(settings: Settings) -> list[dict[str, object]]:
    """Return what there is to say of each model: last used first, those out of use behind the shipped one."""
    from edge_ser.store import folder
    from edge_ser.store.choose import choose_model, load_installed
    from edge_ser.student.model_file import ModelFile

    choice = choose_model(settings)
    tell_passed_over(choice.passed_over)
    used = [identity for identity in reversed(folder.state_or_none().used) if identity != folder.SHIPPED]
    others = [identity for identity in folder.identities() if identity not in used]
    rows = []
    for identity in (*used, folder.SHIPPED, *others):
        problem, name, version = "", "", ""
        try:
            shipped = identity == folder.SHIPPED
            model = ModelFile.load_bundled() if shipped else load_installed(identity, settings.require_signature)
            name, version = model.metadata.name, model.metadata.version
        except EdgeSerError as error:
            problem = str(error)
        rows.append({
            "identity": identity, "name": name, "version": version, "in_use": identity == identity_of(choice),
            "problem": problem,
        })  # fmt: skip
    return rows


def identity_of(choice: Choice) -> str:
    """Return the SHA-256 of an installed model, `shipped`, or nothing for one that is neither."""
    return {"installed": choice.path.stem, "shipped": "shipped", "named": ""}[choice.origin]


def _tell_in_use(settings: Settings) -> int:
    from edge_ser.store.choose import choose_model

    choice = choose_model(settings)
    tell_passed_over(choice.passed_over)
    about = choice.model.metadata
    write(one_line(f"{about.name} {about.version} ({choice.origin}, {choice.path}) is in use") + "\n")
    return 0
