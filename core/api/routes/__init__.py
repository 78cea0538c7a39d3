"""One file a resource: what comes in, one core call, what goes out."""
