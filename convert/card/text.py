"""The card's words and tables, from what a run measured."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

import numpy as np

from convert.evaluate.adapted import Adapted
from convert.evaluate.candidates import Held
from convert.evaluate.judge import FLOAT, INT8, STREAMING, Judged
from convert.evaluate.report import gain, percent
from convert.evaluate.shipped_tables import candidate_rows
from convert.prepare import Prepared
from convert.protocols import PROTOCOLS
from edge_ser.student.metadata import Decision

TEMPLATE = Template(
    """\
# $name $version

$description. A streaming int8 student for edge-ser: it hears 16 kHz speech in steps of $step_ms ms and says one of
$labels, or that it is uncertain.

## What it is for, and what it is not

- It judges *how* somebody speaks: tone, loudness, tempo. It does not know what is said, who speaks, or what that
  person feels. Most of its training data was acted, and acted emotion is plainer than lived emotion.
- It was trained on $languages. Other languages, children's voices, singing, several voices at once, television and
  music are outside what was tested.
- It is wrong often enough (see below) that no decision about a person may rest on it: not on hiring, credit, care,
  policing or schooling.
- For the speaker it understood worst among those tested ($worst_speaker) it was right in $worst per cent.

## Before it is put to use

A label says which acted expression a voice resembles, not what somebody feels. Let it change how a device behaves,
never what a person is granted or suspected of; let *uncertain* change nothing; tell those who are heard, and ask
them. In the European Union (AI Act, Regulation 2024/1689) it is forbidden at work and in education but for medical or
safety reasons (Article 5(1)(f)); elsewhere those exposed must be told (Article 50(3)), and the system is high-risk
(Annex III, point 1(c)). How to ask for consent, a sign to hang up, and what was not measured:
docs/responsible-use.md in edge-ser.

## How right it is

$judged; per cent; the interval holds 95 % of bootstrap
draws over speakers. UAR is the mean recall over labels, WA the share of right answers.

$figures

The student as trained (float), in int8, and in int8 as it listens, in blocks of 100 ms:

$forms

Recall by label, of the student as it listens:

$recalls

While it listens it learns, without labels and without keeping audio, how the present voice differs from others. The
same speakers, their recordings in random order, nothing seen before it is judged, the cold start counted (20 orders;
labels as above); `80 % neutral` is how people mostly speak, `enrolled` is after 20 s of neutral speech:

$adapted

![Confusion]($confusion) ![Reliability]($reliability) ![Risk and coverage]($risk)

## When it says nothing

Its temperature ($temperature) and threshold ($threshold) were chosen on validation speakers so that $coverage per cent
of their recordings get an answer; a recording under the threshold is `uncertain`. It wants $warm_up s of speech before
its first answer, and takes $hangover s of silence for the end of an utterance.

Candidates (`Settings(candidates=0.9)`) are the labels that may be right; on the held-out speakers, all corpora alike:

$candidates

## What it was trained on

$data

Noises were added from ESC-10 (CC BY 3.0) and Speech Commands (CC BY 4.0), babble from LibriSpeech (CC BY 4.0), where
these were present.

## How it was made

Recipe `$recipe`, seed $seed. Network `$architecture`, $teachers. The network is $bytes bytes, $compressed compressed;
$zeros per cent of its int8 weights are zero. Features: $n_mfcc MFCC$extras, statistics of the training speakers, a
running mean over a prior of $prior frames.

$remarks

## Licence

