"""People labeling products: campaigns, tasks and decisions."""
