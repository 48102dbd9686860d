"""A trained student made into the int8 file that runs on the board, and the proof that it says the same."""
