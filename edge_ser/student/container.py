"""The model file as parts: a .tflite with a ZIP appended, sealed by a hash.

    | .tflite | ZIP, stored: metadata.json, card.md, perhaps signature.json | "edge-ser sha256 " + hexadecimal |

A flatbuffer knows its own length and a ZIP is found from its end, so neither is troubled by the other; the last part
is the ZIP's comment. It holds the SHA-256 of everything before it: a flipped bit or a missing byte anywhere is an
error, never another answer. It protects from damage, not from malice: who can write the file can write the hash;
against that there is `edge_ser.student.signature`.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_ser.errors import ModelFileError

if TYPE_CHECKING:
    from zipfile import ZipFile

METADATA, CARD, SIGNATURE = "metadata.json", "card.md", "signature.json"
SEAL = b"edge-ser sha256 "
SEAL_BYTES = len(SEAL) + 64
TFLITE_MAGIC = b"TFL3"  # at byte 4

MAX_FILE_BYTES = 32 << 20  # a student has less than one megabyte; more is not one
MAX_PART_BYTES = 1 << 20
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same student makes the same bytes on any day

MAKE_AGAIN = "Copy or download it again, or make it with edge-ser-convert"

# The end of a ZIP's directory, 22 bytes before the comment: APPNOTE.TXT 6.3.10, section 4.3.16.
_DIRECTORY_END = struct.Struct("<4s4H2LH")
_MAX_ENTRIES = 3
_MAX_DIRECTORY_BYTES = 1024  # of so many with plain names
_ZIP64_LOCATOR = b"PK\6\7"
_ZIP64_LOCATOR_BYTES = 20


@dataclass(frozen=True, slots=True)
class Parts:
    """What lies in a model file, as it is there."""

    tflite: bytes
    """The network alone."""

    metadata: bytes
    """JSON, UTF-8."""

    card: bytes
    """Markdown, UTF-8."""

    signature: bytes | None = None
    """JSON, UTF-8; None where nobody signed."""

    def to_bytes(self) -> bytes:
        """Return the file's content; the same for the same parts."""
        from zipfile import ZIP_STORED, ZipFile, ZipInfo

        named = ((METADATA, self.metadata), (CARD, self.card), (SIGNATURE, self.signature))
        buffer = io.BytesIO(self.tflite)
        with ZipFile(buffer, "a", ZIP_STORED) as archive:  # 'a' puts a new archive behind whatever is there
            for name, part in named:
                if part is not None:
                    archive.writestr(ZipInfo(name, LONG_AGO), part)
            archive.comment = bytes(SEAL_BYTES)  # its length is part of what is hashed
        content = buffer.getvalue()[:-SEAL_BYTES]
        return content + SEAL + hashlib.sha256(content).hexdigest().encode()


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Return a model file's content, unless it is too large to be one.

    Raises
    ------
    ModelFileError
        Missing, unreadable or too large.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)  # its size is not asked for: a device has none, and no end
    except OSError as error:
        raise ModelFileError(
            f"The model file {path} cannot be read ({error.strerror})", "Check the path and its permissions"
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise ModelFileError(f"{path} is no model file: it has more than {MAX_FILE_BYTES} bytes", MAKE_AGAIN)
    return content


def take_apart(content: bytes, name: str = "the model file") -> Parts:
    """Check the seal and return the parts; `name` is what an error calls the file.

    Raises
    ------
    ModelFileError
        Foreign or damaged.
    """
    seal = content[-SEAL_BYTES:]
    if not seal.startswith(SEAL):
        kind = "has no metadata or is cut short" if content[4:8] == TFLITE_MAGIC else "is no edge-ser model"
        raise ModelFileError(f"{name} {kind}", MAKE_AGAIN)
    if hashlib.sha256(content[:-SEAL_BYTES]).hexdigest().encode() != seal[len(SEAL) :]:
        raise ModelFileError(f"{name} is damaged: its SHA-256 is not the one it names", MAKE_AGAIN)
    # Not needed before a model is loaded, and it imports compressors that are never needed.
    from zipfile import BadZipFile, ZipFile

    try:
        _check_directory(content)
        with ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            names = sorted(entry.filename for entry in entries)
            if names not in ([CARD, METADATA], [CARD, METADATA, SIGNATURE]):
                raise ValueError(f"it holds {', '.join(names) or 'nothing'}")
            start = min(entry.header_offset for entry in entries)
            signature = _read(archive, SIGNATURE) if SIGNATURE in names else None
            return Parts(content[:start], _read(archive, METADATA), _read(archive, CARD), signature)
    except (BadZipFile, KeyError, ValueError, EOFError, OSError, RuntimeError, struct.error) as error:
        raise ModelFileError(f"The metadata of {name} cannot be read ({error})", MAKE_AGAIN) from error


def _check_directory(content: bytes) -> None:
    """Refuse a directory of thousands of entries before each of them takes memory."""
    end = len(content) - SEAL_BYTES - _DIRECTORY_END.size
    if end < 0:
        raise ValueError("it has no directory")
    signature, _, _, _, entries, directory_bytes, _, comment_bytes = _DIRECTORY_END.unpack_from(content, end)
    if signature != b"PK\5\6" or comment_bytes != SEAL_BYTES:
        raise ValueError("its directory does not end where the seal begins")
    locator = content[max(0, end - _ZIP64_LOCATOR_BYTES) : end]
    if entries > _MAX_ENTRIES or directory_bytes > _MAX_DIRECTORY_BYTES or locator.startswith(_ZIP64_LOCATOR):
        raise ValueError("its directory is too large")


def _read(archive: ZipFile, name: str) -> bytes:
    """Return a part; what is compressed or oversized is refused before it is unpacked."""
    found = archive.getinfo(name)
    if found.compress_type or found.file_size > MAX_PART_BYTES:
        raise ValueError(f"{name} is compressed or larger than {MAX_PART_BYTES} bytes")
    return archive.read(name)