The weights: $licence.
"""
)


@dataclass(frozen=True, slots=True)
class Plots:
    """File names beside the card."""

    confusion: str
    reliability: str
    risk: str


def card_text(
    prepared: Prepared,
    decision: Decision,
    judged: Sequence[Judged],
    adapted: Sequence[Adapted],
    candidates: Sequence[Held],
    tflite: bytes,
    plots: Plots,
) -> str:
    """Return the card, Markdown.

    Parameters
    ----------
    prepared : Prepared
    decision : Decision
    judged : sequence of Judged
        The first is the one that all recordings are in.
    adapted : sequence of Adapted
        What knowing the speaker is worth.
    candidates : sequence of Held
        Whether the right label is among them.
    tflite : bytes
        The int8 network.
    plots : Plots
    """
    recipe = prepared.recipe
    worst = min((each.measures[STREAMING] for each in judged), key=lambda found: found.speaker_worst)
    languages = sorted({prepared.recordings.clips[clip].language for clip in prepared.split.train} - {""})
    return TEMPLATE.substitute(
        name=recipe.name,
        version=recipe.version,
        description=recipe.description.rstrip("."),
        step_ms=recipe.segmentation.frames_per_step * 10,
        labels=", ".join(recipe.labels),
        languages=", ".join(languages) or "speech of unnamed languages",
        worst_speaker=worst.worst_speaker,
        worst=percent(worst.speaker_worst),
        judged=PROTOCOLS[recipe.data.split],
        figures=_figures(judged),
        forms=_forms(judged),
        recalls=_recalls(judged),
        adapted=_adapted(adapted),
        candidates=table(*candidate_rows(candidates)),
        confusion=plots.confusion,
        reliability=plots.reliability,
        risk=plots.risk,
        temperature=f"{decision.temperature:.3f}",
        threshold=f"{decision.uncertain_below:.3f}",
        coverage=f"{100 * decision.stated_coverage:.0f}",
        warm_up=f"{decision.warm_up_seconds:g}",
        hangover=f"{decision.hangover_seconds:g}",
        data=_data(prepared),
        recipe=recipe.name,
        remarks=recipe.remarks.strip(),
        seed=recipe.seed,
        architecture=recipe.student.architecture,
        teachers=f"taught by {', '.join(f'`{each.architecture}`' for each in recipe.teachers)}"
        if recipe.teachers
        else "without teachers",
        bytes=f"{len(tflite):,}",
        compressed=f"{len(gzip.compress(tflite, mtime=0)):,}",
        zeros=f"{100 * recipe.pruning.sparsity:.0f}",
        n_mfcc=recipe.features.n_mfcc,
        extras="".join(f", {name}" for name in recipe.features.extras),
        prior=recipe.features.prior_frames,
        licence=recipe.licence,
    )


def _figures(judged: Sequence[Judged]) -> str:
    rows = []
    for each in judged:
        found = each.measures[STREAMING]
        genders = " / ".join(percent(value[0]) for value in found.uar_by_gender.values()) or "-"
        rows.append(
            (
                each.name,
                str(found.recordings),
                str(found.speakers),
                f"**{percent(found.uar)}** ({percent(found.uar_low)} to {percent(found.uar_high)})",
                percent(found.wa),
                percent(found.wa_at_coverage),
                percent(found.ece),
                f"{percent(found.speaker_median)} / {percent(found.speaker_worst)}",
                genders,
            )
        )
    head = ("recordings of", "n", "speakers", "UAR (95 %)", "WA", "WA of the surest 80 %", "calibration error",
            "WA by speaker, median / worst", "UAR f / m")  # fmt: skip
    return table(head, rows)


def _forms(judged: Sequence[Judged]) -> str:
    forms = [form for form in (FLOAT, INT8, STREAMING) if form in judged[0].measures]
    rows = [(each.name, *(percent(each.measures[form].uar) for form in forms)) for each in judged]
    return table(("UAR", *forms), rows)


def _adapted(adapted: Sequence[Adapted]) -> str:
    rows = [(each.name, str(each.speakers), percent(each.cold), percent(each.adapted), gain(each)) for each in adapted]
    return table(("recordings of", "speakers", "UAR without", "with", "gain (95 %)"), rows)


def _recalls(judged: Sequence[Judged]) -> str:
    labels = list(dict.fromkeys(label for each in judged for label in each.measures[STREAMING].recall))
    rows = []
    for each in judged:
        recall = each.measures[STREAMING].recall
        rows.append((each.name, *(percent(recall[label]) if label in recall else "" for label in labels)))
    return table(("", *labels), rows)


def _data(prepared: Prepared) -> str:
    recordings, split = prepared.recordings, prepared.split
    corpus = np.array([clip.corpus for clip in recordings.clips])
    speaker = np.array([clip.speaker for clip in recordings.clips])
    rows = []
    for info in recordings.corpora.values():
        parts = [part[corpus[part] == info.name] for part in (split.train, split.validation, split.held_out)]
        counts = [f"{len(part)} ({len(set(speaker[part]))})" for part in parts]
        rows.append((info.name, info.title, info.licence, info.consent or "not stated", *counts))
    if prepared.corrections:
        rows.append(("feedback", "corrections of decisions", "by consent", "given", str(prepared.corrections), "", ""))
    head = ("corpus", "what", "licence", "consent", "train: recordings (speakers)", "validation", "held out")
    return table(head, rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table.

    Examples
    --------
    >>> print(table(("a", "b"), [("1", "2")]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
