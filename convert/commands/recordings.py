"""Recordings: `corpora` says what is there, `import` makes a corpus of what was downloaded or recorded."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from convert.commands.shared import FAILED, OK
from convert.terminal import wide_console

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    corpora = commands.add_parser(
        "corpora",
        help="say what the corpora in a folder hold, and what is wrong with them",
        description="Decode every file of the corpora in a folder and say what is there: classes, speakers, hours, "
        "levels, licences; and which files are broken, silent, of a narrow band, or there twice.",
    )
    corpora.add_argument("folder", type=Path, metavar="DIR", help="folder that holds one folder a corpus")
    corpora.add_argument("--only", nargs="+", metavar="CORPUS", help="these alone")
    corpora.add_argument("--plot", type=Path, metavar="FILE", help="draw it too (.png, .svg, .pdf)")
    corpora.add_argument("--json", type=Path, metavar="FILE", help="write it there too, with all faults")
    corpora.set_defaults(run=_corpora)
    _add_import(commands)


def _corpora(arguments: argparse.Namespace) -> int:
    from convert.corpora.report import classes_table, corpora_table, fault_lines, plain
    from convert.corpora.survey import corpora_in, survey
    from convert.errors import CorpusError
    from convert.progress import track

    surveys, refused = [], []
    for folder in corpora_in(arguments.folder):
        if arguments.only and folder.name not in arguments.only:
            continue
        try:
            surveys.append(survey(folder, progress=lambda files, total, name=folder.name: track(name, total)(files)))
        except CorpusError as error:
            refused.append(str(error))
    if not surveys and not refused:
        raise CorpusError(f"{arguments.folder} has none of {', '.join(arguments.only)}", "Leave --only out to see all")
    console = wide_console()
    if surveys:
        console.print(corpora_table(surveys))
        console.print(classes_table(surveys))
    for line in [line for each in surveys for line in fault_lines(each)] + refused:
        console.print(line, markup=False, highlight=False)
    if arguments.json:
        arguments.json.write_text(json.dumps([plain(each) for each in surveys], indent=1) + "\n", encoding="utf-8")
    if arguments.plot and surveys:
        from convert.corpora.plot import plot_corpora

        plot_corpora(surveys, arguments.plot)
    return FAILED if refused or not surveys else OK


def _add_import(commands: Commands) -> None:
    parser = commands.add_parser(
        "import",
        help="make a corpus of recordings as they were downloaded or recorded",
        description="Read who speaks and how from the names of files, write a manifest and link the files beside it. "
        "LAYOUT is whose names they are; 'plain' reads one's own: a folder an emotion, in it SPEAKER_ANYTHING.wav.",
    )
    parser.add_argument("layout", metavar="LAYOUT", help="ravdess, cremad, emodb, tess, savee, nemo, emovo, plain")
    parser.add_argument("source", type=Path, metavar="DIR", help="where the recordings are")
    parser.add_argument(
        "--corpora", type=Path, required=True, metavar="DIR", help="folder of corpora that gets the new one"
    )
    parser.add_argument("--name", default="", help="of the new corpus (default: that of the layout)")
    parser.add_argument("--title", default="", metavar="TEXT", help="what it is, for the card")
    parser.add_argument("--licence", default="", metavar="TEXT", help="of one's own recordings, for the card")
    parser.add_argument("--consent", default="", metavar="TEXT", help="what the speakers agreed to, for the card")
    parser.add_argument("--may-ship", action="store_true", help="weights trained on it may be passed on")
    parser.add_argument("--skip-broken", action="store_true", help="leave broken files out")
    parser.set_defaults(run=_import)


def _import(arguments: argparse.Namespace) -> int:
    from convert.corpora.importing import Own, import_corpus
    from convert.corpora.manifest import read_corpus
    from convert.progress import track

    own = Own(arguments.name, arguments.title, arguments.licence, arguments.consent, arguments.may_ship)
    folder = import_corpus(
        arguments.layout, arguments.source, arguments.corpora, track("decoding"),
        own=own, skip_broken=arguments.skip_broken,
    )  # fmt: skip
    print(f"{folder}: {len(read_corpus(folder)[1])} clips")
    return OK
