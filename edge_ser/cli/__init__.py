"""The command `edge-ser`: one file a subcommand, each imported when it is needed."""
