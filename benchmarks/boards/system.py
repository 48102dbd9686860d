"""Debian for another processor in a folder: made once with debootstrap, run with qemu, without root at run time.

Debian 12 has the Python and NumPy of Raspberry Pi OS. Its packages are unpacked and not configured, for which a
processor of that kind would be needed; Python runs all the same. Debian's mirror and pip's index are those that this
machine is set up with.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_ser.errors import EdgeSerError
from edge_ser.student.backend import BACKEND_VARIABLE

REPOSITORY = Path(__file__).parents[2]
RELEASE = "bookworm"
PACKAGES = ("python3", "python3-numpy", "libopenblas0-pthread")
PYTHON = "3.11"  # of that release
GLIBC_MINOR = 36  # of that release: 2.36
COMPLETE = ".complete"  # left in a root once it is whole
BLAS_FOLDERS = {"OpenBLAS": "openblas-pthread", "reference BLAS": "blas"}
LITERT = (
    "ai-edge-litert>=2.1.5",
    "flatbuffers",
    "ml-dtypes",
    "protobuf",
    "tqdm",
    "typing-extensions",
    "backports.strenum",
)
TFLITE = ("tflite-runtime==2.14.0",)
# LiteRT looks here for what the processor can do; without it, it gives up. As a Raspberry Pi 4 has it.
CPUINFO = """\
processor\t: 0
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

Model\t\t: Raspberry Pi 4 Model B Rev 1.4
"""


@dataclass(frozen=True, slots=True)
class Board:
    """A kind of processor, and how to have it here."""

    name: str
    """What Linux calls the machine."""

    debian: str
    """What Debian calls it."""

    triplet: str
    """Name of its folder of libraries."""

    emulator: str
    """Program that runs its programs."""

    cpu: str | None
    """The model to be emulated; None for the emulator's own choice."""

    runtimes: tuple[tuple[str, tuple[str, ...]], ...]
    """Name in `edge_ser.student.backend.BACKENDS`, and the packages it takes."""


BOARDS = (
    # With the emulator's default processor LiteRT computes wrongly: it has instructions that no Pi has.
    Board("aarch64", "arm64", "aarch64-linux-gnu", "qemu-aarch64-static", "cortex-a72",
          (("litert", LITERT), ("tflite", TFLITE))),
    Board("armv7l", "armhf", "arm-linux-gnueabihf", "qemu-arm-static", None, (("tflite", TFLITE),)),
)  # fmt: skip


def missing_programs() -> list[str]:
    """Return the Debian packages that are not installed here and are needed."""
    programs = {"debootstrap": "debootstrap", "dpkg-deb": "dpkg"} | {b.emulator: "qemu-user-static" for b in BOARDS}
    return sorted({package for program, package in programs.items() if shutil.which(program) is None})


def build(board: Board, folder: Path) -> Path:
    """Return the board's root below `folder`, made if it is not there.

    Raises
    ------
    EdgeSerError
        A program is missing, or fails.
    """
    root = folder / board.debian
    if (root / COMPLETE).exists():
        return root
    if missing := missing_programs():
        raise EdgeSerError(f"{' and '.join(missing)}: not installed", f"Run: apt-get install {' '.join(missing)}")
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    packages = f"--include={','.join(PACKAGES)}"
    options = ("--foreign", "--variant=minbase", f"--arch={board.debian}", packages)
    _call("debootstrap", *options, RELEASE, str(root), *_mirror(), cure="Run it as root, or under fakeroot")
    for package in sorted((root / "var/cache/apt/archives").glob("*.deb")):
        _call("dpkg-deb", "-x", str(package), str(root), cure="Free some disk: a board takes 400 MB")
        package.unlink()
    (root / "proc/cpuinfo").write_text(CPUINFO, encoding="ascii")
    for runtime, wheels in board.runtimes:
        _install(board, wheels, root / "opt" / runtime)
    (root / COMPLETE).touch()
    return root


def digest_on(board: Board, root: Path, runtime: str, blas: str) -> dict[str, Any]:
    """Return what `benchmarks.boards.digest` prints on a board.

    Raises
    ------
    EdgeSerError
        It fails there.
    """
    # As this machine sees them: the 32-bit loader looks for a folder by statx, whose path qemu does not translate.
    libraries = root / "usr/lib" / board.triplet
    blas_folders = f"{libraries}/{BLAS_FOLDERS[blas]}:{libraries}/lapack"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{REPOSITORY}:{root / 'opt' / runtime}:{root / 'usr/lib/python3/dist-packages'}",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",  # the checkout is shared with this machine's Python
        BACKEND_VARIABLE: runtime,
    } | ({"QEMU_CPU": board.cpu} if board.cpu else {})
    python = str(root / f"usr/bin/python{PYTHON}")
    printed = _call(
        board.emulator, "-L", str(root), "-E", f"LD_LIBRARY_PATH={blas_folders}", python,
        "-m", "benchmarks.boards.digest", environment=environment, cure=f"Delete {root} and run it again",
    )  # fmt: skip
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


def _mirror() -> tuple[str, ...]:
    """Return the mirror that apt uses for this release, if it does; else debootstrap has its own."""
    if shutil.which("apt-get") is None:
        return ()
    form = "$(SITE) $(RELEASE) $(COMPONENT)"
    lines = _call("apt-get", "indextargets", "--format", form, "Created-By: Packages", cure="Mend apt's sources")
    sites = [line.split()[0] for line in lines.splitlines() if line.split()[1:] == [RELEASE, "main"]]
    return tuple(sites[:1])


def _install(board: Board, wheels: Sequence[str], to: Path) -> None:
    """Unpack wheels for the board's processor; NumPy is Debian's."""
    platforms = [f"--platform=manylinux_2_{minor}_{board.name}" for minor in range(17, GLIBC_MINOR + 1)]
    fixed = ("--quiet", "--no-deps", "--only-binary=:all:", f"--python-version={PYTHON}", "--implementation=cp")
    pip = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check")
    _call(*pip, *fixed, *platforms, f"--target={to}", *wheels, cure="Look whether pip reaches its package index")


def _call(*command: str, cure: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise EdgeSerError(f"{Path(command[0]).name} failed with status {done.returncode}: {said}", cure)
    return done.stdout
