"""One HTML page of all reports that reads well on its own: no script, no file beside it, light and dark."""
