"""Audio files: what is usable is read to the sample, what is not says why and what to do."""

import io
import os
import struct
import sys
import tracemalloc
import wave
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_ser.capture.riff import HEAD_BYTES
from edge_ser.capture.source import open_source
from edge_ser.capture.wav import WavSource, open_audio_file
from edge_ser.errors import AudioFileError

PCM, IEEE_FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
RAMP = np.arange(-3000, 3000, dtype=np.int16)


def chunk(tag, body, size=None):
    return tag + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def fmt(encoding=PCM, channels=1, rate=16000, bits=16, extensible=False):
    frame_bytes = channels * -(-bits // 8)
    body = struct.pack("<HHIIHH", EXTENSIBLE if extensible else encoding, channels, rate, 0, frame_bytes, bits)
    if extensible:
        body += struct.pack("<HHIH", 22, bits, 0, encoding) + GUID_TAIL
    return chunk(b"fmt ", body)


def riff(*chunks, size=None):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def encode(samples, encoding, bits):
    """int16 (n,) in another format, without loss but for 8 bits."""
    if encoding == IEEE_FLOAT:
        return (samples / 32768).astype(f"<f{bits // 8}").tobytes()
    if bits == 8:
        return ((samples >> 8) + 128).astype(np.uint8).tobytes()
    wide = (samples.astype("<i4") << 16).view(np.uint8).reshape(-1, 4)
    return wide[:, 4 - bits // 8 :].tobytes()


def read_all(source):
    with source:
        return np.concatenate([block.samples for block in iter(source.read, None)])


def read_bytes(data):
    stream = io.BytesIO(data)
    return read_all(WavSource(stream, "it.wav", stream.read(HEAD_BYTES)))


@pytest.fixture
def write(tmp_path):
    def write(data, name="it.wav"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@settings(max_examples=150, deadline=None)
@given(
    samples=st.lists(st.integers(-32768, 32767), min_size=1, max_size=300),
    layout=st.sampled_from([(PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (IEEE_FLOAT, 32), (IEEE_FLOAT, 64)]),
    channels=st.integers(1, 9),
    rate=st.integers(1000, 384_000),
    extensible=st.booleans(),
    odd_chunk=st.booleans(),
)
def test_every_width_rate_and_channel_count_comes_back(samples, layout, channels, rate, extensible, odd_chunk):
    encoding, bits = layout
    samples = np.array(samples, np.int16)
    data = encode(np.repeat(samples, channels), encoding, bits)
    before = [chunk(b"LIST", b"odd")] if odd_chunk else []
    stream = io.BytesIO(riff(*before, fmt(encoding, channels, rate, bits, extensible), *before, chunk(b"data", data)))
    source = WavSource(stream, "it.wav", stream.read(HEAD_BYTES))
    expected = samples & ~0xFF if bits == 8 else samples
    assert source.sample_rate == rate
    np.testing.assert_array_equal(read_all(source), expected)


def test_24_bits_are_rounded_not_cut():
    data = b"".join(value.to_bytes(3, "little", signed=True) for value in (127, 128, 129, -128, -129, 384, 2**23 - 1))
    assert read_bytes(riff(fmt(bits=24), chunk(b"data", data))).tolist() == [0, 0, 1, 0, -1, 2, 32767]


def test_a_file_of_the_standard_library_comes_back(tmp_path):
    with wave.open(str(tmp_path / "it.wav"), "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
        file.writeframes(np.stack([RAMP, -RAMP], axis=1).astype("<i2").tobytes())
    source = open_source(tmp_path / "it.wav")
    assert source.sample_rate == 44100
    assert not read_all(source).any()


def test_one_sample_is_enough(write):
    assert read_all(open_source(write(riff(fmt(rate=192_000), chunk(b"data", b"\x01\x00"))))).tolist() == [1]


def test_what_follows_the_audio_is_not_played(write):
    data = RAMP.astype("<i2").tobytes()
    path = write(riff(fmt(), chunk(b"data", data), chunk(b"LIST", b"INFOx")))
    np.testing.assert_array_equal(read_all(open_source(path)), RAMP)


@pytest.mark.parametrize("size", [0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_a_size_that_a_streaming_writer_made_up_means_to_the_end(write, size):
    path = write(riff(fmt(), chunk(b"data", RAMP.astype("<i2").tobytes(), size), size=size))
    np.testing.assert_array_equal(read_all(open_source(path)), RAMP)


@pytest.mark.parametrize("riff_size", [0, 36])
def test_a_recorder_that_was_killed_left_sizes_of_nothing(write, riff_size):
    path = write(riff(fmt(), chunk(b"data", RAMP.astype("<i2").tobytes(), 0), size=riff_size))
    np.testing.assert_array_equal(read_all(open_source(path)), RAMP)


def test_rf64_has_its_size_elsewhere(write):
    data = RAMP.astype("<i2").tobytes()
    sizes = struct.pack("<QQQI", 0, len(data), len(RAMP), 0)
    body = b"WAVE" + chunk(b"ds64", sizes) + fmt() + chunk(b"data", data, 0xFFFFFFFF) + chunk(b"LIST", b"INFO")
    np.testing.assert_array_equal(read_all(open_source(write(b"RF64" + b"\xff" * 4 + body))), RAMP)


@pytest.mark.parametrize(
    ("chunks", "problem"),
    [
        ([], "ends before its audio begins"),
        ([fmt()], "ends before its audio begins"),
        ([chunk(b"data", b"\0\0")], "does not say what its samples are"),
        ([fmt(), chunk(b"data", b"")], "holds no audio"),
        ([fmt(channels=2), chunk(b"data", b"\0\0")], "holds no audio"),
        ([fmt(channels=0), chunk(b"data", b"\0\0")], "0 channels"),
        ([fmt(rate=0), chunk(b"data", b"\0\0")], "0 Hz"),
        ([fmt(rate=400_000), chunk(b"data", b"\0\0")], "400000 Hz"),
        ([fmt(bits=0), chunk(b"data", b"\0\0")], "0-bit integers"),
        ([fmt(bits=64), chunk(b"data", b"\0" * 8)], "64-bit integers"),
        ([fmt(IEEE_FLOAT, bits=16), chunk(b"data", b"\0\0")], "16-bit floats"),
        ([chunk(b"fmt ", fmt()[8:20]), chunk(b"data", b"\0\0")], "damaged header"),
        ([fmt()[:-4] + b"\x07\0\x10\0", chunk(b"data", b"\0\0")], "damaged header"),
        ([chunk(b"fmt ", b"", 0xFFFFFFFF), chunk(b"data", b"\0\0")], "damaged header"),
        ([fmt(), chunk(b"data", b"\0" * 32000, 64000)], "truncated: 1.00 s of the 2.00 s"),
        ([fmt(IEEE_FLOAT, bits=32), chunk(b"data", struct.pack("<ff", 0.0, np.nan))], "nan at sample 1"),
        ([fmt(IEEE_FLOAT, bits=32), chunk(b"data", struct.pack("<ff", 0.0, 3e4))], "far outside"),
    ],
)
def test_a_damaged_file_is_one_line_with_the_cure(write, chunks, problem):
    path = write(riff(*chunks))
    with pytest.raises(AudioFileError, match=problem) as raised:
        read_all(open_source(path))
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.cure


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_damage_ends_in_anything_but_audio_or_an_error_with_its_cure(data):
    samples = RAMP[:200].astype("<i2").tobytes()
    good = riff(chunk(b"LIST", b"INFOICMT"), fmt(extensible=True), chunk(b"data", samples), chunk(b"LIST", b"tail"))
    damaged = bytearray(good[: data.draw(st.integers(HEAD_BYTES, len(good)))])
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(HEAD_BYTES, 100))
        if place < len(damaged):
            damaged[place] = data.draw(st.integers(0, 255))
    with suppress(AudioFileError):
        assert len(read_bytes(bytes(damaged)))


def test_a_pipe_that_breaks_off_gives_what_came_and_then_the_error():
    reader, writer = os.pipe()
    os.write(writer, riff(fmt(), chunk(b"data", RAMP[:2000].astype("<i2").tobytes(), 10000))[:-1])
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        source = WavSource(stream, "pipe", stream.read(HEAD_BYTES))
        assert [len(source.read().samples), len(source.read().samples)] == [1600, 399]
        with pytest.raises(AudioFileError, match=r"truncated: it ends after 0.12 s"):
            source.read()


def test_three_hours_take_no_more_memory_than_three_seconds(tmp_path):
    count = 3 * 3600 * 8000
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.write(riff(fmt(rate=8000, bits=8), b"data" + struct.pack("<I", count), size=36 + count))
        file.truncate(file.tell() + count)  # a hole: takes no room on the disk
    tracemalloc.start()
    with open_audio_file(path, block_seconds=1.0) as source:
        total = sum(len(block.samples) for block in iter(source.read, None))
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == count
    assert peak < 2**20


def test_a_header_cannot_ask_for_a_block_of_any_size(write):
    data = np.ones(4 * 16000, "<i4").tobytes()
    path = write(riff(fmt(channels=16000, rate=384_000, bits=32), chunk(b"data", data, 0xFFFFFFFF)))
    tracemalloc.start()
    read = read_all(open_source(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(read) == 4
    assert peak < 16 * 2**20


def test_a_file_knows_its_own_rate(write):
    path = write(riff(fmt(rate=44100), chunk(b"data", b"\0\0")))
    assert open_source(path, sample_rate=44100).sample_rate == 44100
    with pytest.raises(AudioFileError, match=r"has 44100 Hz, not the 16000 Hz asked for"):
        open_source(path, sample_rate=16000)


def test_close_may_be_called_twice_and_ends_the_stream(write):
    source = open_source(write(riff(fmt(), chunk(b"data", b"\0\0"))))
    source.close()
    source.close()
    assert source.read() is None


def test_missing_directory_and_empty_are_told_apart(tmp_path, write):
    with pytest.raises(AudioFileError, match=r"There is no file .*Check the path"):
        open_source(tmp_path / "missing.wav")
    with pytest.raises(AudioFileError, match=r"is a directory.*\*\.wav"):
        open_source(tmp_path)
    with pytest.raises(AudioFileError, match=r"is empty"):
        open_source(write(b""))


def test_no_permission_is_an_error_with_the_cure(write):
    path = write(riff(fmt(), chunk(b"data", b"\0\0")))
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may read everything
    try:
        with pytest.raises(AudioFileError, match=r"may not be read.*chmod"):
            open_audio_file(path)
    finally:
        os.seteuid(user)


def test_a_path_with_spaces_gives_a_command_that_can_be_pasted(write):
    with pytest.raises(AudioFileError, match=r"ffmpeg -i '.*/my voice.wav'"):
        open_source(write(riff(fmt()), "my voice.wav"))


@pytest.mark.parametrize("data", [b"Dear diary,\n" * 500, bytes(range(256)) * 40, b"\0" * 9000, b"R", b"RIFF"])
def test_what_is_not_audio_is_an_error_with_the_cure(write, data):
    pytest.importorskip("soundfile")
    with pytest.raises(AudioFileError, match=r"holds no audio that can be read.*Give a WAV"):
        open_source(write(data, "notes.txt"))


def test_raw_pcm_in_a_file_is_told_to_come_through_the_pipe(write):
    pytest.importorskip("soundfile")
    with pytest.raises(AudioFileError, match=r"has no header.*--source - < "):
        open_source(write(b"\0" * 9000, "it.raw"))


@pytest.mark.parametrize("name", ["it.flac", "it.wav"])
def test_without_soundfile_the_cure_is_to_install_it(write, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    data = b"fLaC" + b"\0" * 100 if name == "it.flac" else riff(fmt(6, bits=8), chunk(b"data", b"\0\0"))
    with pytest.raises(AudioFileError, match=r'pip install "edge-ser\[audio\]"'):
        open_source(write(data, name))


@pytest.mark.parametrize(
    ("extension", "subtype"), [("flac", "PCM_16"), ("flac", "PCM_24"), ("aiff", "PCM_16"), ("wav", "PCM_24")]
)
def test_lossless_formats_come_back_to_the_sample(tmp_path, extension, subtype):
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / f"it.{extension}"
    soundfile.write(path, RAMP, 22050, subtype=subtype)
    source = open_source(path)
    assert source.sample_rate == 22050
    np.testing.assert_array_equal(read_all(source), RAMP)
    source.close()
    assert source.read() is None


@pytest.mark.parametrize(("extension", "subtype"), [("ogg", "VORBIS"), ("ogg", "OPUS"), ("mp3", None), ("wav", "ULAW")])
def test_lossy_formats_come_back_nearly(tmp_path, extension, subtype):
    soundfile = pytest.importorskip("soundfile")
    tone = np.rint(10000 * np.sin(2 * np.pi * 440 / 48000 * np.arange(48000))).astype(np.int16)
    soundfile.write(tmp_path / f"it.{extension}", tone, 48000, subtype=subtype)
    read = read_all(open_source(tmp_path / f"it.{extension}"))
    assert len(read) == len(tone)
    assert np.abs(read[2000:-2000].astype(int) - tone[2000:-2000]).mean() < 300


def test_a_flac_that_breaks_off_is_an_error_with_the_cure(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / "it.flac"
    soundfile.write(path, np.random.default_rng(0).integers(-9000, 9000, 48000).astype(np.int16), 48000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioFileError, match=r"damaged or truncated after 0.[34].* s.*ffmpeg"):
        read_all(open_source(path))


def test_a_fifo_is_read_as_a_file(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    if (child := os.fork()) == 0:
        path.write_bytes(riff(fmt(), chunk(b"data", RAMP.astype("<i2").tobytes())))
        os._exit(0)
    np.testing.assert_array_equal(read_all(open_source(path)), RAMP)
    os.waitpid(child, 0)
