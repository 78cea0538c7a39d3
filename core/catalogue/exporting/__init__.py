"""What is known, out into files: in the background, streamed, with a row count and a checksum."""
