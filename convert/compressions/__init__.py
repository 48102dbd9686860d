"""The table of compressions: `plan.py` what is combined, `steps.py` does it, `measure.py` the figures, `table.py` all.

`start.py` is where the float student comes from, `report.py` writes.
"""
