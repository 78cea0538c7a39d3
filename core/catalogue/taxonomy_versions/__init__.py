"""A new version of the whole tree, taken over with a mapping from the old one."""
