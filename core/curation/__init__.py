"""What is done about the faults of training data: exclusion rules, caps, seasons, label issues."""
