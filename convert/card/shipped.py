"""The card of a shipped file: everything that can be measured about it, as one page, as Markdown and as JSON."""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.baseline import voices_of
from convert.card.page import PNG, Page, Picture, Section, to_html
from convert.card.plots import plot_confusion, plot_reliability, plot_risk_coverage
from convert.card.text import table
from convert.corpora.catalogue import describe
from convert.corpora.manifest import Clip
from convert.evaluate.adapted import Adapted, judge_adapted, sessions_of
from convert.evaluate.candidates import Held, judge_candidates
from convert.evaluate.fairness import Fairness, fairness
from convert.evaluate.judge import FLOAT, INT8, STREAMING, Judged, ask_all, judge
from convert.evaluate.listening import Decisions, listen, spoken_labels
from convert.evaluate.measures import Measures
from convert.evaluate.model_file import held_out_speakers, read_clips
from convert.evaluate.report import gain, percent, to_plain
from convert.evaluate.robustness import Robustness, evaluate_robustness
from convert.evaluate.shipped_tables import (
    Rows,
    candidate_rows,
    gap_rows,
    group_rows,
    robustness_rows,
    speaker_rows,
    steadiness,
)
from convert.packing import FLOAT_SUFFIX
from convert.segments import Segmentation
from edge_ser.explanation.picture import picture
from edge_ser.pipeline import Pipeline
from edge_ser.recognizer import Recognizer
from edge_ser.student.model_file import ModelFile

UNKNOWN = "not stated"
USE = """\
It judges how somebody speaks: tone, loudness, tempo. It does not know what is said, who speaks, or what that person
feels. Most of its training data was acted, and acted emotion is plainer than lived emotion.

! It is wrong often enough that no decision about a person may rest on it: not on hiring, credit, care, policing or
schooling. Emotion recognition at work and in schools is forbidden in the European Union (Regulation 2024/1689,
article 5)."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Everything that was measured."""

    path: Path
    model: ModelFile
    corpora: Path
    clips: Sequence[Clip]
    recordings: Sequence[NDArray[np.int16]]
    judged: Sequence[Judged]
    decisions: Decisions
    fair: Fairness
    robust: Sequence[Robustness]
    adapted: Sequence[Adapted]
    candidates: Sequence[Held]

    @property
    def spoken(self) -> NDArray[np.intp]:
        """(n,): right labels."""
        return spoken_labels(self.model.metadata, self.clips)

    @property
    def first(self) -> Measures:
        """Of all recordings together, as the student listens."""
        return self.judged[0].measures[STREAMING]


def measure(path: Path, corpora: Path, every: int) -> Found:
    """Measure a model file on the speakers whom it names as held out; robustness on every so manyth recording.

    Raises
    ------
    ModelFileError, CorpusError, ConvertError
        As `convert.evaluate.model_file.evaluate_file`.
    """
    model = ModelFile.load(path)
    clips, told_apart = held_out_speakers(model, corpora)
    recordings = read_clips(corpora, clips)
    beside = path.with_suffix("").with_suffix(FLOAT_SUFFIX)
    answers = ask_all(model, beside.read_bytes() if beside.is_file() else None, recordings)
    decisions = listen(Pipeline(model), ([(pcm, 0)] for pcm in recordings))
    spoken = spoken_labels(model.metadata, clips)
    adapted: list[Adapted] = []
    if model.metadata.baseline is not None:
        spec = model.metadata.features
        segmentation = Segmentation(
            spec.frames_per_step, round(model.metadata.decision.hangover_seconds / spec.step_seconds)
        )
        voices = voices_of(recordings, spec, segmentation)
        sessions = sessions_of(model.metadata, clips, answers[STREAMING].logits, voices)
        adapted = [one for name, each in sessions.items() for one in judge_adapted(model.metadata, each, name)]
    return Found(
        path,
        model,
        corpora,
        clips,
        recordings,
        judge(model, answers, clips, told_apart),
        decisions,
        fairness(decisions, clips, spoken, model.metadata.labels),
        evaluate_robustness(path, corpora, every),
        adapted,
        judge_candidates(model.metadata, answers[STREAMING], clips),
    )


