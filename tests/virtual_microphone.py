"""A microphone without hardware: PulseAudio reads a FIFO that is written at the pace of speech."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

START_SECONDS = 10.0  # PulseAudio may take to start
WRITE_SECONDS = 0.02  # of audio a write

# PortAudio reaches PulseAudio through ALSA's pulse plug-in.
ASOUNDRC = """
pcm.virtmic {{ type pulse  device "virtmic"  hint {{ show on  description "virtual microphone" }} }}
ctl.virtmic {{ type pulse }}
pcm.!default {{ type pulse  device "virtmic" }}
{extra}
"""


# Reads a FIFO: nothing but the writer sets its pace.
FIXED_RATE_ASOUNDRC = """
pcm.!default {{
    type plug
    slave {{
        pcm {{ type file  slave.pcm {{ type null }}  file /dev/null  infile {fifo} }}
        rate {rate}  channels {channels}
    }}
    rate_converter "none"
    hint {{ show on  description "sound card" }}
}}
"""


class VirtualMicrophone:
    """A running PulseAudio whose only microphone, `virtmic`, gives what is played into it."""

    def __init__(self, folder: Path, sample_rate: int, channels: int, extra: str = "") -> None:
        self.sample_rate = sample_rate
        self.channels = channels
        self._fifo = folder / "fifo"
        home = folder / "home"
        runtime = folder / "run"
        for made in (home, runtime):
            made.mkdir(mode=0o700)
        (home / ".asoundrc").write_text(ASOUNDRC.format(extra=extra))
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_CONFIG_HOME": str(home),
            "PULSE_SERVER": f"unix:{runtime}/pulse/native",
        }
        self._log = folder / "pulse.log"
        self._process = self._start(self._log)

    def _start(self, log: Path) -> subprocess.Popen[bytes]:
        self._module = (
            f"module-pipe-source source_name=virtmic file={self._fifo} format=s16le"
            f" rate={self.sample_rate} channels={self.channels}"
        )
        process = subprocess.Popen(
            [
                "pulseaudio",
                *("-n", "--daemonize=no", "--system=no", "--exit-idle-time=-1", "--use-pid-file=no"),
                *("-L", "module-native-protocol-unix"),
                *("-L", self._module),
                f"--log-target=file:{log}",
            ],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        socket = Path(self.environment["XDG_RUNTIME_DIR"], "pulse", "native")
        deadline = time.monotonic() + START_SECONDS
        while not (socket.exists() and self._fifo.exists()):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError(f"PulseAudio did not start: {log.read_text() if log.exists() else 'no log'}")
            time.sleep(0.02)
        return process

    @property
    def pid(self) -> int:
        return self._process.pid

    @contextmanager
    def playing(self, samples: np.ndarray, loop: bool = False) -> Iterator[None]:
        """Play int16 (n,) or (n, channels) in the background until the block is left.

        What follows is silence, or the same again: on a busy machine a recorder may start many seconds later.
        """
        with played_into(self._fifo, samples, self.sample_rate, loop):
            yield

    def unplug(self) -> None:
        """Take the microphone away; the sound server stays."""
        self.pactl("unload-module", "module-pipe-source")

    def plug(self) -> None:
        """Bring it back."""
        self.pactl("load-module", *self._module.split())

    def pactl(self, *arguments: str) -> None:
        subprocess.run(["pactl", *arguments], env=self.environment, check=True, stdout=subprocess.DEVNULL, timeout=10)

    def restart(self) -> None:
        """Start PulseAudio that has ended."""
        self._process.wait(timeout=10)
        for left in (Path(self.environment["XDG_RUNTIME_DIR"], "pulse", "native"), self._fifo):
            left.unlink(missing_ok=True)
        self._process = self._start(self._log)

    def stop(self) -> None:
        """End PulseAudio; may be called twice."""
        self._process.terminate()
        self._process.wait(timeout=10)


@contextmanager
def virtual_microphone(sample_rate: int = 16000, channels: int = 1, extra: str = "") -> Iterator[VirtualMicrophone]:
    """Start a virtual microphone; a short folder, for a socket's path has at most 108 characters."""
    folder = Path(tempfile.mkdtemp(prefix="mic"))
    try:
        microphone = VirtualMicrophone(folder, sample_rate, channels, extra)
        try:
            yield microphone
        finally:
            microphone.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def fixed_rate_microphone(sample_rate: int, channels: int, samples: np.ndarray) -> Iterator[dict[str, str]]:
    """Play int16 (n, channels), looped, into a sound card that does this rate and no other; yield its environment.

    ALSA converts rates with a plug-in; where it names one that does not exist, other rates are refused as by hardware.
    """
    folder = Path(tempfile.mkdtemp(prefix="mic"))
    try:
        fifo = folder / "fifo"
        os.mkfifo(fifo)
        (folder / ".asoundrc").write_text(FIXED_RATE_ASOUNDRC.format(fifo=fifo, rate=sample_rate, channels=channels))
        with played_into(fifo, samples, sample_rate, loop=True):
            yield {**os.environ, "HOME": str(folder)}
    finally:
        shutil.rmtree(folder)


@contextmanager
def played_into(fifo: Path, samples: np.ndarray, sample_rate: int, loop: bool) -> Iterator[None]:
    """Write int16 samples (n,) or (n, channels) into a FIFO at their pace, until the block is left."""
    stop = threading.Event()
    pcm = np.ascontiguousarray(samples, "<i2")
    thread = threading.Thread(target=_write, args=(fifo, pcm.reshape(len(pcm), -1), sample_rate, loop, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _write(fifo: Path, samples: np.ndarray, sample_rate: int, loop: bool, stop: threading.Event) -> None:
    data = samples.tobytes()
    frame_bytes = 2 * samples.shape[1]  # what is looped lasts a multiple of WRITE_SECONDS
    step = round(sample_rate * WRITE_SECONDS) * frame_bytes
    pipe = None
    started = time.monotonic()
    written = 0
    while not stop.is_set():
        # An unpaced writer hangs PulseAudio's clients.
        time.sleep(max(0.0, started + written / frame_bytes / sample_rate - time.monotonic()))
        start = written % len(data) if loop else written
        try:
            if pipe is None or os.fstat(pipe).st_ino != fifo.stat().st_ino:  # the microphone was plugged in again
                if pipe is not None:
                    os.close(pipe)
                # Never waits for a reader: PulseAudio does not read while nobody listens.
                pipe = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
            os.write(pipe, data[start : start + step].ljust(step, b"\0"))  # up to 4096 bytes: all or none
            written += step
        except (BlockingIOError, FileNotFoundError):
            time.sleep(WRITE_SECONDS)
    if pipe is not None:
        os.close(pipe)
