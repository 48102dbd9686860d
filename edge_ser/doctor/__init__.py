"""What `edge-ser doctor` looks at: each check a small function that returns what it found and what cures it.

`examination.examine` is the order of all. Nothing here repairs anything, and nothing that is recorded is kept.
"""