def write(found: Found, folder: Path) -> list[Path]:
    """Write `NAME.card.html`, `.md` and `.json`; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    name = found.model.metadata.name
    paths = [folder / f"{name}.card.{suffix}" for suffix in ("html", "md", "json")]
    page = page_of(found)
    paths[0].write_text(to_html(page), encoding="utf-8")
    paths[1].write_text(_markdown(page, folder, name), encoding="utf-8")
    plain = {
        "model": name,
        "version": found.model.metadata.version,
        "sets": to_plain(found.judged),
        "fairness": asdict(found.fair),
        "robustness": [asdict(each) for each in found.robust],
        "adapted": [asdict(each) for each in found.adapted],
        "candidates": [asdict(each) for each in found.candidates],
    }
    paths[2].write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    return paths


def page_of(found: Found) -> Page:
    """Return the card."""
    metadata, first = found.model.metadata, found.first
    size = found.path.stat().st_size
    tiles = [
        (f"{percent(first.uar)} %", f"UAR over {len(first.recall)} labels, {first.speakers} speakers never heard"),
        (f"{percent(first.uar_low)} to {percent(first.uar_high)} %", "95 % interval over speakers"),
        (f"{percent(first.wa_at_coverage)} %", "right among the surest 80 %"),
        (f"{percent(first.ece)} %", "calibration error"),
        (f"{percent(first.speaker_worst)} %", f"right for the speaker understood worst ({first.worst_speaker})"),
        (f"{size / 1000:.0f} kB", "the whole file"),
    ]
    sections = [
        Section("What it is for", USE, [("", _identity(found))]),
        Section(
            "How right it is",
            "Speakers who were heard neither in training nor in choosing anything; per cent. UAR is the mean recall "
            "over labels; intervals are 95 % of bootstrap draws over speakers.",
            [("As it listens", _accuracy(found)), ("Recall by label", _recalls(found))],
            [_confusion(each) for each in found.judged if each is found.judged[0] or " labels" not in each.name],
        ),
        Section(
            "What int8 and pruning cost",
            "The student as trained, in int8 on utterances that are cut out, and in int8 as it listens: UAR, per cent.",
            [("", _forms(found))],
        ),
        Section(
            "What its confidence is worth",
            "On the diagonal confidence means what it says. To the right of the risk plot everything is answered; to "
            "the left only what it is surest of.",
            [("", _confidence(found)), ("Candidates: the labels that may be right", candidate_rows(found.candidates))],
            _confidence_plots(found),
        ),
        Section(
            "Whom it understands",
            "A gap between women and men is taken within a corpus, for corpora differ in difficulty and in who speaks "
            "in them. Intervals over a handful of speakers say little.",
            [("By group", group_rows(found.fair)), ("Women and men, points of UAR", gap_rows(found.fair)),
             ("By speaker, the worst first", speaker_rows(found.fair))],
        ),
        Section(
            "What it bears",
            "The same recordings, spoilt in one way each. Environmental noises are those that training leaves out; "
            "the measured rooms were heard in training. " + steadiness(found.robust),
            [("", robustness_rows(found.robust))],
        ),
        Section("When it knows the speaker", "The same speakers in random order, cold start counted: UAR, per cent.",
                [("", _adapted(found))] if found.adapted else []),
        Section(
            "Where decisions come from",
            "What the most likely label loses when a moment or a group of frequencies is hidden. One decision that was "
            "right and sure, one that was wrong and sure, one that was left open.",
            pictures=explanations(found),
        ),
        Section("What it was trained on", "", [("", _data(found))]),
    ]  # fmt: skip
    digest = hashlib.sha256(found.path.read_bytes()).hexdigest()
    return Page(
        f"{metadata.name} {metadata.version}",
        f"Tells {', '.join(metadata.labels)} apart by how somebody speaks, on the board, offline. "
        f"Licence of the weights: {metadata.licence}.",
        tiles,
        sections,
        (f"{found.path.name}, SHA-256 {digest}", f"Robustness on {found.robust[0].recordings} of {first.recordings} "
         "recordings. Made by edge-ser-convert card."),
    )  # fmt: skip


def examples(decisions: Decisions, spoken: NDArray[np.intp]) -> dict[str, int]:
    """Return the recordings to explain: the surest right answer, the surest wrong one, the surest left open."""
    confidence = np.where(decisions.heard, decisions.shares.max(axis=1), -1.0)
    right = decisions.best == spoken
    wanted = {
        "right and sure": right & decisions.answered,
        "wrong and sure": ~right & decisions.answered,
        "left open": decisions.heard & ~decisions.answered,
    }
    return {
        name: int(np.flatnonzero(chosen)[confidence[chosen].argmax()])
        for name, chosen in wanted.items()
        if chosen.any()
    }


def explanations(found: Found) -> list[Picture]:
    """Return a picture of a few decisions."""
    recognizer = Recognizer(found.model)
    labels = found.model.metadata.labels
    pictures = []
    for name, row in examples(found.decisions, found.spoken).items():
        told = recognizer.explain(found.recordings[row], 16000)
        caption = f"{name}: spoken {labels[found.spoken[row]]}, most likely {told.label} ({found.clips[row].name})"
        pictures.append(Picture(caption, picture(told).encode("utf-8")))
    return pictures


def _identity(found: Found) -> Rows:
    metadata = found.model.metadata
    languages = sorted({clip.language for clip in found.clips} - {""})
    rows = [
        ("labels", ", ".join(metadata.labels)),
        ("languages it was tested in", ", ".join(languages) or UNKNOWN),
        ("temperature, threshold", f"{metadata.decision.temperature:.3f}, {metadata.decision.uncertain_below:.3f}"),
        ("first answer after", f"{metadata.decision.warm_up_seconds:g} s of speech"),
        (
            "network",
            f"{len(found.model.tflite):,} bytes, {len(gzip.compress(found.model.tflite, mtime=0)):,} compressed",
        ),
        ("recipe", metadata.provenance.recipe),
        ("licence of the weights", metadata.licence),
    ]
    return ("", ""), rows


def _accuracy(found: Found) -> Rows:
    rows = []
    for each in found.judged:
        one = each.measures[STREAMING]
        by_gender = " / ".join(
            f"{percent(v[0])} ({percent(v[1])} to {percent(v[2])})" for v in one.uar_by_gender.values()
        )
        rows.append(
            (each.name, str(one.recordings), str(one.speakers),
             f"{percent(one.uar)} ({percent(one.uar_low)} to {percent(one.uar_high)})", percent(one.wa),
             percent(one.macro_f1), percent(one.speaker_median), f"{percent(one.speaker_worst)} {one.worst_speaker}",
             by_gender or "-", str(one.silent))
        )  # fmt: skip
    head = ("recordings of", "n", "speakers", "UAR (95 %)", "WA", "F1", "median speaker", "worst speaker", "UAR f / m",
            "silent")  # fmt: skip
    return head, rows


def _recalls(found: Found) -> Rows:
    labels = list(dict.fromkeys(label for each in found.judged for label in each.measures[STREAMING].recall))
    rows = []
    for each in found.judged:
        recall = each.measures[STREAMING].recall
        rows.append((each.name, *(percent(recall[label]) if label in recall else "" for label in labels)))
    return ("recordings of", *labels), rows


def _forms(found: Found) -> Rows:
    forms = [form for form in (FLOAT, INT8, STREAMING) if form in found.judged[0].measures]
    rows = []
    for each in found.judged:
        uar = [each.measures[form].uar for form in forms]
        rows.append((each.name, *map(percent, uar), f"{100 * (uar[-1] - uar[0]):+.1f}"))
    return ("recordings of", *forms, "loss"), rows


def _confidence(found: Found) -> Rows:
    rows = []
    for each in found.judged:
        one = each.measures[STREAMING]
        rows.append((each.name, percent(one.ece), f"{one.nll:.3f}", f"{one.brier:.3f}", percent(one.wa),
                     percent(one.wa_at_coverage)))  # fmt: skip
    return ("recordings of", "ECE %", "NLL", "Brier", "WA", "WA of the surest 80 %"), rows


def _adapted(found: Found) -> Rows:
    rows = [(one.name, str(one.speakers), percent(one.cold), percent(one.adapted), gain(one)) for one in found.adapted]
    return ("recordings of", "speakers", "without", "with", "gain (95 %)"), rows


def _data(found: Found) -> Rows:
    rows = []
    for corpus in found.model.metadata.provenance.corpora:
        info = describe(found.corpora / corpus.name)
        held_out = [name for name in found.model.metadata.provenance.held_out if name.split("/")[0] == corpus.name]
        rows.append((corpus.name, info.title, corpus.licence, info.consent or UNKNOWN, "yes" if info.may_ship else "no",
                     str(len(held_out))))  # fmt: skip
    return ("corpus", "what", "licence", "consent of the speakers", "weights may ship", "speakers held out"), rows


def _confusion(each: Judged) -> Picture:
    return _drawn(f"Confusion: {each.name}", lambda path: plot_confusion(each.measures[STREAMING], path))


def _confidence_plots(found: Found) -> list[Picture]:
    shares, right = found.decisions.shares, found.decisions.best == found.spoken
    confidence = shares.max(axis=1)
    return [
        _drawn("Reliability: share of right answers by confidence", lambda p: plot_reliability(confidence, right, p)),
        _drawn("Risk and coverage: wrong answers left when only the surest are given",
               lambda p: plot_risk_coverage(confidence, right, p)),
    ]  # fmt: skip


def _drawn(caption: str, draw: Callable[[Path], None]) -> Picture:
    with tempfile.TemporaryDirectory(prefix="edge-ser-card-") as folder:
        path = Path(folder) / "plot.png"
        draw(path)
        return Picture(caption, path.read_bytes())


def _markdown(page: Page, folder: Path, name: str) -> str:
    """Return the page as Markdown; its pictures become files beside it."""
    parts = [f"# {page.title}", page.about, table(("", ""), [(what, value) for value, what in page.tiles])]
    count = 0
    for section in page.sections:
        parts.append(f"## {section.title}")
        if section.text:
            parts.append("\n\n".join(each.removeprefix("! ") for each in section.text.split("\n\n")))
        for shown in section.pictures:
            count += 1
            suffix = "png" if shown.content.startswith(PNG) else "svg"
            file = folder / f"{name}.card.{count}.{suffix}"
            file.write_bytes(shown.content)
            parts.append(f"![{shown.caption}]({file.name})")
        for heading, rows in section.tables:
            parts.append((f"### {heading}\n\n" if heading else "") + table(*rows))
    return "\n\n".join([*parts, *page.foot]) + "\n"
