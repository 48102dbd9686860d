"""Commands of `edge-ser-convert`, a file for each family; `convert.cli` has those of a run."""
