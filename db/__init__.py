"""The database floor: tables and queries. Imports nothing of ours above it."""
