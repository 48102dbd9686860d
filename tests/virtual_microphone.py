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
        self._process = self._start(folder / "pulse.log")

    def _start(self, log: Path) -> subprocess.Popen[bytes]:
        source = f"module-pipe-source source_name=virtmic file={self._fifo} format=s16le"
        process = subprocess.Popen(
            [
                "pulseaudio",
                *("-n", "--daemonize=no", "--system=no", "--exit-idle-time=-1", "--use-pid-file=no"),
                *("-L", "module-native-protocol-unix"),
                *("-L", f"{source} rate={self.sample_rate} channels={self.channels}"),
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
        stop = threading.Event()
        thread = threading.Thread(target=self._write, args=(np.ascontiguousarray(samples, "<i2").tobytes(), loop, stop))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _write(self, data: bytes, loop: bool, stop: threading.Event) -> None:
        frame_bytes = 2 * self.channels  # what is looped lasts a multiple of WRITE_SECONDS
        step = round(self.sample_rate * WRITE_SECONDS) * frame_bytes
        # Never waits for PulseAudio, which does not read while nobody listens.
        fifo = os.open(self._fifo, os.O_WRONLY | os.O_NONBLOCK)
        started = time.monotonic()
        written = 0
        while not stop.is_set():
            # An unpaced writer hangs PulseAudio's clients.
            time.sleep(max(0.0, started + written / frame_bytes / self.sample_rate - time.monotonic()))
            start = written % len(data) if loop else written
            try:
                os.write(fifo, data[start : start + step].ljust(step, b"\0"))  # up to 4096 bytes: all or none
                written += step
            except BlockingIOError:
                time.sleep(WRITE_SECONDS)
            except BrokenPipeError:  # the test has ended PulseAudio
                break
        os.close(fifo)

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
