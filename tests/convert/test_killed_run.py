"""A run that is killed again and again, in one stage after another, ends with the file of an undisturbed one."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from convert.cli import main
from convert.corpora.synthetic import SENTENCES, make_corpus

REPOSITORY = Path(__file__).parents[2]
KILLED_RUN = Path(__file__).parent / "killed_run.py"
LIMIT_SECONDS = 600.0  # each is far quicker; this is for a machine that is busy

MOMENTS = (
    (r"log_mels-\w+/rows\.npz", 1),  # all frames are written, and nothing says where they are
    (r"teacher-cnn-\w+/epochs\.csv", 2),  # one epoch is kept, another is done and is not
    (r"pruning-\w+/done", 1),  # all is there and does not count, and no step is left to do
    (r"quantisation-\w+/epochs\.csv", 2),  # the last epoch
    (r"/tiny\.md", 1),  # all stages are done; there is no card and no model file
)
"""Files by pattern, and for which time they are opened when the run is killed."""

RECIPE = """
name = "tiny"
version = "0.1.0"
description = "A test"
licence = "CC0-1.0"
classes = ["neutral", "angry"]
label_of_class = {}
data = {corpora = ["synthetic"], variants = 1, held_out = {synthetic = ["01"]}, validation = {synthetic = ["02"]}}
[[teachers]]
architecture = "cnn"
options = {channels = [4, 6], embedding = 8}
training = {epochs = 3, batch_size = 4, averaging = 0.8}
[student]
architecture = "streaming_cnn"
options = {channels = [4, 6], pools = [4, 2], embedding = 8}
training = {epochs = 12, batch_size = 4, averaging = 0.8}
[pruning]
sparsity = 0.3
training = {epochs = 2, batch_size = 4, learning_rate = 0.001, averaging = 0.0}
[quantisation]
representative_clips = 16
training = {epochs = 2, batch_size = 4, learning_rate = 0.0003, averaging = 0.0}
"""


def test_a_run_killed_in_many_stages_ends_with_the_file_of_an_undisturbed_one(tmp_path: Path) -> None:
    make_corpus(tmp_path / "corpora" / "synthetic", range(1, 5), ("neutral", "angry"), SENTENCES[:2])
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    command = ["run", str(recipe), "--corpora", str(tmp_path / "corpora"), "--out"]

    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    for pattern, nth in MOMENTS:
        child = subprocess.run(
            [sys.executable, str(KILLED_RUN), pattern, str(nth), *command, str(killed)],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert child.returncode == -signal.SIGKILL, f"{pattern}: {child.stderr[-3000:]}"
        assert not (killed / "tiny.tflite").exists()
    assert main([*command, str(killed)]) == 0
    assert main([*command, str(undisturbed)]) == 0
    for name in ("tiny.tflite", "tiny.float.tflite", "tiny.json"):
        assert sha256(killed / name) == sha256(undisturbed / name), name
    stages = [sorted(path.parent.name for path in out.glob("*/done")) for out in (killed, undisturbed)]
    assert stages[0] == stages[1]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
