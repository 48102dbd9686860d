"""`ModelFile`: one file that any TFLite interpreter opens, with all that the student needs appended as a ZIP.

What the file is made of is in `edge_ser.student.container`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from edge_ser.errors import ModelFileError
from edge_ser.student.container import MAKE_AGAIN, TFLITE_MAGIC, Parts, read_file, take_apart
from edge_ser.student.metadata import Metadata
from edge_ser.student.strict import StrictError, from_json, to_json

BUNDLED = Path(__file__).parents[1] / "models" / "default.tflite"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A student and what is to be known about it.

    Raises
    ------
    ModelFileError
        The .tflite is none.
    """

    tflite: bytes
    """The network alone."""

    metadata: Metadata
    """`tflite_sha256` is filled in when the file is written."""

    card: str
    """The model card, Markdown."""

    def __post_init__(self) -> None:
        if self.tflite[4:8] != TFLITE_MAGIC:
            raise ModelFileError("The network is not a .tflite", MAKE_AGAIN)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ModelFile:
        """Read and verify a file.

        Raises
        ------
        ModelFileError
            Missing, unreadable, damaged, foreign, or made for another front end.
        """
        return cls.from_bytes(read_file(path), str(path))

    @classmethod
    def load_bundled(cls) -> ModelFile:
        """Read and verify the student that came with edge-ser."""
        return cls.load(BUNDLED)

    @classmethod
    def from_bytes(cls, content: bytes, name: str = "the model file") -> ModelFile:
        """Verify and take apart a file's content; `name` is what an error calls it."""
        return cls.from_parts(take_apart(content, name), name)

    @classmethod
    def from_parts(cls, parts: Parts, name: str = "the model file") -> ModelFile:
        """Verify a file's parts; `name` is what an error calls it. Whose signature it bears is not looked at."""
        try:
            metadata, card = from_json(parts.metadata.decode("utf-8"), Metadata), parts.card.decode("utf-8")
        except (StrictError, UnicodeDecodeError) as error:
            raise ModelFileError(f"The metadata of {name} cannot be used: {error}", MAKE_AGAIN) from error
        if hashlib.sha256(parts.tflite).hexdigest() != metadata.tflite_sha256:
            raise ModelFileError(f"{name} holds another network than its metadata describes", MAKE_AGAIN)
        return cls(parts.tflite, metadata, card)

    def among(self, label_set: str | None) -> ModelFile:
        """Return the same student where only a set of its labels can occur; None leaves them all.

        Raises
        ------
        SettingsError
            There is no set of this name.
        """
        return self if label_set is None else dataclasses.replace(self, metadata=self.metadata.among(label_set))

    def to_bytes(self) -> bytes:
        """Return the file's content, unsigned; the same for the same student, network and card."""
        described = dataclasses.replace(self.metadata, tflite_sha256=hashlib.sha256(self.tflite).hexdigest())
        return Parts(self.tflite, to_json(described, indent=None).encode(), self.card.encode()).to_bytes()

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the file whole or not at all, so that a reader never sees half of it.

        Raises
        ------
        ModelFileError
            It cannot be written.
        """
        write_whole(path, self.to_bytes())


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a model file's content whole or not at all.

    Raises
    ------
    ModelFileError
        It cannot be written.
    """
    target = Path(path)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ModelFileError(
            f"The model file {path} cannot be written ({error.strerror})", "Check the folder and its permissions"
        ) from error
