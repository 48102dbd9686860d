"""Where events go besides the program itself; each on a package of its own, as an extra."""
