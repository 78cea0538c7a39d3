"""The command line, one file a room; cli.py puts them together."""
