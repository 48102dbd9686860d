"""What the lines of `--json` may hold: a versioned JSON Schema, for programs in any language that read them."""

from __future__ import annotations

from pathlib import Path

VERSION = 1
"""Goes up where a key goes or comes to mean something else; keys, notices and states may be added within a version."""


def schema_text() -> str:
    """Return the schema, draft 2020-12, as JSON.

    Examples
    --------
    >>> import json
    >>> json.loads(schema_text())["$id"]
    'urn:edge-ser:json-lines:1'
    """
    return Path(__file__).with_name(f"v{VERSION}.schema.json").read_text(encoding="utf-8")
