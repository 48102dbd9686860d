"""Sources: what can be given, what cannot, and that nothing of it is lost or altered."""

import itertools
import os
import pty
import subprocess
import sys
import time
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_ser.capture.source import ArraySource, Block, RawPcmSource, open_source
from edge_ser.errors import AudioFileError, SettingsError

RAMP = np.arange(-5000, 5000, dtype=np.int16)

READ_STDIN = """
import sys
from edge_ser.capture.source import open_source
from edge_ser.errors import EdgeSerError
try:
    with open_source("-", sample_rate=int(sys.argv[1]) if sys.argv[1:] else None) as source:
        samples = []
        while (block := source.read()) is not None:
            samples += block.samples.tolist()
        print(source.sample_rate, len(samples), sum(samples))
except EdgeSerError as error:
    print(error)
"""


def read_all(source):
    with source:
        blocks = list(iter(source.read, None))
    assert all(isinstance(block, Block) and len(block.samples) and block.lost == 0 for block in blocks)
    return np.concatenate([block.samples for block in blocks])


def read_stdin(repository, *args, **streams):
    run = subprocess.run(
        [sys.executable, "-c", READ_STDIN, *args],
        cwd=repository,
        capture_output=True,
        timeout=60,
        **streams,
    )
    assert run.stderr == b""
    return run.stdout.decode().strip()


@pytest.fixture
def repository(request):
    return request.config.rootpath


@pytest.mark.parametrize("rate", [1000, 16000, 44100, 384_000])
def test_an_array_comes_back_whole_in_blocks_of_a_tenth_second(rate):
    source = open_source(RAMP, sample_rate=rate)
    first = source.read().samples
    assert source.sample_rate == rate
    np.testing.assert_array_equal(first, RAMP[: rate // 10])
    if len(first) < len(RAMP):
        np.testing.assert_array_equal(read_all(source), RAMP[len(first) :])
    assert source.read() is None


@pytest.mark.parametrize("channels", [1, 2, 6, 32])
def test_either_side_of_an_array_may_be_time(channels):
    frames = np.repeat(RAMP[:, None], channels, axis=1)
    np.testing.assert_array_equal(read_all(ArraySource(frames, 16000)), RAMP)
    np.testing.assert_array_equal(read_all(ArraySource(frames.T, 16000)), RAMP)


@pytest.mark.parametrize("shape", [(20, 20), (100, 100), (), (40, 2, 2)])
def test_a_shape_without_a_plain_time_axis_is_refused_with_the_cure(shape):
    with pytest.raises(AudioFileError, match=r"not plain which side is time.*\(n, channels\)"):
        ArraySource(np.ones(shape, np.int16), 16000)


@pytest.mark.parametrize("shape", [(0,), (0, 2), (2, 0)])
def test_an_empty_array_is_refused(shape):
    with pytest.raises(AudioFileError, match="holds no samples"):
        ArraySource(np.zeros(shape, np.int16), 16000)


def test_an_array_needs_a_sample_rate():
    with pytest.raises(AudioFileError, match="Pass sample_rate"):
        open_source(RAMP)


@pytest.mark.parametrize("rate", [0, -1, 999, 384_001, 16000.5])
def test_an_impossible_sample_rate_is_refused(rate):
    with pytest.raises(AudioFileError, match="not a whole number from 1000 to 384000"):
        open_source(RAMP, sample_rate=rate)


def test_nan_in_an_array_is_named_with_its_place():
    samples = np.zeros(5000, np.float32)
    samples[4321] = np.nan
    with pytest.raises(AudioFileError, match="nan at sample 4321"):
        read_all(open_source(samples, sample_rate=16000))


def test_source_and_device_together_are_refused():
    with pytest.raises(SettingsError, match="Both a source and a device"):
        open_source(RAMP, sample_rate=16000, device="USB")


def test_close_may_be_called_twice_and_ends_the_stream():
    source = open_source(RAMP, sample_rate=16000)
    source.close()
    source.close()
    assert source.read() is None


def test_realtime_takes_as_long_as_it_was_spoken_and_loses_nothing_to_a_slow_reader():
    source = open_source(RAMP[:8000], sample_rate=16000, realtime=True)
    started = time.monotonic()
    first = source.read()
    time.sleep(0.2)  # the reader falls behind
    rest = read_all(source)
    assert 0.49 <= time.monotonic() - started < 0.8
    np.testing.assert_array_equal(np.concatenate([first.samples, rest]), RAMP[:8000])


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 2001), max_size=10))
def test_raw_pcm_comes_back_whole_however_the_pipe_cuts_it(cuts):
    data = RAMP[:1000].astype("<i2").tobytes() + b"\x7f"  # and half a sample
    edges = [0, *sorted(cuts), len(data)]
    reader, writer = os.pipe()
    for start, stop in itertools.pairwise(edges):
        os.write(writer, data[start:stop])
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        np.testing.assert_array_equal(read_all(RawPcmSource(stream)), RAMP[:1000])


def test_stdin_is_raw_pcm_at_16_khz_unless_told_otherwise(repository):
    data = RAMP.astype("<i2").tobytes()
    assert read_stdin(repository, input=data) == f"16000 10000 {RAMP.sum()}"
    assert read_stdin(repository, "48000", input=data) == f"48000 10000 {RAMP.sum()}"


def test_stdin_that_is_a_wav_file_is_read_as_one_at_its_own_rate(repository, tmp_path):
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 22050, 0, "NONE", ""))
        file.writeframes(np.repeat(RAMP, 2).astype("<i2").tobytes())
    assert read_stdin(repository, input=path.read_bytes()) == f"22050 10000 {RAMP.sum()}"
    with path.open("rb") as stream:
        assert read_stdin(repository, stdin=stream) == f"22050 10000 {RAMP.sum()}"
    assert "has 22050 Hz, not the 16000 Hz asked for" in read_stdin(repository, "16000", input=path.read_bytes())


@pytest.mark.parametrize("data", [b"", b"\x01"])
def test_an_empty_stdin_is_an_error_with_the_cure(repository, data):
    assert "No audio came from standard input. Pipe raw 16-bit PCM" in read_stdin(repository, input=data)


def test_a_closed_stdin_is_an_error_with_the_cure(repository):
    said = read_stdin(repository, preexec_fn=lambda: os.close(0))
    assert "Standard input is closed. Pipe raw 16-bit PCM" in said


def test_a_terminal_as_stdin_is_an_error_with_the_cure(repository):
    controller, terminal = pty.openpty()
    try:
        assert "Standard input is a terminal. Pipe raw" in read_stdin(repository, stdin=terminal)
    finally:
        os.close(controller)
        os.close(terminal)


def test_a_stdin_that_cannot_be_read_is_an_error(repository):
    write_only = os.open(os.devnull, os.O_WRONLY)
    try:
        assert "standard input cannot be read" in read_stdin(repository, stdin=write_only)
    finally:
        os.close(write_only)
