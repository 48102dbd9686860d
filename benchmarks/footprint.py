"""How large edge-ser is, how long it takes to start, how much memory it holds.

Times are those of whole processes, each beside one that only imports NumPy, which the board has to do anyway.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import processes
from benchmarks.report import Figure, Report, Spread, Table, interleave, ratio, spread
from benchmarks.resident import resident_mb
from edge_ser.errors import EdgeSerError
from edge_ser.recordings import DEMO
from edge_ser.student.backend import BACKEND_VARIABLE, PACKAGES, installed_backends
from edge_ser.student.model_file import BUNDLED, ModelFile

PACKAGE = Path(__file__).parents[1] / "edge_ser"
PACKED = ("edge_ser", "benchmarks", "pyproject.toml", "README.md", "LICENSE")
SETUPTOOLS_NEEDED = 77  # as pyproject.toml has it: the first that knows licence expressions

ROUNDS = 30  # of processes
QUICK_ROUNDS = 3
LISTENED_SECONDS, QUICK_LISTENED_SECONDS = 3600.0, 60.0
KB = 1000
MB = 1000 * KB
MS_PER_S = 1000
MEMORY = {
    "python": "Python alone", "numpy": "`import numpy`", "before the model": "before the model is loaded",
    "after the model": "with the model", "most while listening": "most while it listens",
    "at the end": "at the end", "growth": "more at the end than once it is warm",
}  # fmt: skip
"""What `benchmarks.listening` tells."""

IMPORT_NUMPY = "import numpy"
IMPORT_EDGE_SER = "import edge_ser"
FIRST_DECISION = f"""
from edge_ser.capture.source import open_source
from edge_ser.pipeline import Pipeline
from edge_ser.student.model_file import ModelFile
pipeline = Pipeline(ModelFile.load_bundled())
with open_source({str(DEMO)!r}) as source:
    blocks = iter(source.read, None)
    events = (event for block in blocks for event in pipeline.push(block.samples))
    next(event for event in events if event.state in ("emotion", "uncertain"))
"""


def run(quick: bool = False) -> Report:
    """Measure sizes, start-up and memory of what is installed here."""
    figures: dict[str, Figure] = {}
    notes: list[str] = []
    tables = (
        _install_sizes(figures),
        _file_sizes(figures, notes),
        _start_up(figures, QUICK_ROUNDS if quick else ROUNDS),
        _memory(figures, notes, QUICK_LISTENED_SECONDS if quick else LISTENED_SECONDS),
    )
    return Report("footprint", tables, figures, tuple(notes))


def _install_sizes(figures: dict[str, Figure]) -> Table:
    runtimes = [PACKAGES[name] for name in installed_backends()]
    shared = with_dependencies(set(_required_by("edge-ser")) - set(PACKAGES.values()))
    sizes = {"edge-ser": package_bytes()}
    sizes |= {name: installed_bytes(name) for name in sorted(shared | with_dependencies(set(runtimes)))}
    totals = {
        f"all with {name}": sum(sizes[needed] for needed in {"edge-ser"} | shared | with_dependencies({name}))
        for name in runtimes
    }
    by_size = dict(sorted(sizes.items(), key=lambda item: -item[1]))
    figures |= {f"{re.sub('[^a-z]+', '_', name)}_installed_mb": size / MB for name, size in (by_size | totals).items()}
    rows = tuple((name, f"{size / MB:.1f}") for name, size in (by_size | totals).items())
    return Table("Installed, MB", ("package", "MB"), rows)


def with_dependencies(names: set[str]) -> set[str]:
    """Return those of these packages that are installed, and what they need in turn."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        if name not in found and _is_installed(name):
            found.add(name)
            waiting |= set(_required_by(name))
    return found


def _required_by(name: str) -> Iterator[str]:
    for requirement in importlib.metadata.requires(name) or ():
        if "extra ==" not in requirement:
            yield re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def installed_bytes(name: str) -> int:
    """Return the size of an installed package's files, without compiled Python."""
    distribution = importlib.metadata.distribution(name)
    paths = (Path(str(distribution.locate_file(file))) for file in distribution.files or ())
    return sum(path.stat().st_size for path in paths if path.suffix != ".pyc" and path.is_file())


