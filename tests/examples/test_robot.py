"""The robot: its behaviour layer, its light on gpiozero's own mock pins, its ROS 2 package, its README as written."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from speech import demo

from edge_ser import Recognizer, Settings
from edge_ser.events import Event, Flags

REPOSITORY = Path(__file__).parents[2]
ROBOT = REPOSITORY / "examples" / "robot"
PACKAGE = ROBOT / "ros2" / "edge_ser_robot"
LABELS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
STEP = 0.08  # seconds

SPEAKING = Event(0.0, "emotion", "neutral", {"neutral": 1.0}, 0.6, 0.0, 0.0, True, 1.0, 0.1, -25.0, Flags())


def load(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def behaviour(monkeypatch) -> Iterator[ModuleType]:
    """The layer, imported as robot.py and light.py do."""
    yield load(ROBOT / "behaviour.py", "behaviour")
    del sys.modules["behaviour"]


def stream(*parts: tuple[str | None, float], **changes: object) -> list[Event]:
    """Return events a step apart: each part an emotion (None: silence; another state by its name) and its seconds."""
    events, time = [], 0.0
    for emotion, seconds in parts:
        for _ in range(round(seconds / STEP)):
            time += STEP
            event = replace(SPEAKING, time=time, emotion=emotion, **changes)
            if emotion is None:
                event = replace(event, state="no_speech", speech=False)
            elif emotion not in LABELS:
                event = replace(event, state=emotion, emotion=None, speech=emotion != "mic_lost")
            events.append(event)
    return events


def names(behaviour: ModuleType, *parts: tuple[str | None, float]) -> list[str]:
    return [act.behaviour.name for act in behaviour.BehaviourLayer().acts(stream(*parts))]


def test_every_label_has_a_behaviour_and_the_readme_tells_the_same_of_it(behaviour):
    assert set(behaviour.BEHAVIOURS) == set(LABELS)
    readme = (ROBOT / "README.md").read_text()
    for label, told in behaviour.BEHAVIOURS.items():
        assert f"| {label} | {told.name} | {'; '.join(told.next_steps)} |".replace("|  |", "| |") in readme


def test_the_readme_has_the_numbers_of_the_code(behaviour):
    rows = re.findall(r"^\| (.*) \| `(\w+)` \|$", (ROBOT / "README.md").read_text(), re.MULTILINE)
    assert len(rows) == 5
    for text, name in rows:
        seconds = getattr(behaviour, name)
        assert (f"{seconds:g} s" in text) or (seconds == 60 and "once a minute" in text)


def test_only_what_is_gentler_comes_soon(behaviour):
    usual = behaviour.USUAL
    for label in ("angry", "fearful", "sad", "disgusted", "surprised"):
        assert not behaviour.is_bolder(behaviour.BEHAVIOURS[label], usual)
        [act] = behaviour.BehaviourLayer().acts(stream((label, 3.0)))
        assert act.time == pytest.approx(behaviour.GENTLER_AFTER_SECONDS + STEP, abs=STEP)
    assert names(behaviour, ("happy", 1.5)) == []
    assert names(behaviour, ("happy", 10.0)) == ["lively"]


@pytest.mark.parametrize("state", ["uncertain", "warming_up"])
def test_nothing_is_done_on_what_is_uncertain_or_too_early(behaviour, state):
    assert names(behaviour, (state, 60.0)) == []
    assert names(behaviour, ("angry", 2.0), (state, 60.0)) == ["yielding"]
    tense = stream((state, 5.0), valence=-0.9, arousal=0.9, confidence=0.9)
    assert list(behaviour.BehaviourLayer().acts(tense)) == []


@pytest.mark.parametrize("flags", [Flags(gap=True), Flags(clipping=True)])
def test_nothing_is_done_on_damaged_audio(behaviour, flags):
    assert list(behaviour.BehaviourLayer().acts(stream(("angry", 20.0), flags=flags))) == []


def test_a_robot_between_two_emotions_does_not_flap(behaviour):
    """However often the recogniser changes its mind, there are few acts, and no sentence twice in a minute."""
    apart = [part for _ in range(60) for part in (("angry", 0.24), ("happy", 0.24))]  # neither is held
    assert names(behaviour, *apart) == []
    held = [part for _ in range(20) for part in (("angry", 0.8), ("happy", 0.8))]
    assert names(behaviour, *held) == ["yielding"]  # happy is never held long enough to come nearer again
    slow = [part for _ in range(10) for part in (("angry", 4.0), ("happy", 4.0))]  # 80 s
    acts = list(behaviour.BehaviourLayer().acts(stream(*slow)))
    said = [act.time for act in acts if act.says]
    assert len(acts) <= 2 * 80 / behaviour.KEEP_SECONDS  # no more often bolder than that, and gentler in between
    assert all(later - sooner >= behaviour.SAY_AGAIN_SECONDS for sooner, later in pairwise(said))


def test_it_is_as_usual_when_nobody_is_there_or_the_microphone_is_gone(behaviour):
    assert names(behaviour, ("angry", 2.0), (None, 14.0)) == ["yielding"]
    assert names(behaviour, ("angry", 2.0), (None, 16.0)) == ["yielding", "usual"]
    assert names(behaviour, ("angry", 2.0), ("mic_lost", 16.0)) == ["yielding", "usual"]


def commands() -> list[str]:
    """Return the lines that the README gives to be run."""
    return re.findall(r"^```sh\n(.*?)\n```$", (ROBOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("command", commands())
def test_the_readme_runs_as_written(command):
    if "light.py" in command:
        pytest.importorskip("gpiozero")
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # `python` of this environment
    environment = {**os.environ, "PATH": programs, "PYTHONPATH": path}
    ended = subprocess.run(
        ["sh", "-euc", command], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "lively" in ended.stdout  # the recording sounds happy for a while


def test_the_light_fades_on_mock_pins_to_the_behaviours_colour(behaviour):
    gpiozero = pytest.importorskip("gpiozero")
    from gpiozero.pins.mock import MockFactory, MockPWMPin

    light = load(ROBOT / "light.py", "light")
    assert set(light.COLOURS) == {each.name for each in behaviour.BEHAVIOURS.values()}
    assert all(sum(colour) <= 1 for colour in light.COLOURS.values())  # all at their most dazzle
    with MockFactory(pin_class=MockPWMPin) as factory, gpiozero.RGBLED(*light.PINS, pin_factory=factory) as led:
        shown = light.Light(led)
        for _ in range(light.FADE_STEPS):
            shown.tick()
        assert led.value == pytest.approx(light.COLOURS["usual"])
        shown.show("still")
        reds = []
        for _ in range(2 * light.FADE_STEPS):
            shown.tick()
            reds.append([factory.pin(pin).state for pin in light.PINS])
        assert reds[-1] == pytest.approx(light.COLOURS["still"])
        blues = [blue for _, _, blue in reds]
        assert blues == sorted(blues)  # it fades, and does not flash
        assert len({round(blue, 6) for blue in blues}) == light.FADE_STEPS


# The ROS 2 package.


def test_ros_understands_the_package_and_setup_py_agrees_with_it(monkeypatch):
    pytest.importorskip("setuptools")
    package = pytest.importorskip("catkin_pkg.package").parse_package(str(PACKAGE))
    warnings: list[str] = []
    package.validate(warnings)
    assert warnings == []
    assert package.get_build_type() == "ament_python"
    built = {}
    monkeypatch.setattr("setuptools.setup", lambda **given: built.update(given))
    load(PACKAGE / "setup.py", "setup_of_the_node")
    assert (built["name"], built["version"]) == (package.name, package.version)
    assert built["license"] == package.licenses[0]
    for _, files in built["data_files"]:
        assert all((PACKAGE / file).is_file() for file in files)
    [script] = built["entry_points"]["console_scripts"]
    module, function = script.split(" = ")[1].split(":")
    source = ast.parse((PACKAGE / (module.replace(".", "/") + ".py")).read_text())
    assert function in [node.name for node in source.body if isinstance(node, ast.FunctionDef)]
    imported = {
        name.split(".")[0]
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [])
    }
    needed = {each.name for each in package.exec_depends}
    assert needed == {name for name in imported if name.startswith(("rclpy", "launch")) or name.endswith("_msgs")}


def test_colcon_builds_it(tmp_path):
    colcon = shutil.which("colcon")
    if colcon is None:
        pytest.skip("no colcon: apt-get install colcon python3-colcon-ros")
    shutil.copytree(PACKAGE, tmp_path / "src" / PACKAGE.name)  # follows the link, as the README's `cp -rL`
    ended = subprocess.run([colcon, "build"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    installed = tmp_path / "install" / PACKAGE.name
    assert os.access(installed / "lib" / PACKAGE.name / "speech_emotion", os.X_OK)
    assert [*installed.glob("lib/python*/site-packages/edge_ser_robot/behaviour.py")]


@pytest.fixture
def messages(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(PACKAGE))
    return importlib.import_module("edge_ser_robot.messages")


def test_the_node_tells_each_change_once_and_every_event(messages):
    speaker = messages.Speaker()
    texts = [speaker.texts(event) for event in stream(("angry", 0.8), ("uncertain", 0.4), (None, 16.0))]
    assert all(json.loads(each["event"])["state"] for each in texts)
    decisions = [json.loads(each["decision"]) for each in texts if "decision" in each]
    assert [(each["state"], each["emotion"]) for each in decisions] == [
        ("emotion", "angry"),
        ("uncertain", None),
        ("no_speech", None),
    ]
    acts = [json.loads(each["behaviour"]) for each in texts if "behaviour" in each]
    assert [act["name"] for act in acts] == ["yielding", "usual"]
    assert "stop the present task" in acts[0]["next_steps"]


def test_the_nodes_health_is_that_of_the_recogniser(messages):
    with Recognizer(settings=Settings()) as recognizer:
        recognizer.recognize(demo()[:16000], sample_rate=16000)
        stats = recognizer.stats()
    assert messages.health("no_speech", stats, stats).level == "OK"
    assert messages.health("mic_lost", stats, stats).level == "ERROR"
    assert messages.health("emotion", replace(stats, overflows=1), stats).level == "WARN"
    assert messages.health("emotion", replace(stats, step_ms_p95=90.0), stats).level == "WARN"
    assert messages.health("no_speech", stats, stats).values["steps"] == str(stats.steps)


class StandIn:
    """What node.py asks of rclpy, which no registry here has: it shows that the node calls it, not that ROS agrees."""

    def __init__(self) -> None:
        self.published: dict[str, list[object]] = {}
        self.timers: list[Callable[[], None]] = []
        self.fatal: list[str] = []
        self.parameters: dict[str, str] = {}
        self.down = threading.Event()

    def modules(self) -> dict[str, SimpleNamespace]:
        stand_in = self

        class Node:
            def __init__(self, name: str) -> None:
                self._name = name

            def get_name(self) -> str:
                return self._name

            def declare_parameters(self, namespace: str, parameters: list[tuple[str, str]]) -> None:
                stand_in.parameters = {**dict(parameters), **stand_in.parameters}

            def get_parameter(self, name: str) -> SimpleNamespace:
                return SimpleNamespace(value=stand_in.parameters[name])

            def create_publisher(self, kind: type, topic: str, qos: object) -> SimpleNamespace:
                return SimpleNamespace(publish=stand_in.published.setdefault(topic, []).append)

            def create_timer(self, seconds: float, callback: Callable[[], None]) -> None:
                stand_in.timers.append(callback)

            def get_clock(self) -> SimpleNamespace:
                return SimpleNamespace(now=lambda: SimpleNamespace(to_msg=lambda: "now"))

            def get_logger(self) -> SimpleNamespace:
                return SimpleNamespace(fatal=stand_in.fatal.append)

            def destroy_node(self) -> None:
                pass

        def message(**fields: object) -> SimpleNamespace:
            return SimpleNamespace(header=SimpleNamespace(), **fields)

        def status(**fields: object) -> SimpleNamespace:
            return SimpleNamespace(**fields)

        status.OK, status.WARN, status.ERROR = b"\0", b"\1", b"\2"

        def spin(node: Node) -> None:
            assert self.down.wait(60)
            raise External

        class External(Exception):  # noqa: N818
            pass

        rclpy = SimpleNamespace(init=lambda: None, spin=spin, try_shutdown=self.down.set)
        kept = SimpleNamespace(TRANSIENT_LOCAL="kept")
        return {
            "rclpy": rclpy,
            "rclpy.executors": SimpleNamespace(ExternalShutdownException=External),
            "rclpy.node": SimpleNamespace(Node=Node),
            "rclpy.qos": SimpleNamespace(
                DurabilityPolicy=kept, QoSProfile=SimpleNamespace, qos_profile_sensor_data="sensor"
            ),
            "diagnostic_msgs.msg": SimpleNamespace(
                DiagnosticArray=message, DiagnosticStatus=status, KeyValue=SimpleNamespace
            ),
            "std_msgs.msg": SimpleNamespace(String=SimpleNamespace),
        }


@pytest.fixture
def ros(messages, monkeypatch) -> StandIn:
    stand_in = StandIn()
    for name, module in stand_in.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    return stand_in


def node(monkeypatch) -> ModuleType:
    monkeypatch.delitem(sys.modules, "edge_ser_robot.node", raising=False)
    return importlib.import_module("edge_ser_robot.node")


def test_the_node_publishes_what_it_hears_and_ends_with_its_source(ros, monkeypatch, tmp_path):
    import soundfile

    file = tmp_path / "second.wav"
    soundfile.write(file, demo()[16000:32000], 16000)
    ros.parameters["source"] = str(file)
    node(monkeypatch).main()
    assert len(ros.published["~/event"]) == 13  # a second in steps of 80 ms, the last one begun
    assert json.loads(ros.published["~/decision"][0].data)["state"] in ("no_speech", "warming_up")
    ros.timers[0]()
    [array] = ros.published["/diagnostics"]
    assert array.status[0].level == b"\0"
    assert {each.key: each.value for each in array.status[0].values}["steps"] == "13"


def test_a_node_that_cannot_listen_says_why_and_ends(ros, monkeypatch, tmp_path):
    ros.parameters["source"] = str(tmp_path / "missing.wav")
    node(monkeypatch).main()
    assert "missing.wav" in ros.fatal[0]
