"""Metrics where prometheus-client is not installed."""

from __future__ import annotations

import sys

from cli.command import is_one_error

from edge_ser.cli.main import main
from edge_ser.recordings import DEMO


def test_without_the_package_it_is_one_error_that_names_it(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    file = str(tmp_path / "edge-ser.prom")
    for arguments in (["listen", "--source", str(DEMO), "--fast"], ["service", "show", "--", "listen"]):
        assert main([*arguments, "--metrics-file", file]) == 2
        error = capsys.readouterr().err
        assert is_one_error(error)
        assert "pip install 'edge-ser[prometheus]'" in error
