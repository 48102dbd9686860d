"""`edge-ser-bench all` writes JSON, Markdown, charts and one page that needs nothing else. One quick run serves all."""

from __future__ import annotations

import html.parser
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from benchmarks.cli import EXIT_USAGE, main
from benchmarks.compare import compare
from benchmarks.everything import MARKDOWN, PAGE, PLOTS, write_pages
from benchmarks.goals import GOALS
from benchmarks.questions import QUESTIONS, TAKES_LONG

EVERY = [name for name in QUESTIONS if name not in TAKES_LONG]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("all") / "report"
    assert main(["all", "--quick", "--out", str(out)]) == 0
    return out


def read(folder: Path, name: str) -> dict[str, object]:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("question", EVERY)
def test_every_question_has_its_report(folder: Path, question: str) -> None:
    if question == "microcontroller":
        pytest.importorskip("tflite_micro", reason="tflite-micro has no wheel for this machine")
    report = read(folder, question)
    assert report["figures"]
    for figure in report["figures"].values():
        value = figure["median"] if isinstance(figure, dict) else figure
        assert value >= 0
        if isinstance(figure, dict):
            assert figure["low"] <= figure["median"] <= figure["high"]
    for table in report["tables"]:
        assert all(len(row) == len(table["columns"]) for row in table["rows"])
    facts = report["machine"]
    assert facts["processor"]
    assert facts["loop_us_before"] > 0
    assert facts["loop_us_after"] > 0
    assert {"governor", "throttling", "temperature_c_before", "temperature_c_after"} <= facts.keys()


def test_every_goal_is_reached_or_not_or_named_as_not_measured(folder: Path) -> None:
    (table,) = read(folder, "goals")["tables"]
    assert len(table["rows"]) == len(GOALS)
    for what, found, most, reached in table["rows"]:
        assert what
        assert most
        assert (reached in ("yes", "no")) == (found != "not measured")
    judged = {row[0]: row[-1] for row in table["rows"]}
    assert judged["model file, kB"] == judged["network, compressed, kB"] == "yes"


class Page(html.parser.HTMLParser):
    """Collects what a page refers to and checks that what is opened is closed."""

    EMPTY = frozenset({"meta", "rect", "path", "br", "link", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        self.links |= {value for name, value in attrs if name in ("href", "src") and value}
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_beside_it(folder: Path) -> None:
    text = (folder / PAGE).read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert not page.open
    assert set(EVERY) - {"microcontroller"} <= page.ids
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert not page.tags & {"script", "link", "img"}
    assert "url(" not in text
    assert "prefers-color-scheme:dark" in text
    assert "svg" in page.tags


def test_charts_are_files_of_their_own(folder: Path) -> None:
    files = list((folder / PLOTS).glob("*.svg"))
    assert {"pipeline-stages.svg", "footprint-memory.svg", "prediction-step.svg"} <= {file.name for file in files}
    for file in files:
        root = ElementTree.fromstring(file.read_text(encoding="utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        numbers = re.findall(r'(?:x|width)="([-\d.]+)"', file.read_text(encoding="utf-8"))
        assert all(-1 <= float(number) <= 870 for number in numbers), file.name


def test_the_markdown_has_every_table(folder: Path) -> None:
    text = (folder / MARKDOWN).read_text(encoding="utf-8")
    for name in EVERY:
        if (folder / f"{name}.json").is_file():
            assert all(f"{table['title']}:" in text for table in read(folder, name)["tables"])


def test_a_run_compared_with_itself_has_no_change(folder: Path) -> None:
    figures = compare(folder, folder).figures
    assert figures["less_count"] == figures["more_count"] == figures["noise_count"] == 0
    assert figures["same_count"] > 100


def test_reports_of_earlier_runs_stay_on_the_page(folder: Path, tmp_path: Path) -> None:
    for path in folder.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    soak = read(folder, "energy") | {"name": "soak"}
    (tmp_path / "soak.json").write_text(json.dumps(soak))
    (tmp_path / "not-ours.json").write_text("{}")
    write_pages(tmp_path)
    assert 'id="soak"' in (tmp_path / PAGE).read_text(encoding="utf-8")


@pytest.mark.parametrize("only", ["everything", "soak", "presets"])
def test_a_question_that_cannot_be_answered_is_one_error(
    only: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["all", "--only", only, "--out", str(tmp_path / "out")]) == EXIT_USAGE
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()
