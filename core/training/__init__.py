"""From labels to a model version: snapshot, training, evaluation, promotion."""
