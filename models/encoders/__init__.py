"""Neural text encoders: the mean of embeddings, layers on top of it, a recurrent network."""
