"""C sources for microcontrollers hold the very bytes of the model file and of the front end's tables."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from convert.cli import main
from edge_ser.features.tables import TABLES_PATH
from edge_ser.student.model_file import ModelFile

PROGRAM = """
#include <stdio.h>
#include "edge_ser_model.h"
#include "edge_ser_front_end.h"
#include "edge_ser_golden.h"

#define WRITE(array) fwrite(array, 1, sizeof array, stdout)

int main(void) {
    WRITE(edge_ser_model);
    WRITE(edge_ser_log_table); WRITE(edge_ser_stage_1); WRITE(edge_ser_cosine); WRITE(edge_ser_dct);
    WRITE(edge_ser_mel);
    WRITE(edge_ser_mean); WRITE(edge_ser_std);
    WRITE(edge_ser_golden_features); WRITE(edge_ser_golden_logits); WRITE(edge_ser_golden_attention);
    fprintf(stderr, "%d %d %.17g %s %d", EDGE_SER_N_CLASSES, EDGE_SER_FRAMES_PER_STEP, EDGE_SER_TEMPERATURE,
            edge_ser_labels[EDGE_SER_N_LABELS - 1], (int)((uintptr_t)edge_ser_model % 16));
    return 0;
}
"""


def test_what_a_c_program_reads_is_what_the_model_file_holds(tmp_path: Path) -> None:
    compiler = shutil.which("gcc") or pytest.skip("no C compiler: apt-get install gcc")
    model = ModelFile.load_bundled()
    path = Path(__file__).parents[2] / "edge_ser" / "models" / "default.tflite"
    assert main(["c-array", str(path), "--out", str(tmp_path)]) == 0
    (tmp_path / "main.c").write_text(PROGRAM)
    sources = [str(each) for each in tmp_path.glob("*.c")]
    strict = ["-std=c99", "-O0", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    subprocess.run([compiler, *strict, "-o", str(tmp_path / "program"), *sources], check=True)
    done = subprocess.run([str(tmp_path / "program")], capture_output=True, check=True)
    spec = model.metadata.features
    wanted = [
        model.tflite,
        Path(TABLES_PATH).read_bytes(),
        np.array(spec.mean).tobytes(),
        np.array(spec.std).tobytes(),
        *(array.tobytes() for array in model.metadata.golden_arrays()),
    ]
    assert done.stdout == b"".join(wanted)
    classes, frames, temperature, label, misaligned = done.stderr.decode().split()
    assert (int(classes), int(frames)) == (len(model.metadata.classes), spec.frames_per_step)
    assert float(temperature) == model.metadata.decision.temperature
    assert label == model.metadata.labels[-1]
    assert misaligned == "0"


def test_the_headers_are_cplusplus_too(tmp_path: Path) -> None:
    compiler = shutil.which("g++") or pytest.skip("no C++ compiler: apt-get install g++")
    path = Path(__file__).parents[2] / "edge_ser" / "models" / "default.tflite"
    assert main(["c-array", str(path), "--out", str(tmp_path)]) == 0
    program = "".join(f'#include "{header.name}"\n' for header in sorted(tmp_path.glob("*.h")))
    (tmp_path / "main.cc").write_text(program + "int main() { return edge_ser_model[0] == 0; }\n")
    command = [
        compiler,
        "-Wall",
        "-Werror",
        "-pedantic",
        "-c",
        "-o",
        str(tmp_path / "main.o"),
        str(tmp_path / "main.cc"),
    ]
    subprocess.run(command, check=True)
