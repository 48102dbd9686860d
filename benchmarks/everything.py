"""`edge-ser-bench all`: every question that can be answered here, as JSON, Markdown, charts and one HTML page.

The page and the Markdown hold all reports of the folder: those of this run and those that lay there from others, such
as the soak of days or the emulated boards, each with its own date and machine.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import goals
from benchmarks.page.charts import standalone
from benchmarks.page.html_page import page
from benchmarks.page.plots import plots_of
from benchmarks.questions import ON_CORPORA, QUESTIONS, TAKES_CORPORA, TAKES_LONG, says
from benchmarks.readme import markdown
from benchmarks.report import show, write
from benchmarks.running import measure
from edge_ser.errors import EdgeSerError, SettingsError

PAGE, MARKDOWN, PLOTS = "report.html", "report.md", "plots"


def run_all(out: Path, quick: bool = False, corpora: Path | None = None, only: Sequence[str] = ()) -> list[str]:
    """Measure, write everything into a folder, and return what could not be measured and why.

    Parameters
    ----------
    out : Path
        Made where it is missing; reports of the same names are replaced.
    quick : bool
        Fewer repeats: about a minute.
    corpora : Path, optional
        Folder that holds one folder a corpus: adds the questions that need recordings of people.
    only : sequence of str
        Questions; all where it is empty.

    Raises
    ------
    SettingsError
        A question is unknown, or needs corpora and has none.
    """
    questions = chosen(only, corpora)
    out.mkdir(parents=True, exist_ok=True)
    failed = []
    for nth, question in enumerate(questions, 1):
        began = time.monotonic()
        print(f"[{nth} of {len(questions)}] {question}: {says(question)}", file=sys.stderr, flush=True)
        options: dict[str, Any] = {"quick": quick}
        if question in (*ON_CORPORA, *TAKES_CORPORA) and corpora is not None:
            options["corpora"] = corpora
        try:
            report = measure(question, options)
        except (EdgeSerError, ModuleNotFoundError) as error:
            failed.append(f"{question} is not measured: {error}")
            print(f"    {failed[-1]}", file=sys.stderr, flush=True)
            continue
        show(report)
        write(report, out)
        print(f"    {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    judged = goals.judge_folder(out)
    show(judged)
    write(judged, out)
    write_pages(out)
    return failed


def chosen(only: Sequence[str], corpora: Path | None) -> list[str]:
    """Return the questions to be answered, in order.

    Raises
    ------
    SettingsError
        One is unknown, or needs corpora.
    """
    possible = [name for name in QUESTIONS if name not in TAKES_LONG]
    possible += ON_CORPORA if corpora is not None else []
    for name in only:
        if name not in possible:
            cure = "Give --corpora DIR" if name in ON_CORPORA else f"Choose from {', '.join(possible)}"
            raise SettingsError(f"Question {name!r} cannot be answered with the others", cure)
    return [name for name in possible if not only or name in only]


def write_pages(folder: Path) -> None:
    """Write the page, the Markdown and the charts of all reports in a folder."""
    reports = in_order(json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json")))
    (folder / PAGE).write_text(page(reports, {report["name"]: says(report["name"]) for report in reports}), "utf-8")
    sections = [f"## {report['name']}\n\n{markdown(report)}" for report in reports]
    (folder / MARKDOWN).write_text("\n".join(["# What edge-ser costs\n", *sections]), encoding="utf-8")
    plots = folder / PLOTS
    plots.mkdir(exist_ok=True)
    for report in reports:
        for name, svg in plots_of(report).items():
            (plots / f"{name}.svg").write_text(standalone(svg), encoding="utf-8")


def in_order(reports: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return reports with the goals first and then as the questions stand; what is no report is left out."""
    order = [goals.NAME, *QUESTIONS, *ON_CORPORA]
    known = [report for report in reports if {"name", "tables", "figures", "machine"} <= report.keys()]
    return sorted(known, key=lambda report: order.index(report["name"]) if report["name"] in order else len(order))
