"""Wrong labels: finding them out of fold, and learning beside them."""
