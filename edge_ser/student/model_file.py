"""`ModelFile`: one file that any TFLite interpreter opens, with all that the student needs appended as a ZIP.

    | .tflite | ZIP, stored: metadata.json, card.md | "edge-ser sha256 " + hexadecimal |

A flatbuffer knows its own length and a ZIP is found from its end, so neither is troubled by the other; the last part
is the ZIP's comment. It holds the SHA-256 of everything before it: a flipped bit or a missing byte anywhere is an
error, never another answer. It protects from damage, not from malice: who can write the file can write the hash.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_ser.errors import ModelFileError
from edge_ser.student.metadata import Metadata
from edge_ser.student.strict import StrictError, from_json, to_json

if TYPE_CHECKING:
    from zipfile import ZipFile

BUNDLED = Path(__file__).parents[1] / "models" / "default.tflite"

METADATA, CARD = "metadata.json", "card.md"
SEAL = b"edge-ser sha256 "
SEAL_BYTES = len(SEAL) + 64
TFLITE_MAGIC = b"TFL3"  # at byte 4

MAX_FILE_BYTES = 32 << 20  # a student has less than one megabyte; more is not one
MAX_PART_BYTES = 1 << 20
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same student makes the same bytes on any day

_MAKE_AGAIN = "Copy or download it again, or make it with edge-ser-convert"


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
            raise ModelFileError("The network is not a .tflite", _MAKE_AGAIN)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ModelFile:
        """Read and verify a file.

        Raises
        ------
        ModelFileError
            Missing, unreadable, damaged, foreign, or made for another front end.
        """
        try:
            size = Path(path).stat().st_size
            if size > MAX_FILE_BYTES:
                raise ModelFileError(f"{path} is no model file: it has {size} bytes", _MAKE_AGAIN)
            content = Path(path).read_bytes()
        except OSError as error:
            raise ModelFileError(
                f"The model file {path} cannot be read ({error.strerror})", "Check the path and its permissions"
            ) from error
        return cls.from_bytes(content, str(path))

    @classmethod
    def load_bundled(cls) -> ModelFile:
        """Read and verify the student that came with edge-ser."""
        return cls.load(BUNDLED)

    @classmethod
    def from_bytes(cls, content: bytes, name: str = "the model file") -> ModelFile:
        """Verify and take apart a file's content; `name` is what an error calls it."""
        seal = content[-SEAL_BYTES:]
        if not seal.startswith(SEAL):
            kind = "has no metadata or is cut short" if content[4:8] == TFLITE_MAGIC else "is no edge-ser model"
            raise ModelFileError(f"{name} {kind}", _MAKE_AGAIN)
        if hashlib.sha256(content[:-SEAL_BYTES]).hexdigest().encode() != seal[len(SEAL) :]:
            raise ModelFileError(f"{name} is damaged: its SHA-256 is not the one it names", _MAKE_AGAIN)
        tflite, metadata_json, card = _take_apart(content, name)
        try:
            metadata = from_json(metadata_json, Metadata)
        except StrictError as error:
            raise ModelFileError(f"The metadata of {name} cannot be used: {error}", _MAKE_AGAIN) from error
        if hashlib.sha256(tflite).hexdigest() != metadata.tflite_sha256:
            raise ModelFileError(f"{name} holds another network than its metadata describes", _MAKE_AGAIN)
        return cls(tflite, metadata, card)

    def to_bytes(self) -> bytes:
        """Return the file's content; the same for the same student, network and card."""
        from zipfile import ZIP_STORED, ZipFile, ZipInfo

        described = dataclasses.replace(self.metadata, tflite_sha256=hashlib.sha256(self.tflite).hexdigest())
        buffer = io.BytesIO(self.tflite)
        with ZipFile(buffer, "a", ZIP_STORED) as archive:  # 'a' puts a new archive behind whatever is there
            for part, text in ((METADATA, to_json(described, indent=None)), (CARD, self.card)):
                archive.writestr(ZipInfo(part, LONG_AGO), text)
            archive.comment = bytes(SEAL_BYTES)  # its length is part of what is hashed
        content = buffer.getvalue()[:-SEAL_BYTES]
        return content + SEAL + hashlib.sha256(content).hexdigest().encode()

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the file whole or not at all, so that a reader never sees half of it.

        Raises
        ------
        ModelFileError
            It cannot be written.
        """
        target = Path(path)
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            unfinished.write_bytes(self.to_bytes())
            unfinished.replace(target)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise ModelFileError(
                f"The model file {path} cannot be written ({error.strerror})", "Check the folder and its permissions"
            ) from error


def _take_apart(content: bytes, name: str) -> tuple[bytes, str, str]:
    """Return .tflite, metadata.json and card.md."""
    # Not needed before a model is loaded, and it imports compressors that are never needed.
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if sorted(part.filename for part in parts) != [CARD, METADATA]:
                raise ValueError(f"it holds {', '.join(part.filename for part in parts) or 'nothing'}")
            start = min(part.header_offset for part in parts)
            return content[:start], _read(archive, METADATA), _read(archive, CARD)
    except (BadZipFile, KeyError, ValueError, EOFError, OSError, RuntimeError) as error:
        raise ModelFileError(f"The metadata of {name} cannot be read ({error})", _MAKE_AGAIN) from error


def _read(archive: ZipFile, part: str) -> str:
    """Return a part's text; compressed or oversized parts are refused before they are unpacked."""
    found = archive.getinfo(part)
    if found.compress_type or found.file_size > MAX_PART_BYTES:
        raise ValueError(f"{part} is compressed or larger than {MAX_PART_BYTES} bytes")
    return archive.read(part).decode("utf-8")
