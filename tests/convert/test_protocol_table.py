"""One recipe under several protocols: only the honest one holds a voice back."""

from __future__ import annotations

import json
from pathlib import Path

from convert.cli import main

RECIPE = """
name = "tiny"
version = "0"
description = "d"
licence = "CC0-1.0"
ships = false
classes = ["neutral", "happy", "angry"]
label_of_class = {}
[data]
corpora = ["small"]
variants = 1
held_out = {small = ["02"]}
validation = {}
share = 0.25
[student]
architecture = "streaming_cnn"
options = {channels = [4, 6], pools = [4, 2], embedding = 8}
training = {epochs = 1, batch_size = 4, averaging = 0.0}
[pruning]
sparsity = 0.0
[quantisation]
representative_clips = 4
training = {epochs = 1, batch_size = 4, averaging = 0.0}
"""


def test_only_the_honest_protocol_judges_voices_that_were_not_heard(small_corpora: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE)
    command = [
        "protocols",
        str(tmp_path / "tiny.toml"),
        "--corpora",
        str(small_corpora),
        "--out",
        str(tmp_path / "out"),
    ]
    assert main([*command, "--results", str(tmp_path / "table")]) == 0
    found = {row["protocol"]: row for row in json.loads((tmp_path / "table.json").read_text())["protocols"]}
    assert (found["speaker"]["speakers"], found["speaker"]["heard_before"]) == (1, 0)
    for name in ("random", "random-after-augmentation"):
        assert found[name]["heard_before"] == found[name]["speakers"] > 0
    assert all(0 <= row["uar"] <= 1 and row["recordings"] for row in found.values())
    written = (tmp_path / "table.md").read_text()
    assert all(f"- `{name}`: " in written for name in found)
