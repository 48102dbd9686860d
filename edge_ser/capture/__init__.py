"""From a microphone, a file, a pipe or an array to int16 samples at 16 kHz."""
