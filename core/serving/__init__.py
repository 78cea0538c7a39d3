"""A model version at work: scoring products."""
