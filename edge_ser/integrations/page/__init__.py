"""A local web page of what is heard: decision, level, timeline, counters; and a button that stops the capture."""
