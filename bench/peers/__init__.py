"""Other people's classifiers of titles, each behind one function, for `bench.text_models`."""
