"""The picture: a file that any browser reads, with axes, labels and everything that was found."""

from __future__ import annotations

import base64
import dataclasses
import struct
import xml.etree.ElementTree as ElementTree
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from speech import STEP, silence, utterance

from edge_ser import Recognizer
from edge_ser.errors import OutputError
from edge_ser.explanation import Explanation
from edge_ser.explanation.axes import Panel
from edge_ser.explanation.files import check_writable, write
from edge_ser.explanation.picture import picture
from edge_ser.explanation.spectrogram import palette, spectrogram

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
RECOGNIZER = Recognizer()


@lru_cache(maxsize=1)
def explained() -> Explanation:
    return RECOGNIZER.explain(utterance(), 16000)


def drawn(explanation: Explanation) -> ElementTree.Element:
    return ElementTree.fromstring(picture(explanation).encode())


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def pixels_of(png: bytes) -> NDArray[np.uint8]:
    """Return the palette indices (rows, columns) of a PNG file, its checksums verified."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, chunks = 8, {}
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length) == (zlib.crc32(kind + data),)
        chunks[kind] = data
        at += 12 + length
    columns, rows, *kind_of_image = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert kind_of_image == [8, 3, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(rows, columns + 1)
    assert not lines[:, 0].any()
    return lines[:, 1:]


def test_it_has_axes_with_units_and_every_label() -> None:
    found = texts(drawn(explained()))
    for tick in ("0 s", "1 s", "250 Hz", "500 Hz", "1 kHz", "4 kHz", "0.5", "0 %"):
        assert tick in found
    for label, probability in explained().recognition.probabilities.items():
        assert f"{label} {probability:.2f}" in found
    assert f"Probability of {explained().label} that is lost without each stretch" in found
    assert any(text.startswith(f"array: {explained().recognition.emotion}, probability") for text in found)
    assert "speech" in found


def test_times_stand_where_they_belong() -> None:
    panel = Panel(top=10, height=100, seconds=5.0, low=-1.0, high=1.0)
    assert panel.x(2.5) == (panel.x(0) + panel.x(5)) / 2
    assert [panel.y(value) for value in (1.0, 0.0, -1.0)] == [10, 60, 110]
    root = drawn(explained())
    second = next(element for element in root.iter(f"{SVG}text") if element.text == "1 s")
    assert float(second.attrib["x"]) == pytest.approx(Panel(0, 1, explained().explained_seconds).x(1.0), abs=0.06)


def test_what_hides_more_has_the_longer_bar() -> None:
    root = drawn(explained())
    coloured = [element for element in root.iter(f"{SVG}rect") if element.attrib["fill"] in ("#0072b2", "#d55e00")]
    bands = len(explained().over_frequency)
    widths = [float(element.attrib["width"]) for element in coloured[:bands]]
    drops = [abs(part.drop) for part in explained().over_frequency]
    assert np.corrcoef(widths, drops)[0, 1] > 0.999
    heights = [float(element.attrib["height"]) for element in coloured[bands : bands + len(explained().over_time)]]
    drops = [abs(part.drop) for part in explained().over_time]
    assert np.corrcoef(heights, drops)[0, 1] > 0.999


def test_nothing_stands_outside_the_picture() -> None:
    root = drawn(explained())
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for element in root.iter():
        if "x" in element.attrib and element.attrib.get("width") != "100%":
            assert 0 <= float(element.attrib["x"]) <= width
            assert 0 <= float(element.attrib["y"]) <= height


def test_the_image_is_dark_where_it_is_loud_and_high_frequencies_are_above() -> None:
    link = next(drawn(explained()).iter(f"{SVG}image")).attrib[LINK]
    shades = pixels_of(base64.b64decode(link.partition("base64,")[2])).astype(float)
    assert shades.shape == (40, 8 * len(explained().events))
    speech = np.repeat([event.speech for event in explained().events], 8)
    assert shades[:, speech].mean() > shades[:, ~speech].mean() + 40
    assert palette()[0].sum() > 700 > 250 > palette()[255].sum()
    tone = np.zeros((2, 8, 40))
    tone[:, :, 39] = 50.0
    assert pixels_of(spectrogram(tone, np.array([0.0, 0.08, 0.16])))[0].min() == 255


def test_a_step_after_a_gap_is_wider() -> None:
    log_mel = np.zeros((3, 8, 40))
    log_mel[1] = 60.0
    shades = pixels_of(spectrogram(log_mel, np.array([0.0, 1.0, 3.0, 4.0])))
    assert (shades[0] == 255).sum() == shades.shape[1] / 2


def test_flags_are_marked_only_where_there_are_any() -> None:
    assert not {"clipping", "noise", "gap"} & set(texts(drawn(explained())))
    loud = utterance().astype(np.int32)
    loud[20 * STEP : 22 * STEP] *= 100
    found = RECOGNIZER.explain(np.clip(loud, -32768, 32767).astype(np.int16), 16000)
    assert "clipping" in texts(drawn(found))


@pytest.mark.parametrize("name", ['a & <b> "c".wav', "two\nlines\x01\x7f.wav", "half \udc80.wav", "x" * 300, ""])
def test_any_name_gives_a_valid_file(name: str) -> None:
    root = drawn(dataclasses.replace(explained(), name=name))
    assert len(texts(root)) > 30
    assert max(map(len, texts(root))) < 130


def test_silence_has_a_picture_too() -> None:
    root = drawn(RECOGNIZER.explain(silence(20), 16000))
    assert "array: nobody speaks" in texts(root)


def test_it_says_that_a_long_recording_is_not_explained_to_its_end() -> None:
    cut = dataclasses.replace(explained(), steps=20, attention=explained().attention[:20])
    cut = dataclasses.replace(cut, log_mel_dbfs=explained().log_mel_dbfs[:20])
    assert any(text.startswith("Only the first 2 s are explained") for text in texts(drawn(cut)))


def test_files_are_written_side_by_side(tmp_path: Path) -> None:
    svg, data = write(explained(), tmp_path / "who said")
    assert (svg.name, data.name) == ("who said.svg", "who said.json")
    assert svg.read_text(encoding="utf-8") == picture(explained())


@pytest.mark.parametrize("base", ["missing/x", "file/x", "taken"])
def test_a_place_that_cannot_be_written_is_one_error_before_and_after(tmp_path: Path, base: str) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "taken.json").mkdir()
    for attempt in (lambda: check_writable(tmp_path / base), lambda: write(explained(), tmp_path / base)):
        with pytest.raises(OutputError, match="cannot be written") as caught:
            attempt()
        assert caught.value.cure


def test_looking_whether_it_can_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "old.svg").write_text("old")
    check_writable(tmp_path / "old")
    check_writable(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["old.svg"]
    assert (tmp_path / "old.svg").read_text() == "old"
