"""Attributes of products (colour, size, material, gender, season, quantity) as weakly supervised tags."""
