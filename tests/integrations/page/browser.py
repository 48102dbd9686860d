"""A real browser without a screen: Debian's Chromium, driven through its own protocol."""

from __future__ import annotations

import io
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from integrations.page.served import Stage

webdriver = pytest.importorskip("selenium.webdriver", reason="pip install selenium")

WAIT_SECONDS = 60.0  # the machine may be busy
CHUNK_SECONDS = 3.0  # fewer events than wait for a page that is slow
STEP_SECONDS = 0.08
WIDE, NARROW = (1280, 800), (480, 800)

# A colour on its way from one to another is not the page's.
SETTLE = "document.getAnimations().forEach((each) => { try { each.finish() } catch { each.cancel() } });"

# Told to the page before any of its own code runs.
WATCH = """
window.announced = [];
addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("announcement");
  if (place) new MutationObserver(() => announced.push(place.textContent)).observe(place, {childList: true});
});
"""


def pictures_folder(otherwise: Path) -> Path:
    """Return where screenshots go: EDGE_SER_SCREENSHOTS, by which those of the documentation are made, or another."""
    named = os.environ.get("EDGE_SER_SCREENSHOTS")
    return Path(named).resolve() if named else otherwise


class Browser:
    """A tab."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.loaded: list[str] = []  # addresses that were asked for

    def size(self, width: int, height: int) -> None:
        """Make the tab so many CSS pixels large."""
        self._cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, scheme: str) -> None:
        """Let the user like `light` or `dark`."""
        self._cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url: str) -> None:
        """Load a page."""
        self.driver.get(url)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page; `return` gives its value."""
        return self.driver.execute_script(script, *arguments)

    def text(self, id_: str) -> str:
        """Return the text of an element, as it is and not as it is drawn."""
        return self.run("return document.getElementById(arguments[0])?.textContent.trim() ?? ''", id_)

    def until(self, found: Callable[[], Any]) -> Any:
        """Wait until something is so; return it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (value := found()):
            assert time.monotonic() < deadline, self.run("return document.body.innerText")
            time.sleep(0.05)
        return value

    def play(self, stage: Stage, seconds: float) -> None:
        """Let the recording be played up to a moment, and wait until the page has shown it."""
        while stage.until < seconds:
            stage.until = min(stage.until + CHUNK_SECONDS, seconds)
            self.until(lambda: self._shown() >= stage.until - STEP_SECONDS)

    def _shown(self) -> float:
        return float(self.run("return document.getElementById('timeline').dataset.time || 0"))

    def press(self, key: str) -> None:
        """Press a key, wherever the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        ActionChains(self.driver).send_keys(getattr(Keys, key)).perform()

    def focus(self) -> str:
        """Return the id of what has the focus, or its tag."""
        return self.run("return document.activeElement.id || document.activeElement.tagName")

    def screenshot(self, path: Path) -> None:
        """Write what is seen to a PNG of 256 colours: half a megabyte of documentation less."""
        pillow = pytest.importorskip("PIL.Image", reason="pip install pillow")
        self.run(SETTLE)
        path.parent.mkdir(parents=True, exist_ok=True)
        taken = pillow.open(io.BytesIO(self.driver.get_screenshot_as_png())).convert("RGB")
        taken.quantize(256, kmeans=1, dither=pillow.Dither.NONE).save(path, optimize=True)

    def axe(self) -> list[str]:
        """Return what axe-core finds wrong: rule, element, and why."""
        axe = Path(pytest.importorskip("axe_core_python").__file__).with_name("axe.min.js")
        self.run(axe.read_text(encoding="utf-8"))
        script = "axe.run(document, {resultTypes: ['violations']}).then((found) => arguments[0](found.violations))"
        self.run(SETTLE)
        return [
            f"{found['id']}: {node['html']} {node['failureSummary']}"
            for found in self.driver.execute_async_script(script)
            for node in found["nodes"]
        ]

    def requests(self) -> list[str]:
        """Return every address that the page has asked for so far."""
        for entry in self.driver.get_log("performance"):
            said = json.loads(entry["message"])["message"]
            if said["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                self.loaded.append(said["params"].get("request", said["params"])["url"])
        return self.loaded

    def complaints(self) -> list[str]:
        """Return what the browser complains of since it was asked last: errors, and what the policy forbids."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def _cdp(self, command: str, **parameters: Any) -> None:
        self.driver.execute_cdp_cmd(command, parameters)

    def watch(self) -> None:
        """Note what is announced to a screen reader, in `window.announced`, on every page from now on."""
        self._cdp("Page.addScriptToEvaluateOnNewDocument", source=WATCH)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no browser: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    # --no-sandbox: as root, in a container, Chromium has no other.
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "hide-scrollbars"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield Browser(running)
    finally:
        running.quit()
