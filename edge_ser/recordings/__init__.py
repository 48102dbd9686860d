"""The embedded recording: synthetic speech, so free of rights; `python -m convert.corpora.synthetic --demo` made it."""

from pathlib import Path

DEMO = Path(__file__).with_name("demo.wav")
