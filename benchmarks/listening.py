"""Memory of a process that listens: `python -m benchmarks.listening SECONDS` prints it as JSON.

It imports as little as a program would that uses edge-ser, and looks at its memory on the way.
"""

from __future__ import annotations

import importlib
import json
import sys

from benchmarks.resident import resident_mb

WARM_UP_SECONDS = 30.0  # of audio, behind which memory should stay what it is


def main() -> None:
    """Listen to that much audio at full speed and print, in MB, what is resident on the way."""
    seconds = float(sys.argv[1])
    found = {"python": resident_mb()}
    importlib.import_module("numpy")
    found["numpy"] = resident_mb()
    from edge_ser.capture.source import Block, open_source
    from edge_ser.pipeline import Pipeline
    from edge_ser.recordings import DEMO
    from edge_ser.settings import SAMPLE_RATE
    from edge_ser.student.model_file import ModelFile

    found["before the model"] = resident_mb()
    pipeline = Pipeline(ModelFile.load_bundled())
    found["after the model"] = resident_mb()
    with open_source(DEMO) as source:
        blocks: list[Block] = list(iter(source.read, None))
    warm_up, heard = min(WARM_UP_SECONDS, seconds / 2), 0.0
    while heard < seconds:
        for block in blocks:
            pipeline.push(block.samples)
            heard += len(block.samples) / SAMPLE_RATE
        if heard >= warm_up:
            found.setdefault("warm", resident_mb())
    found["at the end"] = resident_mb()
    found["most while listening"] = resident_mb("VmHWM")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
