"""`Desk`: takes corrections of decisions, each about the utterance that was the last when somebody began to correct."""

from __future__ import annotations

from collections import OrderedDict
from itertools import count
from typing import Any

from edge_ser.errors import FeedbackError
from edge_ser.feedback import CONSENT_VERSION, Consent, Correction, correct, save
from edge_ser.feedback.correction import now
from edge_ser.kept import KeptUtterance
from edge_ser.recognizer import Recognizer

MOST_OPEN = 8  # corrections that have been begun; the oldest is forgotten first


class Desk:
    """For one recogniser with `Settings(feedback=True)`.

    Parameters
    ----------
    recognizer : Recognizer
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._numbers = count(1)
        self._open: OrderedDict[int, KeptUtterance] = OrderedDict()

    def begin(self) -> dict[str, Any]:
        """Return the last decision and a number to name it by; it stays what it is while one chooses.

        Raises
        ------
        FeedbackError
            Nothing was decided yet, or it was forgotten by muting.
        """
        utterance = self._recognizer.last_utterance()
        if utterance is None:
            raise FeedbackError("There is no decision to correct", "Say something first")
        number = next(self._numbers)
        self._open[number] = utterance
        while len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)
        return {"about": number, "decision": utterance.decision.to_dict()}

    def take(self, given: Any) -> Correction:
        """Keep a correction.

        Parameters
        ----------
        given : dict
            `label`; `about`, from `begin`, else the last decision; `consent`, the version of the text that was agreed
            to, else features are not kept.

        Raises
        ------
        FeedbackError, OutputError
            It is not of this form, or cannot be kept.
        """
        if not isinstance(given, dict) or not set(given) <= {"label", "about", "consent"}:
            raise FeedbackError("This is no correction", 'Send {"label": ..., "about": ..., "consent": ...}')
        about, label, agreed = given.get("about"), given.get("label"), given.get("consent")
        if about is None:
            about = self.begin()["about"]
        utterance = self._open.get(about) if type(about) is int else None
        if utterance is None:
            raise FeedbackError("That decision is no longer known", "Speak again, and correct what is then decided")
        if agreed is not None and type(agreed) is not int:
            raise FeedbackError("The consent is no version of its text", f"Send {CONSENT_VERSION}, or null without it")
        consent = None if agreed is None else Consent(agreed, now())
        correction = correct(utterance, str(label), self._recognizer.model.metadata, consent)
        save(correction)
        del self._open[about]
        return correction

    def forget(self) -> None:
        """Forget what was begun."""
        self._open.clear()
