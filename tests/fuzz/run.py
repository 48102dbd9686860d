"""Fuzz one target, coverage-guided: `python tests/fuzz/run.py wav --runs 1000000`.

Needs `pip install atheris`. What it finds worth keeping goes to `--keep`, where the next run goes on; what crashes,
hangs for ten seconds or takes 600 MB, into the present folder. `distil.py` makes the corpus of the tests of the former.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TARGETS = tuple(sorted(path.stem for path in HERE.glob("[a-z]*.py") if path.stem not in ("run", "distil", "test_fuzz")))
READERS = ("tomllib", "zipfile")
"""Of the standard library, imported only on use, and read what is fuzzed."""
HANG_SECONDS = 10
MEMORY_MB = 600  # the process has some 120 to begin with, and libFuzzer keeps a corpus


def main() -> None:
    """Fuzz until that many executions are done, or something is found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--runs", type=int, default=1_000_000, metavar="N", help="executions (%(default)s)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="folder of inputs (a temporary one)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (%(default)s)")
    arguments = parser.parse_args()

    import atheris

    sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]
    with atheris.instrument_imports(include=["edge_ser", "fuzz", *READERS]):
        for name in READERS:
            sys.modules.pop(name, None)
            importlib.import_module(name)
        target = importlib.import_module(f"fuzz.{arguments.target}")
    keep = arguments.keep or Path(tempfile.mkdtemp(prefix="edge-ser-fuzz-"))
    keep.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (keep / f"seed-{number:03}").write_bytes(seed)
    options = [f"-max_len={target.MAX_BYTES}", f"-timeout={HANG_SECONDS}", f"-rss_limit_mb={MEMORY_MB}"]
    words = keep.with_name(f"{keep.name}.dict")
    words.write_text("".join(f'"{escaped(word)}"\n' for word in target.DICTIONARY))
    options += [f"-runs={arguments.runs}", f"-seed={arguments.seed}", f"-dict={words}", "-print_final_stats=1"]
    options += [str(keep), *(str(folder) for folder in [HERE / "corpus" / arguments.target] if folder.is_dir())]
    atheris.Setup([sys.argv[0], *options], target.check)
    atheris.Fuzz()


def escaped(word: bytes) -> str:
    """Return a word as libFuzzer's dictionaries spell it."""
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main()
