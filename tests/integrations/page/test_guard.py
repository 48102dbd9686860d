"""Who may talk to the page: this machine's own names, its own pages, and elsewhere only who knows the token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from integrations.page.served import Served, served

pytest.importorskip("uvicorn", reason="pip install 'edge-ser[serve]'")

TOKEN = "a-token-that-nobody-guesses"
WRONG = ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "edge_ser_token=wrong"}, {"Cookie": "\xff=;"})


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("data"), "--source", "demo", "--muted") as server:
        yield server


@pytest.fixture(scope="module")
def behind_a_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("token")
    (folder / "token").write_text(TOKEN + "\n")
    with served(folder, "--source", "demo", "--muted", "--token-file", folder / "token") as server:
        yield server


def status(server: Served, method: str, path: str, **headers: str) -> int:
    return server.ask(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1", "localhost:8765", "[::1]:8765", "192.168.1.20"])
def test_addresses_and_own_names_are_answered(open_to_all: Served, host: str) -> None:
    assert status(open_to_all, "GET", "/state", Host=host) == 200


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8765", "127.0.0.1.evil.example", "[", "localhost.evil"]
)
def test_a_name_that_is_not_ours_is_refused_for_it_may_be_rebound(open_to_all: Served, host: str) -> None:
    for method, path in (("GET", "/"), ("GET", "/events"), ("POST", "/mute"), ("GET", "/page.js")):
        assert status(open_to_all, method, path, Host=host) == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        *({"Sec_Fetch_Site": site} for site in ("cross-site", "same-site")),
    ],
)
def test_pages_of_other_sites_can_do_nothing(open_to_all: Served, headers: dict[str, str]) -> None:
    for method, path in (("POST", "/unmute"), ("POST", "/mute"), ("POST", "/feedback"), ("GET", "/events")):
        assert status(open_to_all, method, path, **headers) == 403


def test_our_own_page_may(open_to_all: Served) -> None:
    assert status(open_to_all, "POST", "/mute", Origin=open_to_all.url.rstrip("/"), Sec_Fetch_Site="same-origin") == 200


def test_every_answer_forbids_what_comes_from_outside(open_to_all: Served) -> None:
    for method, path in (("GET", "/"), ("GET", "/page.js"), ("GET", "/nothing"), ("POST", "/mute")):
        headers = open_to_all.ask(method, path)[1]
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert set(policy.values()) == {"'none'", "'self'"}
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


@pytest.mark.parametrize("path", ["/../guard.py", "/%2e%2e/guard.py", "/..%2fguard.py", "//etc/passwd", "/%00"])
def test_only_the_pages_own_files_can_be_had(open_to_all: Served, path: str) -> None:
    status, _, text = open_to_all.ask("GET", path)
    assert status in (400, 404)
    assert "import" not in text


def test_without_the_token_there_is_nothing_to_see(behind_a_token: Served) -> None:
    for method, path in (("GET", "/"), ("GET", "/state"), ("GET", "/events"), ("GET", "/page.js"), ("POST", "/mute")):
        for headers in WRONG:
            assert behind_a_token.ask(method, path, headers=headers)[0] == 401


def test_the_token_is_given_once_and_does_not_stay_in_the_address(behind_a_token: Served) -> None:
    status, headers, _ = behind_a_token.ask("GET", f"/?token={TOKEN}")
    assert (status, headers["location"]) == (303, "/")
    cookie, *attributes = headers["set-cookie"].lower().split("; ")
    assert {"httponly", "samesite=strict"} <= set(attributes)
    assert behind_a_token.ask("GET", "/state", headers={"Cookie": headers["set-cookie"].split(";")[0]})[0] == 200
    assert cookie.startswith("edge_ser_token=")


def test_programs_give_the_token_as_a_bearer(behind_a_token: Served) -> None:
    assert behind_a_token.ask("POST", "/mute", headers={"Authorization": f"Bearer {TOKEN}"})[0] == 200


def test_a_token_does_not_help_a_name_that_is_not_ours(behind_a_token: Served) -> None:
    assert behind_a_token.ask("GET", f"/?token={TOKEN}", headers={"Host": "evil.example"})[0] == 421


def test_only_so_many_pages_are_served(open_to_all: Served) -> None:
    from edge_ser.integrations.page.hub import MOST_PAGES

    with ExitStack() as pages:
        for _ in range(MOST_PAGES):
            assert next(pages.enter_context(open_to_all.stream()))[0] == "start"
        assert open_to_all.ask("GET", "/events")[0] == 503
        assert open_to_all.ask("GET", "/state")[0] == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 4000, b"{" * 5000, b'{"label": 1}', b"null", b"\xff"])
def test_nonsense_is_refused_with_a_cure(open_to_all: Served, body: bytes) -> None:
    status, _, text = open_to_all.ask("POST", "/feedback", body)
    assert status == 409
    assert ". " in text
