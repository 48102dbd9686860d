"""Judging a student: `measures.py` the figures, `students.py` its three forms, `judge.py` both together.

`run.py` is the stage of a run, `model_file.py` judges a file by itself, `report.py` prints.
"""
