"""The workshop: corpora in, one verified student and its card out. Runs on a PC, never on the board."""

import os

# tensorflow-model-optimization knows Keras 2 only, and TensorFlow decides which Keras it is when it is first imported.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors, not greetings
