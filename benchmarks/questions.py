"""The questions that `edge-ser-bench` answers: each is a module with `run(...) -> Report`."""

from __future__ import annotations

from collections.abc import Mapping

QUESTIONS: Mapping[str, str] = {
    "frontend": "what the MFCC front end costs, beside other front ends",
    "student": "what one step of the student costs, on each runtime installed",
    "pipeline": "what it costs from PCM to event, by block size and by stage, and with many streams",
    "peers": "what others cost that do the same job on the same audio, and how right they are",
    "footprint": "how large it is, how long it takes to start, how much memory it holds",
    "energy": "what an hour of listening costs in joules, or in processor time where nothing counts joules",
    "microcontroller": "what the same student needs on a microcontroller, and whether it says the same",
    "prediction": "what a step should cost on boards that are not here, from published peaks",
    "resample": "what it costs to bring other sample rates to 16 kHz, beside soxr",
    "toolchain": "what making a model costs: audio to features, and each stage of the smoke recipe",
    "soak": "whether days of audio pass without a sample unaccounted for, memory lost or a decision changed",
}

TAKES_CORPORA = ("peers",)
"""Of these, they can use --corpora and do without."""

TAKES_LONG = ("soak",)
"""Of these, they are not part of `all`."""

ON_CORPORA: Mapping[str, str] = {
    "presets": "what each preset costs: seconds until a decision, false events an hour",
    "degraded": "what bad audio does to confidence, and what is done about it",
    "drift": "how often drift is told, on people as they were recorded and through other microphones, rooms and noise",
    "voice-activity": "how well speech is told from noise, and what that costs, beside Silero and webrtcvad",
}
"""Questions that only recordings answer: they need --corpora, and the packages of the workshop."""

ON_EMULATORS: Mapping[str, str] = {
    "boards": "whether an emulated 64-bit and 32-bit Arm board gives the same bytes and decisions as this machine",
}
"""Questions that need a folder for the boards' systems, and what builds and runs them."""


def says(name: str) -> str:
    """Return what a question asks; nothing where there is none of that name."""
    return {**QUESTIONS, **ON_CORPORA, **ON_EMULATORS}.get(name, "")
