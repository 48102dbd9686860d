"""The table of methods: each is tried on one split with a small budget, all else as in a base recipe."""
