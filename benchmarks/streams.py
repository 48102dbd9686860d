"""Many streams in one process: `python -m benchmarks.streams COUNT` prints what they cost as JSON."""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from benchmarks.resident import resident_mb
from edge_ser.capture.source import open_source
from edge_ser.pipeline import Pipeline
from edge_ser.recordings import DEMO
from edge_ser.settings import SAMPLE_RATE
from edge_ser.student.model_file import ModelFile

BLOCK = SAMPLE_RATE // 10  # samples, 100 ms
AUDIO_SECONDS = 1.0  # of each stream, from where the recording speaks
SPEECH_AT = 1.0  # seconds into it


def main() -> None:
    """Make the streams, feed them in turns, print."""
    count = int(sys.argv[1])
    model = ModelFile.load_bundled()
    with open_source(DEMO) as source:
        pcm = np.concatenate([block.samples for block in iter(source.read, None)])
    Pipeline(model).push(pcm[: 2 * BLOCK])  # whatever is loaded once
    before, began = resident_mb(), time.perf_counter()
    pipelines = [Pipeline(model) for _ in range(count)]
    built = time.perf_counter() - began
    first = round(SPEECH_AT * SAMPLE_RATE)
    for pipeline in pipelines:
        pipeline.push(pcm[first - BLOCK : first])
    start = time.process_time()
    for at in range(first, first + round(AUDIO_SECONDS * SAMPLE_RATE), BLOCK):
        block = pcm[at : at + BLOCK]
        for pipeline in pipelines:
            pipeline.push(block)
    spent = time.process_time() - start
    found = {
        "seconds": spent,
        "audio_seconds": AUDIO_SECONDS,
        "build_ms": 1e3 * built / count,
        "growth_mb": resident_mb() - before,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
