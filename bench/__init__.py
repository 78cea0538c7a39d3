"""One file a figure: each prints a ratio against a peer in the same run. `make bench` runs all."""