def package_bytes() -> int:
    """Return the size of edge-ser itself, likewise."""
    return sum(path.stat().st_size for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc")


def _file_sizes(figures: dict[str, Figure], notes: list[str]) -> Table:
    model = ModelFile.load_bundled()
    sizes: dict[str, int] = {
        "model file": BUNDLED.stat().st_size,
        "network in it": len(model.tflite),
        "network, gzip": len(gzip.compress(model.tflite, mtime=0)),
    }
    try:
        with tempfile.TemporaryDirectory() as folder:
            sizes["wheel"] = build_wheel(Path(folder)).stat().st_size
    except (OSError, subprocess.CalledProcessError):
        notes.append("the wheel is not measured: it can be built only in a checkout, with pip")
    for name, size in sizes.items():
        figures[f"{re.sub('[^a-z]+', '_', name)}_kb"] = size / KB
    return Table("Files, kB", ("file", "kB"), tuple((name, round(size / KB, 1)) for name, size in sizes.items()))


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this checkout into a folder.

    Raises
    ------
    OSError
        This is no checkout.
    subprocess.CalledProcessError
        pip could not build it; `stderr` says why.
    """
    # From a copy: setuptools leaves a build folder where it works, and packs what an earlier build left there.
    source = folder / "source"
    for name in PACKED:
        path = PACKAGE.parent / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder)]
    if _setuptools_version() >= SETUPTOOLS_NEEDED:
        command.append("--no-build-isolation")  # nothing to download
    subprocess.run([*command, str(source)], check=True, capture_output=True, text=True)
    return next(folder.glob("*.whl"))


def _setuptools_version() -> int:
    try:
        return int(importlib.metadata.version("setuptools").split(".")[0])
    except importlib.metadata.PackageNotFoundError:
        return 0


def _start_up(figures: dict[str, Figure], rounds: int) -> Table:
    scripts = {"import numpy": IMPORT_NUMPY, "import edge_ser": IMPORT_EDGE_SER, "first decision": FIRST_DECISION}
    times = interleave({name: _process(script) for name, script in scripts.items()}, rounds)
    rows = []
    for name in scripts:
        milliseconds: Spread = spread(times[name] * MS_PER_S)
        beside_numpy = ratio(times, name, "import numpy")
        rows.append((name, str(milliseconds), str(beside_numpy)))
        key = name.replace(" ", "_")
        figures |= {f"{key}_ms": milliseconds, f"{key}_over_numpy_ratio": beside_numpy}
    columns = ("process", "ms", "x `import numpy`")
    return Table("Start of a process to its end, median (quartiles)", columns, tuple(rows))


def _process(script: str) -> Callable[[], object]:
    return lambda: processes.python("-c", script)


def _memory(figures: dict[str, Figure], notes: list[str], seconds: float) -> Table:
    """Return what is resident on the way to listening, and how much more after an hour of audio."""
    columns, rows = ("when", *(PACKAGES[name] for name in installed_backends())), {}
    if not resident_mb():
        notes.append("memory is not measured: it is read from /proc, which only Linux has")
        return Table("Resident memory, MB", columns, ())
    for backend in installed_backends():
        try:
            found = processes.answer("benchmarks.listening", str(seconds), **{BACKEND_VARIABLE: backend})
        except EdgeSerError as error:
            notes.append(f"memory with {PACKAGES[backend]} is not measured: {error}")
            found = dict.fromkeys(MEMORY)
        else:
            found["growth"] = found["at the end"] - found.pop("warm")
            figures |= {f"{backend}_{name.replace(' ', '_')}_mb": size for name, size in found.items()}
        for name in MEMORY:
            rows.setdefault(name, []).append(None if found[name] is None else round(found[name], 2))
    title = f"Resident memory, MB; {seconds:g} s of audio are listened to"
    return Table(title, columns, tuple((MEMORY[name], *sizes) for name, sizes in rows.items()))
