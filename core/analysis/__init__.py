"""What is wrong with what: people and models against gold, per category."""
