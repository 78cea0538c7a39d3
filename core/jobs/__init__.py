"""Long work outside the app: the queue, the worker and what it can run."""
