"""Install, use, go back, remove: each changes the folder of models in one step that is done or not done."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from edge_ser.errors import SettingsError
from edge_ser.store.choose import SHORT, load_installed
from edge_ser.store.durable import publish, stage, sync_folder
from edge_ser.store.folder import (
    INCOMING_MODEL,
    SHIPPED,
    State,
    changing,
    folder,
    identities,
    path_of,
    state_or_none,
    write_state,
)
from edge_ser.store.trial import try_out
from edge_ser.student.container import read_file, take_apart
from edge_ser.student.model_file import BUNDLED, ModelFile
from edge_ser.student.signature import describe_signature, signer_of

KEEP = 3
"""Models kept, with the one in use."""

LEAST_KEPT = 2  # or there would be none to go back to

_LIST = "See `edge-ser model list`"


@dataclass(frozen=True, slots=True)
class Installed:
    """What was installed."""

    identity: str
    """SHA-256 of the file."""

    model: ModelFile

    signer: str | None
    """Name of the trusted key that signed it; None where nobody did, or a key that is not trusted here."""

    signature: str
    """The same in words."""

    removed: tuple[str, ...]
    """SHA-256 of older models that were deleted."""


def install(
    path: str | os.PathLike[str], *, require_signature: bool = False, backend: str | None = None, keep: int = KEEP
) -> Installed:
    """Check a model file, try it out, put it among the installed ones and use it from now on.

    Parameters
    ----------
    path : path
    require_signature : bool
        Refuse a file that no trusted key has signed.
    backend : str, optional
        TFLite runtime to try it on.
    keep : int
        Models kept, with this one; what was used longer ago, or went out of use by `rollback`, is deleted.

    Raises
    ------
    ModelFileError, BackendError
        The file is damaged, foreign, not signed as it must be, or computes wrongly here.
    SettingsError
        Signatures cannot be checked; `keep` is too small.
    OutputError
        No room or no permission. What was in use still is.
    """
    if keep < LEAST_KEPT:
        raise SettingsError(f"keep is {keep}", f"Keep {LEAST_KEPT} or more, to be able to go back")
    content, name = read_file(path), str(path)  # read once: what was checked is what is written
    parts = take_apart(content, name)
    signer = signer_of(parts, name, require_signature)
    model = ModelFile.from_parts(parts, name)
    identity = hashlib.sha256(content).hexdigest()
    with changing():
        staged = folder() / INCOMING_MODEL
        stage(staged, content)
        try_out(staged, backend)
        publish(staged, path_of(identity))
        state = state_or_none().using(identity, keep)
        write_state(state)
        removed = tuple(other for other in identities() if other not in state.used)
        _delete(removed)
    return Installed(identity, model, signer, describe_signature(parts, signer), removed)


def use(which: str, *, require_signature: bool = False, backend: str | None = None) -> str:
    """Use an installed model, named as for `find`, or the shipped one; return its SHA-256, or `shipped`.

    Raises
    ------
    SettingsError, ModelFileError, BackendError, OutputError
        There is none of that name; it is broken; the folder cannot be changed.
    """
    identity = find(which)
    if identity != SHIPPED:
        load_installed(identity, require_signature)
    try_out(BUNDLED if identity == SHIPPED else path_of(identity), backend)
    with changing():
        write_state(state_or_none().using(identity))
    return identity


def rollback() -> str:
    """Use what was used before; return its SHA-256, or `shipped`.

    Raises
    ------
    SettingsError, OutputError
        Nothing was installed; the folder cannot be changed.
    """
    with changing():
        used = state_or_none().used
        if not used:
            raise SettingsError("There is nothing to go back from: the shipped model is in use", _LIST)
        write_state(State(used=used[:-1]))
    return used[-2] if len(used) > 1 else SHIPPED


def remove(which: str) -> str:
    """Delete an installed model, named as for `find`; return its SHA-256. Was it in use, the one before it is.

    Raises
    ------
    SettingsError, OutputError
        There is none of that name; the folder cannot be changed.
    """
    identity = find(which)
    if identity == SHIPPED:
        raise SettingsError("The model that came with edge-ser cannot be removed", _LIST)
    with changing():
        write_state(state_or_none().without(identity))  # first: what is in use is never missing
        _delete((identity,))
    return identity


def find(which: str) -> str:
    """Return the SHA-256 that begins so, or `shipped`.

    Raises
    ------
    SettingsError
        There is none, or more than one.
    """
    if which == SHIPPED:
        return SHIPPED
    known = {*identities(), *state_or_none().used} - {SHIPPED}
    found = sorted(identity for identity in known if which and identity.startswith(which))
    if len(found) != 1:
        problem = f"{len(found)} installed models begin with" if found else "There is no installed model"
        there = ", ".join(identity[:SHORT] for identity in sorted(known)) or "none is installed"
        raise SettingsError(f"{problem} {which!r} ({there})", _LIST)
    return found[0]


def _delete(which: tuple[str, ...]) -> None:
    for identity in which:
        path_of(identity).unlink(missing_ok=True)
    if which:
        sync_folder(folder())
