"""A model file is whole or it is refused: no damage, anywhere, may become another answer."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import random
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_ser.errors import ModelFileError
from edge_ser.student.backend import build_interpreter, installed_backends
from edge_ser.student.container import CARD, MAX_FILE_BYTES, MAX_PART_BYTES, METADATA, SEAL, SEAL_BYTES
from edge_ser.student.model_file import ModelFile

FAULTS = 400  # sampled places


def sealed(tflite: bytes, parts: dict[str, str], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a file with any parts and a hash that is right: what the hash alone cannot catch."""
    buffer = io.BytesIO(tflite)
    with zipfile.ZipFile(buffer, "a", compression) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        archive.comment = bytes(SEAL_BYTES)
    content = buffer.getvalue()[:-SEAL_BYTES]
    return content + SEAL + hashlib.sha256(content).hexdigest().encode()


def metadata_of(content: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        loaded: dict[str, Any] = json.loads(archive.read(METADATA))
        return loaded


def test_shipped_student_loads(model: ModelFile) -> None:
    assert model.metadata.features.frames_per_step == 8
    assert set(model.metadata.label_of_class) == set(model.metadata.classes)
    assert model.card.startswith("#")


def test_writing_and_loading_changes_nothing(model: ModelFile, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "student.tflite"
    model.write(path)
    assert ModelFile.load(path) == model
    assert path.read_bytes() == content  # the same student makes the same bytes
    assert [entry.name for entry in tmp_path.iterdir()] == ["student.tflite"]


def test_writing_is_whole_or_not_at_all(model: ModelFile, tmp_path: Path) -> None:
    folder = tmp_path / "student.tflite"
    folder.mkdir()
    with pytest.raises(ModelFileError, match="cannot be written"):
        model.write(folder)
    assert [entry.name for entry in tmp_path.iterdir()] == ["student.tflite"]
    with pytest.raises(ModelFileError, match="cannot be written"):
        model.write(tmp_path / "missing" / "student.tflite")


@pytest.mark.parametrize("backend", installed_backends())
def test_interpreters_open_the_file_as_it_is(content: bytes, backend: str) -> None:
    build_interpreter(content, backend=backend)


def test_zip_tools_open_the_file_as_it_is(content: bytes, model: ModelFile) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.read(CARD).decode() == model.card


def test_any_flipped_bit_is_found(content: bytes) -> None:
    places = random.Random(0)
    # Everywhere, and all of the last bytes, where the ZIP keeps its directory.
    sampled = [places.randrange(8 * len(content)) for _ in range(FAULTS)]
    for bit in sampled + list(range(8 * (len(content) - 250), 8 * len(content), 3)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ModelFileError):
            ModelFile.from_bytes(bytes(damaged))


def test_any_truncation_is_found(content: bytes) -> None:
    places = random.Random(1)
    lengths = [places.randrange(len(content)) for _ in range(FAULTS)]
    for length in lengths + list(range(20)) + list(range(len(content) - 250, len(content))):
        with pytest.raises(ModelFileError):
            ModelFile.from_bytes(content[:length])


def test_any_lost_or_added_block_is_found(content: bytes) -> None:
    places = random.Random(2)
    for _ in range(FAULTS):
        start, size = places.randrange(len(content)), places.choice((1, 16, 512, 4096))
        for damaged in (
            content[:start] + content[start + size :],
            content[:start] + bytes(size) + content[start:],
            content + content[start:],
        ):
            with pytest.raises(ModelFileError):
                ModelFile.from_bytes(damaged)


@pytest.mark.parametrize(
    ("foreign", "problem"),
    [
        (b"", "is no edge-ser model"),
        (b"RIFF\0\0\0\0WAVE", "is no edge-ser model"),
        (b"\x1c\0\0\0TFL3" + bytes(1000), "has no metadata or is cut short"),
        (SEAL + b"0" * 64, "damaged"),
        (sealed(b"", {}), "holds nothing"),
        (sealed(b"", {METADATA: "{}", CARD: ""}), "has no 'format'"),
        (sealed(b"", {METADATA: "{}", CARD: "", "more": ""}), "more"),
        (sealed(b"", {METADATA: "{}"}), "holds metadata.json"),
        (sealed(b"", {METADATA: " " * (MAX_PART_BYTES + 1), CARD: ""}), "larger than"),
        (sealed(b"", {METADATA: "{}", CARD: ""}, zipfile.ZIP_DEFLATED), "compressed"),
    ],
)
def test_foreign_files_are_refused(foreign: bytes, problem: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        ModelFile.from_bytes(foreign)
    assert problem in str(caught.value)


def directory_of(entries: int) -> bytes:
    """Return a sealed file whose ZIP has so many empty entries."""
    return sealed(b"\x1c\0\0\0TFL3", {str(number): "" for number in range(entries)})


def edited(content: bytes, before: bytes, after: bytes) -> bytes:
    """Return a file with some bytes changed, and sealed again."""
    assert before in content
    changed = content[:-SEAL_BYTES].replace(before, after)
    return changed + SEAL + hashlib.sha256(changed).hexdigest().encode()


def test_a_zip_bomb_takes_no_memory() -> None:
    bombs = [
        directory_of(50_000),
        sealed(b"", {METADATA: "{" + 50_000_000 * " " + "}", CARD: ""}, zipfile.ZIP_DEFLATED),
        sealed(b"", {METADATA: "{" + MAX_PART_BYTES * "[" + "}", CARD: ""}),
        sealed(b"", {METADATA: "[" * (MAX_PART_BYTES - 1), CARD: ""}),
    ]
    for bomb in bombs:
        tracemalloc.start()
        with pytest.raises(ModelFileError):
            ModelFile.from_bytes(bomb)
        assert tracemalloc.get_traced_memory()[1] < len(bomb) + 20e6
        tracemalloc.stop()


@pytest.mark.parametrize(
    "name",
    ["../metadata.json", "/metadata.json", "metadata.json/", "METADATA.JSON", "C:\\card.md"],
)
def test_a_zip_with_other_paths_is_refused(name: str) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        ModelFile.from_bytes(sealed(b"", {name: "{}", CARD: ""}))


def test_a_zip_with_a_part_twice_or_encrypted_or_a_lying_directory_is_refused(content: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in (METADATA, CARD):
            archive.writestr(name, "{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(METADATA, "{}")
        archive.comment = bytes(SEAL_BYTES)
    twice = buffer.getvalue()[:-SEAL_BYTES]
    end = content[-SEAL_BYTES - 22 : -SEAL_BYTES]
    for hostile in (
        twice + SEAL + hashlib.sha256(twice).hexdigest().encode(),
        edited(content, b"PK\1\2\x14\x03\x14\0\0\0", b"PK\1\2\x14\x03\x14\0\1\0"),  # encrypted
        edited(content, end, end[:8] + b"\xff\xff\xff\xff" + end[12:]),  # 65535 entries
        edited(content, end, end[:12] + b"\xff\xff\xff\xff" + end[16:]),  # of 4 GB
        edited(content, end, end[:16] + b"\xff\xff\xff\xff" + end[20:]),  # at 4 GB
        edited(content, end, b"PK\6\7" + bytes(16) + end),  # and a ZIP64 directory elsewhere
    ):
        with pytest.raises(ModelFileError):
            ModelFile.from_bytes(hostile)


def test_a_device_without_end_is_no_model() -> None:
    with pytest.raises(ModelFileError, match="is no model file"):
        ModelFile.load("/dev/zero")


def change(*keys: str, to: object) -> Callable[[dict[str, Any]], None]:
    def apply(metadata: dict[str, Any]) -> None:
        place = metadata
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return apply


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (change("features", "tables_sha256", to="0" * 64), "another front end"),
        (change("features", "front_end", "n_mels", to=64), "n_mels is 64"),
        (change("features", "front_end", "n_mfcc", to=13), "mean and std"),
        (change("features", "extras", to=["pitch"]), "mean and std have not 43 values each"),
        (change("features", "extras", to=["pich"]), "no extra feature 'pich'"),
        (change("features", "mean", to=[0.0]), "mean and std"),
        (change("features", "lsb_per_std", to=0.0), "lsb_per_std"),
        (change("features", "frames_per_step", to=0), "frames_per_step"),
        (change("features", "running_mean_prior_frames", to=-1), "running_mean_prior_frames"),
        (change("format", to=2), "format is 2"),
        (change("classes", to=[]), "0 classes"),
        (change("label_of_class", "calm", to="serene"), "label_of_class"),
        (change("label_of_class", to={}), "label_of_class"),
        (change("affect", "happy", "valence", to=1.5), "valence"),
        (change("affect", to={}), "affect"),
        (change("decision", "temperature", to=0), "temperature"),
        (change("decision", "uncertain_below", to=1.1), "uncertain_below"),
        (change("decision", "hangover_seconds", to=-1), "hangover_seconds"),
        (change("golden", "features", to="AAAA"), "golden vector is incomplete"),
        (change("golden", "features", to="?"), "not base64"),
        (change("metrics", to={"uar": 10**400}), "not a finite number"),
        (change("tflite_sha256", to="0" * 64), "another network"),
    ],
)
def test_metadata_that_contradicts_itself_is_refused(
    model: ModelFile, content: bytes, damage: Callable[[dict[str, Any]], None], problem: str
) -> None:
    metadata = metadata_of(content)
    damage(metadata)
    with pytest.raises(ModelFileError) as caught:
        ModelFile.from_bytes(sealed(model.tflite, {METADATA: json.dumps(metadata), CARD: ""}))
    assert problem in str(caught.value)


def test_another_network_under_the_same_metadata_is_refused(model: ModelFile, content: bytes) -> None:
    other = bytearray(model.tflite)
    other[len(other) // 2] ^= 1
    with pytest.raises(ModelFileError, match="another network"):
        ModelFile.from_bytes(sealed(bytes(other), {METADATA: json.dumps(metadata_of(content)), CARD: ""}))


def test_network_must_be_a_tflite(model: ModelFile) -> None:
    with pytest.raises(ModelFileError, match=r"not a \.tflite"):
        dataclasses.replace(model, tflite=b"onnx")


@pytest.mark.parametrize("name", ["missing.tflite", "."])
def test_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        ModelFile.load(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_file_too_large_for_a_student_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.touch()
    os.truncate(path, MAX_FILE_BYTES + 1)
    with pytest.raises(ModelFileError, match="is no model file"):
        ModelFile.load(path)
