"""The folder of installed models: files named by their SHA-256, and one small file that says which are used.

    edge-ser/models/ state.json          the order in which models came into use, the last of them in use
                     <SHA-256>.tflite    a model each
                     .lock .incoming.tflite .incoming.json    of an installation under way

Only a rename of `state.json` changes which model is in use. Nothing in a model file chooses a name here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge_ser.errors import EdgeSerError, OutputError, SettingsError
from edge_ser.store.durable import make_folder, publish, stage
from edge_ser.student.strict import StrictError, from_json, to_json

FORMAT = 1
SHIPPED = "shipped"
"""In place of a SHA-256: the model that came with edge-ser."""

STATE, LOCK, SUFFIX = "state.json", ".lock", ".tflite"
INCOMING_MODEL, INCOMING_STATE = ".incoming.tflite", ".incoming.json"
MAX_STATE_BYTES = 100_000

_IDENTITY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class State:
    """`state.json`."""

    format: int = FORMAT

    used: tuple[str, ...] = ()
    """SHA-256 of model files, or `shipped`, in the order in which they came into use; none: the shipped one."""

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise SettingsError(f"its format is {self.format} and this edge-ser reads {FORMAT}", "Update edge-ser")
        for identity in self.used:
            if identity != SHIPPED and not _IDENTITY.fullmatch(identity):
                raise SettingsError(f"{identity!r} is no SHA-256", "Install the model again")

    def using(self, identity: str, keep: int | None = None) -> State:
        """Return the state in which this one is in use, and at most `keep` models are remembered."""
        used = (*(other for other in self.used if other != identity), identity)
        kept = [other for other in used if other != SHIPPED][-(keep or 0) :]
        return State(used=tuple(other for other in used if other == SHIPPED or other in kept))

    def without(self, identity: str) -> State:
        """Return the state in which this one was never used."""
        return State(used=tuple(other for other in self.used if other != identity))


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where installed models are: `edge-ser/models` in the user's data folder.

    Raises
    ------
    SettingsError
        The user has no home.
    """
    home = environment.get("HOME") or "~"
    try:
        data = Path(environment.get("XDG_DATA_HOME") or f"{home}/.local/share").expanduser()
    except RuntimeError as error:
        raise SettingsError("This user has no home folder to keep models in", "Set XDG_DATA_HOME") from error
    return data / "edge-ser" / "models"


def path_of(identity: str) -> Path:
    """Return the file of an installed model."""
    return folder() / f"{identity}{SUFFIX}"


def identities() -> list[str]:
    """Return the SHA-256 of each file that is there, whole or not."""
    return sorted(path.stem for path in folder().glob(f"*{SUFFIX}") if _IDENTITY.fullmatch(path.stem))


def read_state() -> State:
    """Return which models are used.

    Raises
    ------
    SettingsError
        The file cannot be read or is damaged.
    """
    try:
        path = folder() / STATE
    except SettingsError:  # no home: nothing was ever installed
        return State()
    try:
        with path.open("rb") as file:
            return from_json(file.read(MAX_STATE_BYTES).decode("utf-8"), State)
    except FileNotFoundError:
        return State()
    except (OSError, UnicodeDecodeError, StrictError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(
            f"Which model is in use cannot be read from {path} ({reason})",
            "Install the model again, or choose one with `edge-ser model use`",
        ) from error


def state_or_none() -> State:
    """Return which models are used; none where that is damaged: what is to be changed is then written anew."""
    try:
        return read_state()
    except EdgeSerError:
        return State()


def write_state(state: State) -> None:
    """Change which models are used, at once and for good. For whoever has the lock."""
    staged = folder() / INCOMING_STATE
    stage(staged, to_json(state).encode())
    publish(staged, folder() / STATE)


@contextmanager
def changing() -> Iterator[None]:
    """Make the folder and hold its lock: one changes it at a time. The lock of one that was killed is free.

    Raises
    ------
    OutputError
        For what cannot be written inside, too.
    """
    import fcntl  # reading needs no lock

    where = folder()
    try:
        make_folder(where)
        with (where / LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                for unfinished in (INCOMING_MODEL, INCOMING_STATE):  # of now, or of one that was killed
                    (where / unfinished).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{where} cannot be changed ({error.strerror})", "Make room there, or check its permissions"
        ) from error
