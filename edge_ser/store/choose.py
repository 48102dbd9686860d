"""Which model is used: the one that is named, else the installed one in use, else the one that came with edge-ser."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge_ser.errors import EdgeSerError, ModelFileError
from edge_ser.settings import Settings
from edge_ser.store.folder import SHIPPED, path_of, read_state
from edge_ser.student.container import read_file, take_apart
from edge_ser.student.model_file import BUNDLED, ModelFile

SHORT = 12  # digits of a SHA-256 that a person is shown


@dataclass(frozen=True, slots=True)
class Choice:
    """The model to use, and why."""

    model: ModelFile

    path: Path

    origin: Literal["named", "installed", "shipped"]

    passed_over: tuple[str, ...] = ()
    """Why an installed model that came before this one is not used: problem and cure, one a model."""


def choose_model(settings: Settings) -> Choice:
    """Return the model that these settings mean.

    An installed one that is broken is passed over for the one that was used before it, and at last for the one that
    came with edge-ser: a device goes on. One that is named must be whole.

    Raises
    ------
    ModelFileError, SettingsError
        The named file cannot be used, or is not signed where `require_signature` is on.
    """
    if settings.model is not None:
        return Choice(load_checked(settings.model, settings.require_signature), Path(settings.model), "named")
    passed_over: list[str] = []
    try:
        used = read_state().used
    except EdgeSerError as error:
        used = ()
        passed_over.append(str(error))
    for identity in reversed(used):
        if identity == SHIPPED:
            break
        try:
            model = load_installed(identity, settings.require_signature)
            return Choice(model, path_of(identity), "installed", tuple(passed_over))
        except EdgeSerError as error:
            passed_over.append(f"The installed model {identity[:SHORT]} is passed over: {error}")
    return Choice(ModelFile.load_bundled(), BUNDLED, "shipped", tuple(passed_over))


def load_installed(identity: str, require_signature: bool) -> ModelFile:
    """Return an installed model.

    Raises
    ------
    ModelFileError, SettingsError
        It is missing, damaged, another than was installed, or not signed where it must be.
    """
    return load_checked(path_of(identity), require_signature, identity)


def load_checked(path: str | os.PathLike[str], require_signature: bool, identity: str | None = None) -> ModelFile:
    """Return a model file's model, its signature checked where one is required, and its SHA-256 where one is given."""
    content = read_file(path)
    if identity is not None and hashlib.sha256(content).hexdigest() != identity:
        raise ModelFileError(f"{path} is not the file that was installed", "Install the model again")
    parts = take_apart(content, str(path))
    if require_signature and Path(path) != BUNDLED:
        # Imported here: most devices require none.
        from edge_ser.student.signature import signer_of

        signer_of(parts, str(path), required=True)
    return ModelFile.from_parts(parts, str(path))
