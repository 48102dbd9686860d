"""The protocol `adapted`: as `speaker`, with the runtime's own baseline, as it would happen.

A test speaker's recordings come in random order; nothing is seen before it is judged, and the cold start counts. Once
in the corpus's own mix of classes, once with 80 % neutral, once after an enrolment with 20 s of neutral speech
(which is then not judged, for the cold student neither).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from convert.baseline import Voices
from convert.corpora.manifest import Clip
from convert.evaluate.measures import recalls
from edge_ser.decision.baseline import Baseline
from edge_ser.student.metadata import NEUTRAL, Metadata

ORDERS = 20
NEUTRAL_SHARE = 0.8
NEUTRAL_SESSION = 60  # recordings, drawn with replacement
ENROLMENT_SECONDS = 20.0
FEWEST = 8  # recordings of a speaker that make a session


@dataclass(frozen=True, slots=True)
class Adapted:
    """One corpus in one mix of classes."""

    name: str
    cold: float
    """UAR without a baseline."""

    adapted: float
    """UAR with it, averaged over the session from its first recording."""

    gain_low: float
    """Of the gain, lower end of the 95 % interval, bootstrapped over speakers."""

    gain_high: float
    speakers: int


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """What a test speaker said, and what the student made of it; n recordings."""

    logits: NDArray[np.float64]
    """(n, n_classes): pooled."""

    voices: Voices

    spoken: NDArray[np.intp]
    """(n,): right labels."""


def sessions_of(
    metadata: Metadata, clips: Sequence[Clip], logits: NDArray[np.float64], voices: Voices
) -> dict[str, list[Session]]:
    """Return by corpus what each speaker said; of recordings (n,) and their pooled logits (n, n_classes)."""
    label = np.array([metadata.labels.index(metadata.label_of_class[clip.emotion]) for clip in clips])
    by_corpus: dict[str, list[Session]] = {}
    for speaker in dict.fromkeys(clip.speaker for clip in clips):
        own = np.array([clip.speaker == speaker for clip in clips]) & (voices.seconds > 0)
        session = Session(logits[own], Voices(voices.mean[own], voices.seconds[own]), label[own])
        if len(session.spoken) >= FEWEST:
            by_corpus.setdefault(speaker.split("/")[0], []).append(session)
    return by_corpus


def judge_adapted(metadata: Metadata, by_speaker: Sequence[Session], name: str, orders: int = ORDERS) -> list[Adapted]:
    """Return the figures of the speakers of one corpus.

    Parameters
    ----------
    metadata : Metadata
        Of the model; its baseline is the one that is judged.
    by_speaker : sequence of Session
        One for each test speaker.
    name : str
        Of the corpus.
    orders : int
        Random orders that are averaged over.
    """
    found = []
    mixes = {"as the corpus has it": _as_it_is, "80 % neutral": _mostly_neutral, "enrolled": _as_it_is}
    for mix, draw in mixes.items():
        if mix != "as the corpus has it" and not _has_neutral(by_speaker, metadata):
            continue
        cold, warm, spoken, speakers = [], [], [], []
        for number, session in enumerate(by_speaker):
            for order in range(orders):
                rng = np.random.default_rng([number, order])
                enrolled = _enrolment(session, metadata, rng) if mix == "enrolled" else np.zeros(0, np.intp)
                chosen = draw(session, metadata, rng)
                chosen = chosen[~np.isin(chosen, enrolled)]
                without, with_baseline = _run(session, metadata, chosen, enrolled)
                cold.append(without)
                warm.append(with_baseline)
                spoken.append(session.spoken[chosen])
                speakers.append(np.full(len(chosen), number))
        found.append(_figures(f"{name}, {mix}", *map(np.concatenate, (cold, warm, spoken, speakers))))
    return found


def _has_neutral(by_speaker: Sequence[Session], metadata: Metadata) -> bool:
    return all((session.spoken == metadata.labels.index(NEUTRAL)).sum() > 1 for session in by_speaker)


def _run(
    session: Session, metadata: Metadata, chosen: NDArray[np.intp], enrolled: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the labels answered without and with the baseline, recording after recording."""
    if metadata.baseline is None:
        raise ValueError("the model has no baseline")
    baseline = Baseline(metadata.baseline, metadata.neutral_classes)
    known = [float(name == NEUTRAL) for name in metadata.classes]
    for row in enrolled:
        baseline.learn(session.logits[row].tolist(), known, session.voices.mean[row], session.voices.seconds[row])
    cold, warm = [], []
    for row in chosen:
        logits = session.logits[row]
        adapted = _shares(logits - np.array(baseline.offset), metadata)
        cold.append(_label(_shares(logits, metadata), metadata))
        warm.append(_label(adapted, metadata))
        baseline.learn(logits.tolist(), adapted.tolist(), session.voices.mean[row], session.voices.seconds[row])
    return np.array(cold, np.intp), np.array(warm, np.intp)


def _shares(logits: NDArray[np.float64], metadata: Metadata) -> NDArray[np.float64]:
    odds = np.exp((logits - logits.max()) / metadata.decision.temperature)
    shares: NDArray[np.float64] = odds / odds.sum()
    return shares


def _label(shares: NDArray[np.float64], metadata: Metadata) -> int:
    by_label = np.zeros(len(metadata.labels))
    for name, share in zip(metadata.classes, shares, strict=True):
        by_label[metadata.labels.index(metadata.label_of_class[name])] += share
    return int(by_label.argmax())


def _as_it_is(session: Session, metadata: Metadata, rng: Generator) -> NDArray[np.intp]:
    return rng.permutation(len(session.spoken))


def _mostly_neutral(session: Session, metadata: Metadata, rng: Generator) -> NDArray[np.intp]:
    is_neutral = session.spoken == metadata.labels.index(NEUTRAL)
    neutral, other = np.flatnonzero(is_neutral), np.flatnonzero(~is_neutral)
    if not len(neutral) or not len(other):
        return np.zeros(0, np.intp)
    return np.where(
        rng.random(NEUTRAL_SESSION) < NEUTRAL_SHARE,
        rng.choice(neutral, NEUTRAL_SESSION),
        rng.choice(other, NEUTRAL_SESSION),
    )


def _enrolment(session: Session, metadata: Metadata, rng: Generator) -> NDArray[np.intp]:
    neutral = rng.permutation(np.flatnonzero(session.spoken == metadata.labels.index(NEUTRAL)))
    enough = int(np.searchsorted(np.cumsum(session.voices.seconds[neutral]), ENROLMENT_SECONDS)) + 1
    return neutral[: min(enough, len(neutral) // 2)]  # some must be left to be judged


def _figures(
    name: str, cold: NDArray[np.intp], warm: NDArray[np.intp], spoken: NDArray[np.intp], speakers: NDArray[np.intp]
) -> Adapted:
    rng = np.random.default_rng(0)
    names = np.unique(speakers)
    rows = {each: np.flatnonzero(speakers == each) for each in names}
    gains = []
    for _ in range(500):
        drawn = np.concatenate([rows[each] for each in rng.choice(names, len(names))])
        gains.append(_uar(warm[drawn], spoken[drawn]) - _uar(cold[drawn], spoken[drawn]))
    low, high = np.percentile(gains, (2.5, 97.5)).tolist()
    return Adapted(name, _uar(cold, spoken), _uar(warm, spoken), low, high, len(names))


def _uar(answered: NDArray[np.intp], spoken: NDArray[np.intp]) -> float:
    return float(np.mean(list(recalls(answered == spoken, spoken).values())))
