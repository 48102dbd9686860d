"""Metrics as those see them who scrape: over HTTP, from the file, and through node_exporter."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli.command import REPOSITORY, finish, is_one_error, run, start
from speech import demo

from edge_ser import Recognizer
from edge_ser.cli.main import main
from edge_ser.events import Event, Flags
from edge_ser.integrations import textfile
from edge_ser.integrations.prometheus import Address, Metrics, parse_address
from edge_ser.integrations.textfile import MetricsFile
from edge_ser.recordings import DEMO

pytest.importorskip("prometheus_client")
from prometheus_client.parser import text_string_to_metric_families

WAIT_SECONDS = 60.0  # for a process on a busy machine

QUIET = Event(0.08, "no_speech", None, {"sad": 1.0}, 1.0, 0.0, 0.0, False, 0.0, 0.0, -60.0, Flags())
SAD = replace(QUIET, state="emotion", emotion="sad", speech=True)
ANGRY = replace(SAD, emotion="angry")
UNCERTAIN = replace(SAD, state="uncertain", emotion=None)
STARTING = replace(SAD, state="warming_up", emotion=None)
LOST = replace(QUIET, state="mic_lost", emotion=None)


def parsed(text: str) -> dict[str, float]:
    """Return each sample by its name and labels, as prometheus-client's own parser reads it."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def scrape(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        return parsed(answer.read().decode())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def recognizer() -> Iterator[Recognizer]:
    with Recognizer() as made:
        yield made


def test_a_scrape_over_http_tells_what_was_heard(recognizer):
    metrics = Metrics(recognizer)
    stop = metrics.serve(Address("127.0.0.1", 0))
    try:
        assert scrape(metrics.port)["edge_ser_events_total{emotion}"] == 0
        before = recognizer.stats().steps
        events = list(metrics.counted(recognizer.listen(demo(), sample_rate=16000)))
        found = scrape(metrics.port)
    finally:
        stop()
    stats = recognizer.stats()
    assert found["edge_ser_steps_total"] == stats.steps == before + len(events)
    assert found["edge_ser_step_p95_seconds"] == pytest.approx(stats.step_ms_p95 / 1000)
    for state in ("warming_up", "no_speech", "uncertain", "emotion", "mic_lost"):
        assert found[f"edge_ser_events_total{{{state}}}"] == sum(event.state == state for event in events)
        assert found[f"edge_ser_state{{{state}}}"] == (events[-1].state == state)
    about = recognizer.model.metadata
    assert found[f"edge_ser_model_info{{{about.name},{about.version}}}"] == 1
    assert {f"edge_ser_decisions_total{{{label}}}" for label in about.labels} < set(found)
    assert found["edge_ser_process_resident_memory_bytes"] > 1e6  # for node_exporter has names of its own
    with pytest.raises(OSError, match="refused"):
        scrape(metrics.port)


def test_an_utterance_counts_once_by_its_last_decision(recognizer):
    metrics = Metrics(recognizer)
    heard = [QUIET, STARTING, UNCERTAIN, SAD, SAD, ANGRY, ANGRY, QUIET, QUIET]  # one, angry in the end
    heard += [STARTING, SAD, LOST, LOST, SAD, QUIET]  # one, whatever became of the microphone
    heard += [STARTING, SAD, UNCERTAIN, QUIET, STARTING, QUIET]  # two without a decision
    heard += [STARTING, SAD]  # has not ended
    assert list(metrics.counted(heard)) == heard
    found = parsed(metrics.text().decode())
    counts = {name: value for name, value in found.items() if name.startswith("edge_ser_decisions_total") and value}
    assert counts == {"edge_ser_decisions_total{angry}": 1, "edge_ser_decisions_total{sad}": 1}
    assert found["edge_ser_uncertain_total"] == 2


