"""Audio is in memory only while it is listened to, and then out of a core dump's way."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from privacy.memory_search import stretches_in_memory
from speech import demo, utterance

from edge_ser import Recognizer
from edge_ser.capture.resample import Resampler
from edge_ser.capture.source import ArraySource, Block
from edge_ser.features.extras import EXTRAS
from edge_ser.features.log_mel import LogMel
from edge_ser.pipeline import Pipeline
from edge_ser.student.model_file import ModelFile

LISTEN = """
import json, sys
from edge_ser import Recognizer
recognizer = Recognizer()
events = recognizer.listen(device="virtmic")
speech = 0
while speech < 10:
    speech += next(events).speech
print("listening", flush=True)
sys.stdin.readline()
next(events)
recognizer.close()
assert not list(events)
print("closed", flush=True)
sys.stdin.readline()
"""

PROTECTION = """
import json, resource, sys
from edge_ser import Recognizer, Settings
from edge_ser.memory import is_protected
from edge_ser.recordings import DEMO
recognizer = Recognizer(settings=Settings(protect_memory=json.loads(sys.argv[1])))
found = [is_protected()]
recognizer.recognize(DEMO)
found.append(is_protected())
next(recognizer.listen(DEMO))
print(json.dumps([*found, is_protected(), resource.getrlimit(resource.RLIMIT_CORE)[0]]))
"""


def arrays_in(root: object) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield every array that can be reached from an object of ours, with the way to it, in a fixed order."""
    seen: set[int] = set()

    def walk(value: object, way: str) -> Iterator[tuple[str, NDArray[Any]]]:
        if id(value) in seen or isinstance(value, (str, bytes, type, types.ModuleType)):
            return
        seen.add(id(value))
        if isinstance(value, np.ndarray):
            yield way, value
            return
        if isinstance(value, dict):
            parts = [(f"{way}[{key!r}]", part) for key, part in value.items()]
        elif isinstance(value, (list, tuple, set)) or type(value).__name__ == "deque":
            parts = [(f"{way}[{place}]", part) for place, part in enumerate(value)]
        elif isinstance(value, types.FunctionType):
            parts = [(f"{way}.{place}", cell.cell_contents) for place, cell in enumerate(value.__closure__ or ())]
        elif isinstance(value, types.MethodType):
            parts = [(way, value.__self__)]
        elif isinstance(value, partial):
            parts = [(way, value.args)]
        elif type(value).__module__.startswith("edge_ser"):
            names = [*getattr(value, "__slots__", ()), *getattr(value, "__dict__", ())]
            parts = [(f"{way}.{name}", getattr(value, name)) for name in names]
        else:
            return
        for name, part in parts:
            yield from walk(part, name)

    return walk(root, type(root).__name__)


def left_in(used: object, fresh: object) -> list[str]:
    """Return the arrays that are neither zeros nor what they are in an object that never heard anything."""
    wanted = dict(arrays_in(fresh))
    return [
        way
        for way, array in arrays_in(used)
        if array.any() and not (way in wanted and np.array_equal(array, wanted[way], equal_nan=True))
    ]


def test_a_pipeline_that_was_erased_holds_nothing_of_what_it_heard() -> None:
    model = ModelFile.load_bundled()
    used, fresh = Pipeline(model), Pipeline(model)
    for first in range(0, 40_000, 777):
        used.push(demo()[first : first + 777])
    fresh.push(np.zeros(4000, np.int16))  # makes the same kernels
    assert len(left_in(used, fresh)) > 5  # or what follows would say nothing
    used.erase()
    fresh.erase()  # or there would be what np.empty happened to find
    assert left_in(used, fresh) == []
    network, new = used._stepper._network, fresh._stepper._network
    graph = network.graph
    for tensor in (graph.features, graph.logits, graph.attention, *(part for state in graph.states for part in state)):
        found, wanted = (each._interpreter.get_tensor(tensor.index) for each in (network, new))
        np.testing.assert_array_equal(found, wanted)


def test_optional_features_forget_too() -> None:
    used, fresh = LogMel(tuple(EXTRAS)), LogMel(tuple(EXTRAS))
    used.push(demo()[:20_001])
    fresh.push(np.zeros(20_001, np.int16))  # makes the same kernels
    assert len(left_in(used, fresh)) > 10
    used.erase()
    fresh.erase()
    assert left_in(used, fresh) == []
    wanted = fresh.push(utterance())
    np.testing.assert_array_equal(used.push(utterance()), wanted)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 44101])
def test_a_resampler_forgets_too(rate: int) -> None:
    used, fresh = Resampler(rate, allow_soxr=False), Resampler(rate, allow_soxr=False)
    used.push(demo()[:20_001])
    used.erase()
    assert left_in(used, fresh) == []
    np.testing.assert_array_equal(used.push(demo()), fresh.push(demo()))


def test_only_blocks_that_nobody_else_has_are_overwritten() -> None:
    class Kept(ArraySource):
        def __init__(self, private: bool) -> None:
            super().__init__(demo(), 16000)
            self.private = private
            self.blocks: list[Block] = []

        def read(self) -> Block | None:
            block = super().read()
            if block is not None:
                self.blocks.append(Block(block.samples.copy()) if self.private else block)
                return self.blocks[-1]
            return None

    before = demo().copy()
    theirs, ours = Kept(private=False), Kept(private=True)
    assert list(Recognizer().listen(theirs)) == list(Recognizer().listen(ours))
    np.testing.assert_array_equal(np.concatenate([block.samples for block in theirs.blocks]), before)
    assert not any(block.samples.any() for block in ours.blocks)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_recording_is_in_memory_while_it_is_listened_to_and_nowhere_after_close(virtual_microphone, request) -> None:
    """Of the process and all its libraries: the recogniser's buffers, those of PortAudio, ALSA and PulseAudio."""
    played = demo()
    played = played[: len(played) // 320 * 320]  # looped by writes of 20 ms
    with virtual_microphone(16000, 1) as microphone, microphone.playing(played, loop=True):
        process = subprocess.Popen(
            [sys.executable, "-c", LISTEN],
            env=microphone.environment,
            cwd=request.config.rootpath,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout.readline() == "listening\n"
            try:
                while_listening = stretches_in_memory(process.pid, played)
            except PermissionError:
                pytest.skip("only root may read the memory of a process that is protected")
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "closed\n"
            after = stretches_in_memory(process.pid, played)
        finally:
            process.kill()
            process.communicate()
    assert while_listening.total() > 100
    assert {"int16", "float64"} <= {name.split()[-1] for name in while_listening}
    assert after.total() == 0, after


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
@pytest.mark.parametrize("wanted", [True, False])
def test_who_listens_is_not_dumped_unless_that_is_wanted(wanted: bool, request) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROTECTION, json.dumps(wanted)],
        cwd=Path(request.config.rootpath),
        stdout=subprocess.PIPE,
        check=True,
    )
    *protected, core_bytes = json.loads(done.stdout)
    assert protected == [False, False, wanted]
    if wanted:
        assert core_bytes == 0
