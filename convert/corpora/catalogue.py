"""The corpora this project knows by name, and the classes their labels become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from convert.errors import CorpusError
from convert.toml import read_toml

CLASSES = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
"""What the network tells apart unless a recipe says otherwise."""

OPTIONAL_CLASSES = ("bored",)
"""Only where a recipe's classes name them; else clips with these labels are left out."""

DESCRIPTION_NAME = "corpus.toml"
"""Beside the manifest of a corpus that is not in the catalogue; its keys are the fields of `CorpusInfo`."""

NOISE_CORPORA = ("noise-esc10", "noise-speechcommands")
VOICE_CORPORA = ("neutral-libri",)  # nobody of whom is judged: they may babble behind others
ROOM_FOLDER = "rir"
SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True)
class CorpusInfo:
    """What a corpus is, beyond its manifest."""

    name: str
    """Of its folder."""

    title: str
    """What it is, in a few words, for the card."""

    licence: str
    """As published; an SPDX identifier where there is one."""

    may_ship: bool
    """Whether weights trained on it may be passed on."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Its own emotion names to classes; a name that is missing stands for itself."""

    told_apart: tuple[str, ...] = ()
    """Classes among which a label of this corpus decides; empty: those that occur in it.

    The loss compares no others: a corpus whose clips are all happy or sad says nothing about anger, and a network
    that was punished for 'angry' there would learn to recognise the corpus.
    """

    consent: str = ""
    """What the speakers agreed to, as published or as their recorder says; empty where that is not known."""


def _spell(**renamed: str) -> Mapping[str, str]:
    return MappingProxyType(renamed)


SYNONYMS = _spell(
    anger="angry", boredom="bored", disgust="disgusted", fear="fearful", afraid="fearful", happiness="happy",
    joy="happy", joyful="happy", sadness="sad", surprise="surprised", pleasant_surprise="surprised",
)  # fmt: skip
"""Names of emotions in use, and the classes that they stand for."""

_UNSTATED = "not stated"
_SIX = ("neutral", "happy", "sad", "angry", "fearful")

CATALOGUE: Mapping[str, CorpusInfo] = MappingProxyType(
    {
        info.name: info
        for info in (
            CorpusInfo(
                "ravdess",
                "English, acted by 24 actors",
                "CC-BY-NC-SA-4.0",
                True,
                SYNONYMS,
                CLASSES,
                "the actors consented in writing (Livingstone and Russo, 2018)",
            ),
            CorpusInfo(
                "emodb",
                "German, acted by 10 actors",
                "CC0-1.0",
                True,
                SYNONYMS,
                (*_SIX, "disgusted", *OPTIONAL_CLASSES),
            ),
            CorpusInfo(
                "cremad", "English, acted by 91 actors", "ODbL-1.0 and DbCL-1.0", True, SYNONYMS, (*_SIX, "disgusted")
            ),
            CorpusInfo(
                "cremad-hapsad",
                "English, the happy and sad clips of CREMA-D by 78 actors",
                "ODbL-1.0 and DbCL-1.0",
                True,
                SYNONYMS,
                ("happy", "sad"),
            ),
            CorpusInfo("nemo", "Polish, acted by 9 actors", "CC-BY-NC-SA-4.0", True, SYNONYMS, (*_SIX, "surprised")),
            CorpusInfo(
                "tess",
                "English, acted by 2 women",
                "CC-BY-NC-ND-4.0",
                False,
                SYNONYMS,
                (*_SIX, "disgusted", "surprised"),
            ),
            CorpusInfo(
                "savee",
                "English, acted by 4 men",
                "research alone, on request",
                False,
                SYNONYMS,
                (*_SIX, "disgusted", "surprised"),
            ),
            CorpusInfo(
                "emovo",
                "Italian, acted by 6 actors",
                _UNSTATED,
                False,
                SYNONYMS,
                (*_SIX, "disgusted", "surprised"),
            ),
            CorpusInfo(
                "neutral-libri",
                "English, read from books (LibriSpeech), neutral",
                "CC-BY-4.0",
                True,
                _spell(**{"read-neutral": "neutral"}),
                # Readers are not angry, so every class but 'calm' is a mistake here.
                (*_SIX, "disgusted", "surprised"),
            ),
            CorpusInfo(
                SYNTHETIC,
                "nobody: synthetic speech, made by convert.corpora.synthetic",
                "CC0-1.0",
                True,
                consent="nobody's voice",
            ),
        )
    }
)


def describe(folder: Path) -> CorpusInfo:
    """Return what is known of the corpus in a folder: from its own `corpus.toml`, else from the catalogue.

    Raises
    ------
    CorpusError
        A `corpus.toml` that cannot be read or has unknown keys.
    """
    path = folder / DESCRIPTION_NAME
    if not path.is_file():
        return CATALOGUE.get(folder.name) or CorpusInfo(folder.name, "not described", _UNSTATED, False, SYNONYMS)
    values: dict[str, Any] = read_toml(path, CorpusError)
    known: dict[str, Any] = {
        "title": "not described",
        "licence": _UNSTATED,
        "may_ship": False,
        "consent": "",
        "labels": {},
        "told_apart": [],
    }
    for key, value in values.items():
        if key not in known or not isinstance(value, type(known[key])):
            raise CorpusError(f"{path} has {key} = {value!r}", f"Keys are {', '.join(known)}, typed as in the manual")
    merged = {**known, **values}
    return CorpusInfo(
        folder.name,
        merged["title"],
        merged["licence"],
        merged["may_ship"],
        {**SYNONYMS, **merged["labels"]},
        tuple(merged["told_apart"]),
        merged["consent"],
    )


def refuse_unshippable(infos: Mapping[str, CorpusInfo]) -> None:
    """Raise where weights trained on these corpora could not be passed on.

    Raises
    ------
    CorpusError
        Naming the corpus and its licence.
    """
    for info in infos.values():
        if not info.may_ship:
            cure = "Leave it out, or set ships = false in the recipe"
            raise CorpusError(
                f"The recipe ships its weights, but those trained on {info.name} may not be passed on "
                f"(licence: {info.licence})",
                cure if info.licence != _UNSTATED else f"{cure}; a licence is stated in {DESCRIPTION_NAME}",
            )
