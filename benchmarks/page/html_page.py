"""The page: goals first, then a section a question, with its charts, its tables and where it was measured."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.page.charts import PALETTE
from benchmarks.page.plots import plots_of
from benchmarks.report import cell_text

Plain = Mapping[str, Any]
SHOWN_FACTS = ("processor", "cores", "memory_mb", "governor", "throttling", "system", "python", "numpy",
               "ai-edge-litert", "tflite-runtime", "date")  # fmt: skip
OPEN_ROWS = 12  # a longer table waits behind its title, unless it is the first of its section

STYLE = """
:root{color-scheme:light dark;--paper:#fafaf9;--card:#fff;--ink:#1c1917;--soft:#57534e;--line:#e7e5e4;--good:#0f766e;\
--bad:#b45309;--accent:#0f766e}
@media (prefers-color-scheme:dark){:root{--paper:#171412;--card:#211d1b;--ink:#f5f5f4;--soft:#a8a29e;--line:#3a3532;\
--good:#2dd4bf;--bad:#fbbf24;--accent:#2dd4bf}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);\
font:16px/1.55 system-ui,'Segoe UI','DejaVu Sans',sans-serif}
main{max-width:1040px;margin:0 auto;padding:2.5rem 1.25rem 4rem}h1{font-size:2rem;line-height:1.2;margin:0 0 .4rem}
h2{font-size:1.35rem;margin:0 0 .2rem}h3{font-size:1rem;margin:1.4rem 0 .4rem}
p{margin:.3rem 0 .8rem}.soft{color:var(--soft)}
nav{display:flex;flex-wrap:wrap;gap:.4rem;margin:1.2rem 0 1.8rem}
nav a{padding:.2rem .7rem;border:1px solid var(--line);\
border-radius:99px;color:var(--ink);text-decoration:none;background:var(--card);font-size:.9rem}
nav a:hover{border-color:var(--accent)}
.goals{display:grid;grid-template-columns:repeat(auto-fill,minmax(270px,1fr));gap:.75rem;margin:1rem 0 2rem}
.goal,section{background:var(--card);border:1px solid var(--line);border-radius:12px}
.goal{padding:.9rem 1rem;border-left:4px solid var(--good)}.goal.no{border-left-color:var(--bad)}
.goal.unknown{border-left-color:var(--line)}.goal b{display:block;font-size:1.45rem;line-height:1.2}
.goal span{font-size:.88rem;color:var(--soft)}.goal em{font-style:normal;font-weight:600;color:var(--good)}
.goal.no em{color:var(--bad)}.goal.unknown em{color:var(--soft)}
section{padding:1.4rem 1.5rem;margin:0 0 1.4rem;scroll-margin-top:1rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums}
th,td{padding:.32rem .6rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--soft);font-weight:600;vertical-align:bottom;white-space:normal}
th:first-child,td:first-child{text-align:left;white-space:normal;min-width:9rem}
tr:last-child td{border-bottom:0}table.pair{width:auto;min-width:60%}
th.words,td.words{text-align:left}td.yes{color:var(--good);font-weight:600}td.no{color:var(--bad);font-weight:600}
details{margin:.7rem 0}summary{cursor:pointer;color:var(--soft);font-weight:600;font-size:.92rem}
svg{display:block;width:100%;height:auto;margin:1.2rem 0}.notes{font-size:.88rem;color:var(--soft);padding-left:1.1rem}
code{font:0.88em ui-monospace,monospace}footer{color:var(--soft);font-size:.88rem}
@media print{nav{display:none}section,.goal{break-inside:avoid}details{display:block}}
"""


def page(reports: Sequence[Plain], questions: Mapping[str, str]) -> str:
    """Return the page.

    Parameters
    ----------
    reports : sequence of mapping
        As their JSON files hold them, in the order in which they are shown; `goals` among them stands at the top.
    questions : mapping
        What each of them answers.
    """
    goals = next((report for report in reports if report["name"] == "goals"), None)
    others = [report for report in reports if report["name"] != "goals"]
    facts = others[0]["machine"] if others else {}
    links = "".join(f'<a href="#{report["name"]}">{html.escape(report["name"])}</a>' for report in others)
    sections = "".join(_section(report, questions.get(report["name"], "")) for report in others)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>What edge-ser costs</title>'
        f"<style>{STYLE}{PALETTE}</style></head><body><main><h1>What edge-ser costs</h1>"
        f'<p class="soft">{html.escape(_where(facts))}</p><nav>{links}</nav>'
        f"{'' if goals is None else _goals(goals)}{sections}"
        "<footer><p>Candidates take turns within one run; a ratio is taken in each round, and what is shown is the "
        "median with its quartiles. Absolute times hold for this machine alone. Made by "
        "<code>edge-ser-bench all</code>.</p></footer></main></body></html>\n"
    )


def _goals(report: Plain) -> str:
    (table,) = report["tables"]
    cards = []
    for what, found, most, reached in table["rows"]:
        kind = {"yes": "yes", "no": "no"}.get(reached, "unknown")
        verdict = {"yes": "reached", "no": "not reached"}.get(reached, "not measured")
        cards.append(
            f'<div class="goal {kind}"><b>{html.escape(str(found))}</b><em>{verdict}</em> '
            f"<span>· at most {html.escape(str(most))}<br>{_inline(str(what))}</span></div>"
        )
    return f'<h2>{html.escape(table["title"])}</h2><div class="goals">{"".join(cards)}</div>'


def _section(report: Plain, question: str) -> str:
    said = f'<p class="soft">{_inline(question[:1].upper() + question[1:])}.</p>' if question else ""
    charts = "".join(plots_of(report).values())
    first, *others = report["tables"] or [None]
    tables = "" if first is None else _table(first, True)
    tables += "".join(_table(table, len(table["rows"]) <= OPEN_ROWS) for table in others)
    notes = "".join(f"<li>{_inline(note)}</li>" for note in report["notes"])
    listed = f'<ul class="notes">{notes}</ul>' if notes else ""
    facts = {"columns": ("fact", "value"), "title": "Where it was measured", "rows": _facts(report["machine"])}
    name = html.escape(report["name"])
    heading = name.replace("-", " ").capitalize()
    return f'<section id="{name}"><h2>{heading}</h2>{said}{charts}{tables}{listed}{_table(facts, False)}</section>'


def _table(table: Mapping[str, Any], is_open: bool) -> str:
    words = [_is_words(cells) for cells in zip(*table["rows"], strict=True)] or [False] * len(table["columns"])
    heads = (
        f"<th{_kind('words', is_words)}>{_inline(c)}</th>" for c, is_words in zip(table["columns"], words, strict=True)
    )
    head = "".join(heads)
    rows = "".join(f"<tr>{''.join(map(_cell, row, words))}</tr>" for row in table["rows"])
    pair = _kind("pair", len(table["columns"]) == 2)
    body = f'<div class="wide"><table{pair}><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    title = _inline(table["title"])
    return f"<h3>{title}</h3>{body}" if is_open else f"<details><summary>{title}</summary>{body}</details>"


def _cell(value: Any, is_words: bool) -> str:
    kind = _kind(str(value), value in ("yes", "no")) or _kind("words", is_words)
    return f"<td{kind}>{_inline(cell_text(value))}</td>"


def _kind(name: str, holds: bool) -> str:
    return f' class="{name}"' if holds else ""


def _is_words(cells: Sequence[Any]) -> bool:
    """Say whether a column is to be read and not to be compared: it holds text that does not begin with a digit."""
    texts = [cell for cell in cells if cell is not None and cell not in ("yes", "no")]
    return bool(texts) and all(isinstance(cell, str) and not cell[:1].isdigit() for cell in texts)


def _facts(machine: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name.replace("_", " "), value) for name, value in machine.items() if value is not None]


def _where(machine: Mapping[str, Any]) -> str:
    return " · ".join(
        f"{fact.replace('_', ' ')} {machine[fact]}" for fact in SHOWN_FACTS if machine.get(fact) is not None
    )


def _inline(text: str) -> str:
    """Escape, and show what stands in backquotes as code."""
    parts = html.escape(text, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if nth % 2 else part for nth, part in enumerate(parts))
