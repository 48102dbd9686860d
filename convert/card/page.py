"""The card as one page that needs nothing beside it: style, plots and explanations are inside."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from convert.evaluate.shipped_tables import Rows

PNG = b"\x89PNG"

STYLE = """
:root { --ink: #1c2733; --accent: #1f4e79; --pale: #eef3f8; --line: #d8e0e8; --soft: #5b6b7b; }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.55 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: var(--ink); }
header { background: var(--accent); color: #fff; padding: 2.2rem 1rem 1.8rem; }
header h1 { margin: 0 0 .3rem; font-size: 2rem; letter-spacing: -.01em; }
header p { margin: 0; max-width: 62rem; color: #dbe7f2; }
main, header > div { max-width: 72rem; margin: 0 auto; padding: 0 1rem; }
nav { position: sticky; top: 0; background: #fffffff2; border-bottom: 1px solid var(--line); z-index: 1; }
nav div { max-width: 72rem; margin: 0 auto; padding: .55rem 1rem; display: flex; gap: 1.1rem; flex-wrap: wrap; }
nav a { color: var(--accent); text-decoration: none; font-size: .88rem; }
h2 { margin: 2.4rem 0 .6rem; font-size: 1.3rem; color: var(--accent); border-bottom: 2px solid var(--pale); }
h3 { margin: 1.4rem 0 .4rem; font-size: 1rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .8rem; margin: 1.4rem 0; }
.tile { background: var(--pale); border-radius: .6rem; padding: .8rem 1rem; }
.tile b { display: block; font-size: 1.55rem; color: var(--accent); line-height: 1.2; }
.tile span { color: var(--soft); font-size: .82rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .84rem; margin: .5rem 0 1rem; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; white-space: normal; min-width: 3.2rem; }
th:first-child, td:first-child, .facts td { text-align: left; }
th.words, td.words { text-align: left; }
.facts td:first-child { color: var(--soft); }
tbody tr:hover { background: var(--pale); }
figure { margin: .6rem 0; }
figcaption { color: var(--soft); font-size: .82rem; max-width: 40rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1rem; align-items: start; }
.large { grid-template-columns: repeat(auto-fit, minmax(min(100%, 34rem), 1fr)); }
img, svg { max-width: 100%; height: auto; }
.note { color: var(--soft); max-width: 62rem; }
.warning { border-left: 4px solid #b4552d; background: #fdf3ee; padding: .6rem 1rem; max-width: 62rem; }
footer { color: var(--soft); font-size: .8rem; padding: 2rem 0 3rem; overflow-wrap: anywhere; }
@media print { nav { display: none; } }
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot or an explanation."""

    caption: str

    content: bytes
    """A PNG, or an SVG."""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the card; what is empty is left out."""

    title: str

    text: str = ""
    """Plain; a blank line begins a paragraph, and paragraphs that begin with '! ' are warnings."""

    tables: Sequence[tuple[str, Rows]] = ()
    """Each with its heading."""

    pictures: Sequence[Picture] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """The whole card."""

    title: str
    about: str
    """What it is, in a sentence or two."""

    tiles: Sequence[tuple[str, str]]
    """Figure and what it is, for those who read no further."""

    sections: Sequence[Section]
    foot: Sequence[str] = field(default_factory=tuple)


def to_html(page: Page) -> str:
    """Return the page as HTML, all inside."""
    links = "".join(f'<a href="#{_id(each.title)}">{_text(each.title)}</a>' for each in page.sections)
    tiles = "".join(
        f'<div class="tile"><b>{_text(value)}</b><span>{_text(name)}</span></div>' for value, name in page.tiles
    )
    body = "".join(map(_section, page.sections))
    foot = "<br>".join(map(_text, page.foot))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(page.title)}</title><style>{STYLE}</style></head><body>"
        f"<header><div><h1>{_text(page.title)}</h1><p>{_text(page.about)}</p></div></header>"
        f'<nav><div>{links}</div></nav><main><div class="tiles">{tiles}</div>{body}<footer>{foot}</footer></main>'
        "</body></html>\n"
    )


def _section(section: Section) -> str:
    parts = [f'<h2 id="{_id(section.title)}">{_text(section.title)}</h2>']
    for paragraph in filter(None, section.text.split("\n\n")):
        kind, words = ("warning", paragraph[2:]) if paragraph.startswith("! ") else ("note", paragraph)
        parts.append(f'<p class="{kind}">{_text(" ".join(words.split()))}</p>')
    if section.pictures:
        kind = "plots" if all(each.content.startswith(PNG) for each in section.pictures) else "plots large"
        parts.append(f'<div class="{kind}">{"".join(map(_picture, section.pictures))}</div>')
    for heading, rows in section.tables:
        parts.append(f"{f'<h3>{_text(heading)}</h3>' if heading else ''}{_table(rows)}")
    return "".join(parts)


def _picture(picture: Picture) -> str:
    kind = "png" if picture.content.startswith(PNG) else "svg+xml"
    data = base64.b64encode(picture.content).decode("ascii")
    image = f'<img alt="{_text(picture.caption)}" src="data:image/{kind};base64,{data}">'
    return f"<figure>{image}<figcaption>{_text(picture.caption)}</figcaption></figure>"


def _table(rows: Rows) -> str:
    named = any(rows[0])  # else a list of facts
    words = [all(row[place][:1].isalpha() for row in rows[1]) for place in range(len(rows[0]))]
    head = f"<thead>{_row('th', rows[0], words)}</thead>" if named else ""
    body = "".join(_row("td", row, words) for row in rows[1])
    kind = "" if named else ' class="facts"'
    return f'<div class="wide"><table{kind}>{head}<tbody>{body}</tbody></table></div>'


def _row(tag: str, cells: Sequence[str], words: Sequence[bool]) -> str:
    kinds = (' class="words"' if each else "" for each in words)
    return f"<tr>{''.join(f'<{tag}{kind}>{_text(cell)}</{tag}>' for kind, cell in zip(kinds, cells, strict=True))}</tr>"


def _id(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _text(text: str) -> str:
    return html.escape(text)
