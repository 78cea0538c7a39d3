"""Learning: arrays in, arrays out. Knows no database and no screen."""
