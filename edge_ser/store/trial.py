"""A model tried out before it is used: in a process of its own, so that one that crashes or hoards crashes only that.

What a crafted network does to the TFLite runtime, which is C++ and was not written for malice, is not known beforehand.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from edge_ser.errors import BackendError, EdgeSerError, ModelFileError

LIMIT_SECONDS = 120.0  # of which a slow board needs five
LIMIT_BYTES = 1 << 30  # of private memory; a recogniser takes some 55 MB
TRIAL_SAMPLES = 32000  # 2 s
SOUND_LEVEL = 2000.0  # of int16, as speech

OK, REFUSED = 0, 3  # exit status; any other is a crash

_CURE = "Do not use it; make another with edge-ser-convert"


def try_out(path: Path, backend: str | None = None) -> None:
    """Load a model file in another process, compare its golden steps, and let it hear two seconds of sound.

    Raises
    ------
    ModelFileError, BackendError
        It is no model for this machine, computes something else here than where it was made, or crashes.
    """
    # The child imports from where this process does, nothing from the present folder, whosever that is; and it starts
    # no threads, each of which would reserve memory.
    known = os.pathsep.join(str(Path(place).absolute()) for place in sys.path if place)
    environment = {**os.environ, "PYTHONPATH": known, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "edge_ser.store.trial", str(path.absolute()), *([backend] if backend else [])]
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=Path(__file__).parents[2],  # which `-m` would import from first
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelFileError(f"The model had not answered after {LIMIT_SECONDS:.0f} s", _CURE) from error
    if done.returncode == REFUSED:
        refusal = json.loads(done.stdout)
        kind = BackendError if refusal["kind"] == "BackendError" else ModelFileError
        raise kind(refusal["problem"], refusal["cure"])
    if done.returncode != OK:
        ended = f"signal {-done.returncode}" if done.returncode < 0 else f"status {done.returncode}"
        last = done.stderr.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        raise ModelFileError(f"The model could not be tried out: it ended with {ended} {last[:200]}".rstrip(), _CURE)


def main(path: str, backend: str | None = None) -> int:
    """Try a model out here; say on stdout why it is refused."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import numpy as np

    from edge_ser.pipeline import Pipeline
    from edge_ser.settings import Settings
    from edge_ser.student.model_file import ModelFile
    from edge_ser.student.stepper import Stepper

    try:
        model = ModelFile.load(path)
        try:
            stepper = Stepper(model, backend=backend)
        except BackendError as error:
            Stepper(ModelFile.load_bundled(), backend=backend)  # raises where no network can be run
            raise ModelFileError(f"The network cannot be run: {error.problem}", _CURE) from error
        stepper.self_test()
        pipeline = Pipeline(model, Settings(backend=backend))  # type: ignore[arg-type]  # a name that Stepper knew
        sound = np.random.default_rng(0).normal(0.0, SOUND_LEVEL, TRIAL_SAMPLES).astype(np.int16)
        pipeline.push(sound)
        pipeline.flush()
    except EdgeSerError as error:
        print(json.dumps({"kind": type(error).__name__, "problem": error.problem, "cure": error.cure}))
        return REFUSED
    return OK


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
