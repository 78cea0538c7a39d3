"""The catalogue: products, taxonomy, malls and how they come in."""
