"""What edge-ser speaks to beyond the program: one file a partner, each an optional extra or of the standard library."""
