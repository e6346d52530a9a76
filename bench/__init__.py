"""What it costs: measured over real sockets, beside the embedded database's own ceiling in the same run."""
