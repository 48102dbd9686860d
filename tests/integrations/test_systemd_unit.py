"""The unit, as systemd's own tools read it, and what `edge-ser service` does with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
from cli.command import REPOSITORY, is_one_error

from edge_ser.cli.main import main
from edge_ser.cli.service import parse_status
from edge_ser.integrations import systemd_unit
from edge_ser.integrations.prometheus import Address
from edge_ser.integrations.systemd import PINGS_PER_TIMEOUT
from edge_ser.integrations.systemd_unit import NAME, NETWORK_FILE, UNIT_FILE, network_of, quoted

WORST_EXPOSURE = 10  # in tenths, of 100; systemd calls up to 19 safe
LISTEN = ("--", "listen", "--device", "USB 100 % \"odd\" $name \\ 'mic'")


def write_unit(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Path:
    """Write what `service show` prints to where systemd looks; return the unit's path."""
    assert main(["service", "show", *arguments]) == 0
    for part in capsys.readouterr().out.split("# /etc/systemd/system/")[1:]:
        name, text = part.split("\n", 1)
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder / NAME


@pytest.mark.parametrize("network", ["none", "local", "any"])
def test_systemd_understands_every_line(network, tmp_path, capsys, systemd_analyze):
    unit = write_unit(tmp_path, capsys, "--network", network, *LISTEN)
    ended = subprocess.run([systemd_analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_line_that_systemd_does_not_understand_would_be_noticed(tmp_path, capsys, systemd_analyze):
    unit = write_unit(tmp_path, capsys, *LISTEN)
    unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystem=very"))
    ended = subprocess.run([systemd_analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True)
    assert "Failed to parse protect system value" in ended.stderr


def test_systemd_calls_it_safe(tmp_path, capsys, systemd_analyze):
    unit = write_unit(tmp_path, capsys, *LISTEN)
    judged = [systemd_analyze, "security", "--offline=true", f"--threshold={WORST_EXPOSURE}", "--no-pager", str(unit)]
    ended = subprocess.run(judged, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("network", "opened", "addresses"),
    [
        ("none", False, "blocks all IP address ranges"),
        ("local", True, "allow list with only localhost"),
        ("any", True, "does not define an IP address allow list"),
    ],
    ids=["none", "local", "any"],
)
def test_the_network_is_open_so_far_and_no_farther(network, opened, addresses, tmp_path, capsys, systemd_analyze):
    """By what systemd makes of the unit and its drop-in together."""
    unit = write_unit(tmp_path, capsys, "--network", network, *LISTEN)
    command = [systemd_analyze, "security", "--offline=true", "--json=short", str(unit)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {each["json_field"]: each for each in json.loads(ended.stdout)}
    assert found["PrivateNetwork"]["set"] is not opened
    assert found["RestrictAddressFamilies_AF_INET_INET6"]["set"] is not opened
    assert found["RestrictAddressFamilies_AF_PACKET"]["set"] is True
    assert addresses in found["IPAddressDeny"]["description"]


@pytest.mark.parametrize(
    ("args", "network"),
    [
        (Namespace(command="listen", metrics=None), "none"),
        (Namespace(command="listen", metrics=Address("127.0.0.1", 9500)), "local"),
        (Namespace(command="listen", metrics=Address("0.0.0.0", 9500)), "any"),
        (Namespace(command="publish"), "any"),
        (Namespace(command="publish", metrics=Address("127.0.0.1", 9500)), "any"),
        (Namespace(command="serve", address="127.0.0.1"), "local"),
        (Namespace(command="serve", address="0.0.0.0", metrics=Address("127.0.0.1", 9500)), "any"),
    ],
)
def test_the_network_is_what_the_command_needs(args, network):
    assert network_of(args) == network


def test_the_documentation_has_the_times_of_the_unit(capsys):
    assert main(["service", "show", *LISTEN]) == 0
    unit = capsys.readouterr().out
    page = (REPOSITORY / "docs" / "integrations.md").read_text(encoding="utf-8")
    assert "WatchdogSec=30\n" in unit
    assert "`WatchdogSec=30`" in page
    assert f"at most every {30 / PINGS_PER_TIMEOUT:g} s" in page
    assert "RestartSec=10\n" in unit
    assert "tried again every 10 s" in page


def test_the_command_line_is_quoted_as_systemd_reads_it(tmp_path, capsys):
    """`systemd-analyze verify` has read it; here it is read back by the rules of systemd.service(5)."""
    line = next(
        line for line in write_unit(tmp_path, capsys, *LISTEN).read_text().splitlines() if line.startswith("ExecStart=")
    )
    assert line.endswith("listen --device " + r'''"USB 100 %% \"odd\" $$name \\ 'mic'"''')
    assert line.startswith(f"ExecStart={quoted(sys.executable)} -m edge_ser.cli.main ")
    assert quoted("") == '""'
    assert quoted("USB\nUser=root") == r'"USB\nUser=root"'


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "--", "doctor"],
        ["install", "--root", "/proc/nowhere", "--", "listen"],
        ["uninstall", "--root", "/nowhere"],
        ["status"],
    ],
)
def test_what_cannot_be_done_is_one_error(arguments, reachable, capsys):
    if arguments == ["status"] and Path("/run/systemd/system").exists():
        pytest.skip("systemd runs here, and answers")
    assert main(["service", *arguments]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert is_one_error(error), error


def test_wrong_arguments_are_told_before_anything_is_written(tmp_path, reachable, capsys):
    with pytest.raises(SystemExit):
        main(["service", "install", "--root", str(tmp_path), "--", "listen", "--no-such-flag"])
    assert "--no-such-flag" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_the_services_user_cannot_read_is_not_installed(tmp_path, monkeypatch, capsys):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setattr(systemd_unit, "needed_paths", lambda: [home / "venv" / "bin" / "python"])
    assert main(["service", "install", "--root", str(tmp_path / "root"), "--", "listen"]) == 2
    error = capsys.readouterr().err
    assert is_one_error(error)
    closed = Path(error.split("may not enter ")[1].split(",")[0])
    assert home.is_relative_to(closed)
    assert not closed.stat().st_mode & 0o001
    assert not (tmp_path / "root").exists()


@pytest.fixture
def reachable(monkeypatch) -> None:
    """Let edge-ser be installed where the service's user may read: these tests may run from a home."""
    monkeypatch.setattr(systemd_unit, "needed_paths", lambda: [Path("/usr/bin/env")])


@pytest.fixture
def systemctl() -> str:
    """systemd's own; the test is skipped, visibly, without it."""
    program = shutil.which("systemctl")
    if program is None:
        pytest.skip("no systemctl: apt-get install systemd")
    return program


def test_it_is_enabled_in_an_image_by_the_real_systemctl_and_removed_again(tmp_path, reachable, systemctl, capsys):
    def is_enabled() -> str:
        command = [systemctl, f"--root={tmp_path}", "is-enabled", NAME]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    root = ["--root", str(tmp_path)]
    assert main(["service", "install", *root, "--network", "local", "--", "listen"]) == 0
    assert is_enabled() == "enabled"
    assert (tmp_path / UNIT_FILE).stat().st_mode & 0o777 == 0o644
    assert (tmp_path / NETWORK_FILE).exists()
    assert main(["service", "install", *root, "--", "listen"]) == 0  # again, without a network
    assert not (tmp_path / NETWORK_FILE).exists()
    own = (tmp_path / NETWORK_FILE).with_name("override.conf")
    own.write_text("[Service]\nNice=5\n")
    assert main(["service", "uninstall", *root]) == 0
    assert is_enabled() in ("", "not-found")
    assert own.exists()
    assert not (tmp_path / UNIT_FILE).exists()
    assert main(["service", "uninstall", *root]) == 2  # there is nothing left
    assert "Nothing is left to remove" in capsys.readouterr().err


def test_what_systemctl_shows_is_understood():
    shown = "LoadState=loaded\nActiveState=active\nStatusText=no microphone; a=b\nNRestarts=0\n"
    assert parse_status(shown)["StatusText"] == "no microphone; a=b"
