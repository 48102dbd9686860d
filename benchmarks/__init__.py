"""What edge-ser costs, beside its peers: one file a question, each a `run(quick) -> Report`."""

import os

# One core, as on the board, and no thread start-up in the timings. It must be said before NumPy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
