"""The kiosk in a real browser: it reacts to a visitor, forgets who has left, and its README runs as written."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integrations.page.served import Stage, served

pytest.importorskip("uvicorn", reason="pip install 'edge-ser[serve]'")

from integrations.page.browser import NARROW, WIDE, Browser, chromium, pictures_folder

KIOSK = Path(__file__).parents[2] / "examples" / "kiosk"

SPEAKING = {
    "time": 1.0,
    "state": "emotion",
    "emotion": "neutral",
    "speech": True,
    "flags": {"gap": False, "clipping": False},
}

# Follows events with the kiosk's own rule; gives the title after each.
FOLLOW = """
const done = arguments[1];
import("./kiosk.js").then(({START, next}) => {
  let [shown, spokenAt] = [START, 0];
  done(arguments[0].map((event) => { [shown, spokenAt] = next(shown, spokenAt, event); return shown.title }));
});
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("data")).running(KIOSK / "page") as running:
        yield running


@pytest.fixture(scope="module")
def browser(stage: Stage) -> Iterator[Browser]:
    with chromium() as running:
        running.open(stage.url)
        running.until(lambda: running.text("mute") == "Listen")
        yield running


def titles(browser: Browser, *events: dict[str, Any]) -> list[str]:
    return browser.driver.execute_async_script(FOLLOW, [{**SPEAKING, **event} for event in events])


def test_it_reacts_to_changes_and_starts_again_when_the_visitor_has_left(browser: Browser) -> None:
    silent = {"state": "no_speech", "emotion": None, "speech": False}
    seen = titles(
        browser,
        {"time": 1.0},
        {"time": 2.0, "emotion": "angry"},
        {"time": 2.1, "emotion": None, "state": "uncertain"},
        {"time": 5.0, **silent},
        {"time": 11.0, **silent},
    )
    welcome = "Welcome. Where would you like to go?"
    assert seen == [welcome, "Sorry for the trouble.", "Sorry for the trouble.", "Sorry for the trouble.", welcome]


def test_what_it_does_not_understand_changes_nothing(browser: Browser) -> None:
    damaged = {"flags": {"gap": True, "clipping": False}}
    seen = titles(browser, {"emotion": "sad"}, {"emotion": "angry", **damaged}, {"emotion": "bored"})
    assert seen == ["Take your time."] * 3


def test_it_knows_every_label_and_no_page_takes_a_ticket_away(browser: Browser) -> None:
    pages = browser.driver.execute_async_script("import('./kiosk.js').then(({PAGES}) => arguments[0](PAGES))")
    assert set(pages) == {"neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised"}
    for page in pages.values():
        assert {"Single ticket", "Day ticket", "Other tickets"} <= set(page["choices"])


def test_it_hears_the_recording_and_is_accessible(browser: Browser, stage: Stage, tmp_path: Path) -> None:
    browser.run("document.getElementById('mute').click()")
    browser.until(lambda: browser.text("mute") == "Mute")
    stage.until = 7.2
    browser.until(lambda: browser.text("title") == "Lovely to see you!")
    for size in (WIDE, NARROW):
        browser.size(*size)
        for scheme in ("light", "dark"):
            browser.scheme(scheme)
            assert browser.axe() == []
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    browser.size(*WIDE)
    browser.scheme("light")
    browser.screenshot(pictures_folder(tmp_path) / "kiosk.png")
    browser.run("document.querySelector('#choices button').focus()")
    stage.until = math.inf
    browser.until(lambda: browser.text("microphone") == "Demonstration: ended")
    assert browser.text("title") == "Lovely to see you!"  # nothing moves under a finger
    assert browser.complaints() == []


def test_its_readme_runs_as_written(tmp_path: Path) -> None:
    commands = re.findall(r"^edge-ser serve (.*--source demo)$", (KIOSK / "README.md").read_text(), flags=re.MULTILINE)
    assert len(commands) == 1
    with served(tmp_path, *shlex.split(commands[0])) as server:
        assert "City Transit" in server.ask("GET", "/")[2]
