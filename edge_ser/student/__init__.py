"""The student: its file, the TFLite runtime that runs it, and one step of it."""
