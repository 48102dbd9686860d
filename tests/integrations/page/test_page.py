"""The page in a real browser: what it shows, what its buttons do, for whom, and that it asks nobody else.

The embedded recording is played once, in real time, for all that is to be seen meanwhile. With
EDGE_SER_SCREENSHOTS=docs/images the screenshots of the documentation are made anew.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from integrations.page.served import Stage, served

pytest.importorskip("uvicorn", reason="pip install 'edge-ser[serve]'")

from integrations.page.browser import NARROW, WIDE, Browser, chromium, pictures_folder

from edge_ser import Recognizer
from edge_ser.feedback import store
from edge_ser.recordings import DEMO

LEAST_TARGET = 44  # CSS pixels of what is pressed with a finger
MOST_BYTES = 100_000  # of a screenshot


@dataclass
class Visit:
    """What was seen while the recording was played."""

    begun_muted: str = ""
    tabbed: list[str] = field(default_factory=list)
    words: dict[float, str] = field(default_factory=dict)
    decisions: list[str] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    wrong: dict[str, list[str]] = field(default_factory=dict)
    corrected: str = ""
    corrected_by_keyboard: str = ""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    data = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "folder", lambda: data)
        with Stage(data).running() as running:
            yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        running.watch()
        yield running


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures_folder(tmp_path_factory.mktemp("screenshots"))


@pytest.fixture(scope="module")
def visit(stage: Stage, browser: Browser, pictures: Path) -> Visit:
    seen = Visit()
    browser.size(*WIDE)
    browser.scheme("dark")
    browser.open(stage.url)
    browser.until(lambda: browser.text("word") == "Muted")
    seen.begun_muted = browser.text("capture")
    seen.wrong["muted, dark"] = browser.axe()
    while browser.focus() != "mute":
        browser.press("TAB")
        seen.tabbed.append(browser.focus())
    browser.press("ENTER")
    for seconds in (2.0, 4.0, 7.2):
        browser.play(stage, seconds)
        seen.words[seconds] = browser.text("word")
    browser.scheme("light")
    seen.wrong["happy, light"] = browser.axe()
    correct_by_keyboard(browser, pictures, seen)
    browser.play(stage, 13.0)
    browser.screenshot(pictures / "page-light.png")
    stage.until = math.inf
    browser.until(lambda: browser.text("word") == "The end")
    seen.decisions = browser.run(
        "return [...document.querySelectorAll('#decisions li')].map((row) => row.children[1].textContent)"
    )
    browser.until(lambda: browser.run("return announced.at(-1).startsWith('The end')"))
    seen.announced = browser.run("return announced")
    stage.until = 0.0
    browser.run("document.getElementById('mute').click()")  # play again
    browser.scheme("dark")
    browser.run("document.activeElement.blur()")
    browser.play(stage, 7.2)
    seen.wrong["happy, dark"] = browser.axe()
    browser.screenshot(pictures / "page-dark.png")
    browser.size(*NARROW)
    seen.wrong["happy, dark, narrow"] = browser.axe()
    browser.screenshot(pictures / "page-narrow.png")
    return seen


def correct_by_keyboard(browser: Browser, pictures: Path, seen: Visit) -> None:
    """Say that it was sad, and agree, without a mouse."""
    while browser.focus() != "correct":
        browser.press("TAB")
    browser.press("ENTER")
    browser.until(lambda: browser.run("return document.getElementById('correction').open"))
    seen.wrong["dialog, light"] = browser.axe()
    for _ in range(2):
        browser.press("ARROW_DOWN")  # sad is the third
    browser.press("TAB")
    browser.press("SPACE")
    browser.screenshot(pictures / "page-correction.png")
    seen.corrected = browser.text("correction-about")
    while browser.focus() != "save":
        browser.press("TAB")
    browser.press("ENTER")
    browser.until(lambda: not browser.run("return document.getElementById('correction').open"))
    seen.corrected_by_keyboard = browser.focus()


def test_it_begins_muted_and_says_so(visit: Visit) -> None:
    assert visit.begun_muted == "Microphone off"


def test_the_first_stop_of_the_keyboard_is_the_mute_button(visit: Visit) -> None:
    assert visit.tabbed == ["mute"]


def test_it_shows_the_decisions_of_the_recording(visit: Visit) -> None:
    changes = []
    for event in Recognizer().recognize(DEMO).timeline:
        if not changes or changes[-1] != (event.state, event.emotion):
            changes.append((event.state, event.emotion))
    expected = [(emotion or state).capitalize() for state, emotion in changes if state in ("emotion", "uncertain")]
    assert visit.decisions == expected[::-1]
    assert visit.words == {2.0: "Neutral", 4.0: "Quiet", 7.2: "Happy"}


def test_a_screen_reader_is_told_the_decisions_and_not_every_step(visit: Visit) -> None:
    assert any(text.startswith("Happy, ") for text in visit.announced)
    assert "Thank you. Kept: sad, with features." in visit.announced
    assert visit.announced[-1].startswith("The end")
    assert len(visit.announced) <= 10  # of 170 steps


def test_axe_finds_nothing_wrong_in_either_scheme_at_either_width_and_in_the_dialog(visit: Visit) -> None:
    assert len(visit.wrong) == 5
    assert {name: found for name, found in visit.wrong.items() if found} == {}


def test_axe_would_find_something(stage: Stage, browser: Browser, visit: Visit) -> None:
    browser.run("document.getElementById('source').style.color = '#777'")
    browser.run("document.getElementById('source').style.background = '#888'")
    browser.run("document.getElementById('correct').textContent = ''")
    found = browser.axe()
    browser.open(stage.url)
    assert {"button-name", "color-contrast"} <= {each.split(":")[0] for each in found}


def test_a_correction_by_keyboard_is_kept_with_the_consent_that_was_given(visit: Visit, stage: Stage) -> None:
    (file,) = stage.data.glob("*.json")
    kept = json.loads(file.read_text())
    assert visit.corrected.startswith("This device heard: happy, ")
    assert visit.corrected_by_keyboard == "correct"  # the focus is back where it was
    assert (kept["label"], kept["decided"]["emotion"]) == ("sad", "happy")
    assert kept["consent"]["text_version"] == 1
    assert kept["heard"]["n_features"] == 40


@pytest.mark.parametrize("path", ["page-dark.png", "page-light.png", "page-correction.png", "page-narrow.png"])
def test_screenshots_are_pictures_of_something(visit: Visit, pictures: Path, path: str) -> None:
    raw = (pictures / path).read_bytes()
    assert raw.startswith(b"\x89PNG")
    assert 10_000 < len(raw) < MOST_BYTES


def test_nothing_is_asked_of_anybody_else_and_the_browser_has_no_complaint(
    visit: Visit, stage: Stage, browser: Browser
) -> None:
    asked = browser.requests()
    assert {f"{stage.url}{file}" for file in ("", "page.css", "page.js", "events")} <= set(asked)
    assert {url for url in asked if not url.startswith((stage.url, "data:", "chrome:", "about:"))} == set()
    assert browser.complaints() == []


def test_the_mute_button_stops_what_is_heard(visit: Visit, stage: Stage, browser: Browser) -> None:
    browser.open(stage.url)
    browser.until(lambda: browser.text("capture") == "Playing")  # before that is known the button does nothing
    browser.run("document.getElementById('mute').click()")

    def muted() -> bool:
        stage.until += 0.02  # a source that waits cannot be closed; a busy machine must not hear it to its end
        return browser.text("capture") == "Microphone off"

    browser.until(muted)
    assert browser.text("word") == "Muted"
    assert browser.run("return document.getElementById('correct').disabled")
    stage.until = math.inf
    heard = browser.run("return document.getElementById('timeline').dataset.time")
    browser.driver.execute_async_script("setTimeout(arguments[0], 300)")
    assert browser.run("return document.getElementById('timeline').dataset.time") == heard


def test_everything_that_is_pressed_is_large_enough_and_shows_the_focus(
    visit: Visit, stage: Stage, browser: Browser
) -> None:
    for size in (WIDE, NARROW):
        browser.size(*size)
        browser.open(stage.url)
        browser.until(lambda: browser.text("capture") != "Connecting")
        sizes = browser.run(
            "return [...document.querySelectorAll('button, #correction-labels label, .consent')]"
            ".map((each) => each.getBoundingClientRect()).filter((box) => box.width)"
            ".map((box) => [box.width, box.height])"
        )
        assert sizes
        assert min(min(each) for each in sizes) >= LEAST_TARGET
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    browser.press("TAB")
    outline = browser.run("return getComputedStyle(document.activeElement).outlineWidth")
    assert float(outline.removesuffix("px")) >= 2


def test_a_page_whose_server_ends_does_not_say_that_it_listens(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path, "--source", "demo", "--muted") as short:
        browser.open(short.url)
        browser.until(lambda: browser.text("capture") == "Microphone off")
    browser.until(lambda: browser.text("capture") == "No connection")
    assert browser.run("return document.getElementById('mute').disabled")
    assert "connection" in browser.text("problem")
    browser.open("about:blank")
    browser.complaints()
