"""The card: what a model file can and cannot do, in words, figures and plots; and the file itself, finished."""
