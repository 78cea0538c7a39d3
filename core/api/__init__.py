"""The REST API: the same core functions as the pages, for programs. The only room that knows fastapi."""
