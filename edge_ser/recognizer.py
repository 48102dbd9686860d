"""`Recognizer`: a source, the resampler and the pipeline, wired."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from edge_ser.capture.resample import Resampler
from edge_ser.capture.source import Source, open_source
from edge_ser.errors import SettingsError
from edge_ser.events import Event, Recognition
from edge_ser.memory import overwriting_freed, protect_process
from edge_ser.pipeline import Pipeline
from edge_ser.settings import SAMPLE_RATE, Settings
from edge_ser.stats import Stats, Tally
from edge_ser.store.choose import choose_model
from edge_ser.student.model_file import ModelFile

if TYPE_CHECKING:
    from typing_extensions import Self

    from edge_ser.explanation import Explanation
    from edge_ser.kept import KeptUtterance

Audio = str | os.PathLike[str] | NDArray[Any] | Source
"""A path, '-' for standard input, an array, or a source that is open already."""

_NO_SAMPLES = np.zeros(0, np.int16)


class Recognizer:
    """Tells how a person is speaking.

    Threads may share one: each `recognize` and each iterator of `listen` is a stream of its own (one iterator belongs
    to one thread), and `stats` and `close` may be called from any.

    Parameters
    ----------
    model : path or ModelFile, optional
        Else the one that `settings` names; else the installed one in use (`edge-ser model install`); else the one
        that came with edge-ser.
    settings : Settings, optional

    Raises
    ------
    ModelFileError, BackendError, SettingsError
        The model cannot be used; no TFLite runtime works here; the model is named twice.

    Examples
    --------
    >>> with Recognizer() as recognizer:
    ...     recognizer.recognize(np.zeros(16000, np.int16), sample_rate=16000).state
    'no_speech'
    """

    def __init__(
        self, model: str | os.PathLike[str] | ModelFile | None = None, settings: Settings | None = None
    ) -> None:
        self.settings = Settings() if settings is None else settings
        if model is not None and self.settings.model is not None:
            raise SettingsError("The model is named twice", "Name it as `model` or in the settings")
        self.passed_over: tuple[str, ...] = ()
        """Why an installed model is not used that should have been; events then begin with `model_fallback`."""
        if isinstance(model, ModelFile):
            self.model = model
        else:
            named = self.settings if model is None else replace(self.settings, model=os.fspath(model))
            choice = choose_model(named)
            self.model, self.passed_over = choice.model, choice.passed_over
        self.model = self.model.among(self.settings.labels)
        self._tally = Tally()
        self._closings = 0
        self._microphones: list[Source] = []  # opened here and listened to
        # Each stream has a pipeline to itself, and making one takes some milliseconds: a free one is used again.
        self._free = [Pipeline(self.model, self.settings)]
        self._lent: list[Pipeline] = []
        self._last_utterance: KeptUtterance | None = None  # of a stream that has ended

    def recognize(self, audio: Audio, sample_rate: int | None = None, *, timeline: bool = True) -> Recognition:
        """Return one decision on a whole recording, and the events that led to it.

        Parameters
        ----------
        audio : path, '-', array or Source
            See `edge_ser.capture.source.open_source`; a Source that is given is not closed.
        sample_rate : int, optional
            Hz; needed for an array.
        timeline : bool
            Keep the events. Without them an endless recording needs no more memory than a short one; with them an
            hour needs at most 40 MB.

        Raises
        ------
        EdgeSerError
            The audio cannot be read.
        """
        with self._pipeline() as pipeline, _opened_recording(audio, sample_rate) as source:
            events = self._run(source, pipeline)
            if timeline:
                return pipeline.recognition(list(events))
            deque(events, maxlen=0)  # run through, keep nothing
            return pipeline.recognition()

    def explain(self, audio: Audio, sample_rate: int | None = None) -> Explanation:
        """Return the decision of `recognize`, and which moments and which frequencies it came from.

        It hears the recording some sixty times: 10 s of speech take some seconds.

        Parameters
        ----------
        audio : path, '-', array or Source
            As `recognize`. Of a long recording the first minute is explained.
        sample_rate : int, optional
            Hz; needed for an array.

        Raises
        ------
        EdgeSerError
            The audio cannot be read, or is none at 16 kHz, or nobody speaks in the part that is explained.
        """
        # Seldom needed, and it takes time to import.
        from edge_ser.explanation import explain

        with _opened_recording(audio, sample_rate) as source:
            return explain(self.model, self.settings, source)

    def listen(
        self,
        source: Audio | None = None,
        *,
        sample_rate: int | None = None,
        device: str | int | None = None,
        channel: int | None = None,
        realtime: bool = False,
    ) -> Iterator[Event]:
        """Yield an event every 80 ms until the source ends or `close` is called; a microphone does not end.

        While a microphone is away there is an event of state `mic_lost`, at once and then every second; it is looked
        for until it is back, see `edge_ser.capture.microphone.MicrophoneSource`.

        Parameters
        ----------
        source : path, '-', array or Source, optional
            The microphone where it is not given.
        sample_rate : int, optional
            Hz; needed for an array.
        device : str or int, optional
            Microphone by name or index; else the one that the settings name.
        channel : int, optional
            Of the microphone, from 0; else the settings' own.
        realtime : bool
            Give a file no faster than it was spoken.

        Raises
        ------
        EdgeSerError
            From the iterator: the source cannot be opened or read.
        """
        if source is None:
            device = self.settings.device if device is None else device
            channel = self.settings.channel if channel is None else channel
        if self.settings.protect_memory:
            protect_process()
        closings = self._closings
        opened = _opened(source, sample_rate=sample_rate, device=device, channel=channel, realtime=realtime)
        with self._pipeline() as pipeline, opened as audio:
            ours = [audio] if source is None else []
            self._microphones += ours
            try:
                yield from self._run(audio, pipeline, lambda: self._closings == closings)
            finally:
                for microphone in ours:
                    self._microphones.remove(microphone)

    def stats(self) -> Stats:
        """Return what recognising has cost so far, over all streams."""
        return self._tally.stats()

    def last_utterance(self) -> KeptUtterance | None:
        """Return the features of the utterance decided on last and that decision, for `edge_ser.feedback`.

        None before the first decision, after `close`, and unless `Settings(feedback=True)`: then nothing is kept. From
        any thread.
        """
        lent = (pipeline.last_utterance for pipeline in self._lent[::-1])
        return next((kept for kept in lent if kept is not None), self._last_utterance)

    def forget_speaker(self) -> None:
        """Let every stream's baseline go back to where it began: somebody else is speaking now. From any thread."""
        for pipeline in list(self._lent):
            pipeline.forget_speaker()

    def close(self) -> None:
        """End every `listen` and let go of the interpreters; a recogniser that is used again makes a new one.

        An iterator that waits for its microphone ends at once; one that waits for a pipe, or for a source that was
        given to it open, when that gives its next block. A `recognize` under way is completed.
        """
        self._closings += 1
        self._free.clear()
        self._last_utterance = None
        for microphone in list(self._microphones):
            microphone.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, source: Source, pipeline: Pipeline, wanted: Callable[[], bool] = lambda: True) -> Iterator[Event]:
        """Yield a source's events while they are wanted, and count what they cost."""
        rate = source.sample_rate
        resampler = Resampler(rate)
        spent = 0.0  # seconds on a step that is not complete yet
        if self.passed_over:
            pipeline.push(_NO_SAMPLES, notices=("model_fallback",))
        private = getattr(source, "private", False)
        try:
            with self._tally.reading(source):
                while wanted() and (block := source.read()) is not None:
                    if rate != source.sample_rate:  # a microphone came back as another
                        rate = source.sample_rate
                        resampler.erase()
                        resampler = Resampler(rate)
                    self._tally.add_block(block, rate)
                    lost = -(-block.lost * SAMPLE_RATE // rate)  # rounded up: one lost sample is a gap too
                    if block.away:
                        yield pipeline.away(lost, block.notices)
                        continue
                    began = time.perf_counter()
                    pcm = resampler.push(block.samples)
                    events = pipeline.push(pcm, lost, block.notices)
                    if private:
                        block.samples[:] = pcm[:] = 0
                    spent = self._count(events, spent + time.perf_counter() - began)
                    self._tally.add_utterances(pipeline.take_ended(), pipeline.drift)
                    yield from events
            if wanted():
                events = pipeline.push(resampler.flush()) + pipeline.flush()
                self._count(events, spent)
                self._tally.add_utterances(pipeline.take_ended(), pipeline.drift)
                yield from events
        finally:
            with overwriting_freed() if private else nullcontext():
                resampler.erase()

    def _count(self, events: list[Event], seconds: float) -> float:
        """Note the time that these events took; return it if there are none yet."""
        if not events:
            return seconds
        self._tally.add_steps(len(events), seconds)
        self._tally.add_events(events)
        return 0.0

    @contextmanager
    def _pipeline(self) -> Iterator[Pipeline]:
        """Lend a pipeline at its start."""
        closings = self._closings
        try:
            pipeline = self._free.pop()
        except IndexError:
            pipeline = Pipeline(self.model, self.settings)
        try:
            pipeline.reset()
            self._lent.append(pipeline)
            yield pipeline
        finally:
            self._lent.remove(pipeline)
            kept = pipeline.last_utterance
            pipeline.erase()
            if self._closings == closings:
                self._last_utterance = kept or self._last_utterance
                self._free.append(pipeline)


def _opened_recording(audio: Audio, sample_rate: int | None) -> AbstractContextManager[Source]:
    """Lend a source that has an end."""
    if audio is None:
        raise SettingsError("There is nothing to recognise", "Give a file or an array, or listen() to a microphone")
    return _opened(audio, sample_rate=sample_rate)


@contextmanager
def _opened(audio: Audio | None, **options: Any) -> Iterator[Source]:
    """Lend a source: opened and closed here, unless it came open."""
    if hasattr(audio, "read") and hasattr(audio, "sample_rate"):
        yield cast("Source", audio)
        return
    with open_source(cast("str | None", audio), **options) as source:
        yield source
