"""Commands of `edge-ser-convert`, a file for each family; `shared.py` is what they share."""