def test_the_documentation_names_each_metric_and_no_other(recognizer):
    page = (REPOSITORY / "docs" / "integrations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"edge_ser_\w+", page)) - {"edge_ser_process_"}
    found = {name.split("{")[0] for name in parsed(Metrics(recognizer).text().decode())}
    assert named == {name for name in found if not name.startswith("edge_ser_process_")}


def test_listen_serves_them_on_this_machine_alone():
    port = free_port()
    process = start("listen", "--source", DEMO, "--json", "--metrics", port)
    process.stdout.readline()
    found = scrape(port)
    assert found["edge_ser_steps_total"] >= 1
    addresses = {line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
    assert f"0100007F:{port:04X}" in addresses  # 127.0.0.1
    assert f"00000000:{port:04X}" not in addresses
    taken = run("listen", "--source", DEMO, "--metrics", port)
    process.terminate()
    finish(process)
    assert process.returncode == 143
    assert taken.returncode == 2
    assert is_one_error(taken.stderr)


def test_whoever_serves_them_to_others_is_told_what_that_means():
    ended = run("listen", "--source", DEMO, "--fast", "--metrics", "0.0.0.0:0")
    assert ended.returncode == 0
    assert "to anybody who asks" in ended.stderr


@pytest.mark.parametrize("text", ["", "host", "host:", "1:2:99999", "-1", "9500x", "²"])
def test_what_names_no_address_is_refused(text, capsys):
    with pytest.raises(ValueError, match=r"no \[HOST:\]PORT"):
        parse_address(text)
    with pytest.raises(SystemExit):
        main(["listen", f"--metrics={text}"])
    assert "9500" in capsys.readouterr().err


def test_the_file_is_there_from_the_start_and_whole_at_the_end(tmp_path, capsys):
    file = tmp_path / "edge-ser.prom"
    assert main(["listen", "--source", str(DEMO), "--fast", "--json", "--metrics-file", str(file)]) == 0
    stats = json.loads(capsys.readouterr().out.splitlines()[-1])["stats"]
    assert parsed(file.read_text())["edge_ser_steps_total"] == stats["steps"]
    assert file.stat().st_mode & 0o777 == 0o644  # whatever the umask
    assert list(tmp_path.iterdir()) == [file]


def test_the_file_is_written_as_time_goes_on_with_events_alone(tmp_path):
    now, texts = SimpleNamespace(time=0.0), iter(range(100))
    file = tmp_path / "edge-ser.prom"
    kept = MetricsFile(file, lambda: str(next(texts)).encode(), lambda: now.time).kept(iter(5 * [QUIET]))
    written = []
    for _ in kept:
        written.append(file.read_text())
        now.time += 0.6 * textfile.FILE_SECONDS
    assert written == ["0", "0", "1", "1", "2"]
    assert file.read_text() == "3"


def test_a_disk_that_is_full_does_not_end_listening(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    kept = MetricsFile(folder / "edge-ser.prom", lambda: b"1", iter(range(0, 1000, 60)).__next__).kept(5 * [QUIET])
    shutil.rmtree(folder)
    assert len(list(kept)) == 5


@pytest.mark.parametrize("name", ["nowhere/edge-ser.prom", "edge-ser.txt"])
def test_a_file_that_cannot_be_is_one_error(name, tmp_path, capsys):
    assert main(["listen", "--source", str(DEMO), "--fast", "--metrics-file", str(tmp_path / name)]) == 2
    assert is_one_error(capsys.readouterr().err)


def test_node_exporter_passes_the_file_on(tmp_path, recognizer):
    program = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
    if program is None:
        pytest.skip("no node_exporter: apt-get install prometheus-node-exporter")
    metrics = Metrics(recognizer)
    list(metrics.counted([SAD, QUIET]))
    MetricsFile(tmp_path / "edge-ser.prom", metrics.text)
    port = free_port()
    options = ["--collector.disable-defaults", "--collector.textfile", f"--collector.textfile.directory={tmp_path}"]
    exporter = subprocess.Popen(
        [program, *options, f"--web.listen-address=127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        found = scrape_when_ready(port)
    finally:
        exporter.terminate()
        exporter.wait(10)
    assert found["node_textfile_scrape_error"] == 0
    assert found["edge_ser_decisions_total{sad}"] == 1
    assert any(name.startswith("node_textfile_mtime_seconds") for name in found)


def scrape_when_ready(port: int) -> dict[str, float]:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return scrape(port)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
