"""docs/responsible-use.md: its figures are the card's, and what the law and the issue ask for is in it."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
TEXT = (REPOSITORY / "docs" / "responsible-use.md").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
CARD = (REPOSITORY / "edge_ser" / "models" / "default.md").read_text(encoding="utf-8")


def rows_of(section: str) -> list[list[str]]:
    """Return the cells of the first table after these words of the card, without its two lines of head."""
    table = CARD.split(section, 1)[1].split("\n\n", 2)[1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def figures() -> str:
    """Return the table that belongs into the document."""
    corpora = {name: about for name, about, *_ in rows_of("What it was trained on")}
    labels, _, *recalls = rows_of("Recall by label")
    lines = []
    for row in rows_of("draws over speakers")[2:]:
        name, kind = row[0].split(", ", 1)
        if kind != "7 labels":
            continue
        recall = next(each for each in recalls if each[0] == row[0])
        worst = min(
            ((float(value), label) for value, label in zip(recall[1:], labels[1:], strict=True) if value),
        )
        about = f" ({corpora[name]})" if name in corpora else ""
        speaker = row[7].split(" / ")[1]
        cells = (name + about, row[2], row[3].replace("*", ""), row[8], speaker, f"{worst[1]} {worst[0]}")
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def test_the_figures_are_those_of_the_card() -> None:
    """After another student: put what this finds into both documents, and see whether their words still fit."""
    found = re.search(r"<!-- from the card -->\n.*\n.*\n((?:\|.*\n)+)<!-- end -->", TEXT)
    assert found is not None
    assert found[1] == figures()
    assert figures() in README


def test_the_sign_is_there_in_three_languages_with_what_must_be_on_it() -> None:
    signs = re.findall(r"^### (\w+)\n\n((?:> .*\n)+)", TEXT, re.MULTILINE)
    assert [language for language, _ in signs] == ["English", "Deutsch", "Polski"]
    for _, sign in signs:
        assert len(re.findall(r"\[[^]]+\]", sign)) == 3  # what for, who, which rights
        assert sign.startswith("> **")


def test_readme_and_card_lead_here() -> None:
    for file in (REPOSITORY / "README.md", REPOSITORY / "convert" / "card" / "text.py"):
        assert "docs/responsible-use.md" in file.read_text(encoding="utf-8"), file
