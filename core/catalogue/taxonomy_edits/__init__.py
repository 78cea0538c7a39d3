"""Edits of the category tree: add, rename, move, merge, split, retire, and their undo. No label is lost by them."""
