"""Commands: finding categories."""

import time
from typing import Annotated

import typer

from commands.terminal import JsonFlag, emit, opened
from core.errors import InvalidInput


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    app.command("search-categories")(search_categories_command)


def search_categories_command(
    words: Annotated[list[str], typer.Argument(help="Any words, parts of words or initials, in any order.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many hits at most.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """Find categories: any word order, no spaces, a slip, half-typed syllables, initial consonants, English, codes.

    Examples:

        cli.py search-categories 남성 바지

        cli.py search-categories ㄴㅅㅂㅈ --limit 5

        cli.py search-categories "coffe table" --json
    """
    from core.catalogue.search import find_categories

    if not any(word.strip() for word in words):
        raise InvalidInput("Say what to look for: cli.py search-categories WORDS")
    with opened() as (runtime, _):
        find_categories(runtime, "", 1)  # building the index is not the search
        started = time.perf_counter()
        found = find_categories(runtime, " ".join(words), limit)
        seconds = time.perf_counter() - started
    hits = [
        {
            "id": hit.category.id,
            "path": hit.category.path,
            "path_en": hit.category.path_en,
            "score": hit.score,
            "matched": hit.matched.value,
        }
        for hit in found.hits
    ]
    lines = [f"{hit['id']:>7}  {hit['path']}" + (f"  ({hit['path_en']})" if hit["path_en"] else "") for hit in hits]
    summary = f"{found.n_found} found in {1000 * seconds:.1f} ms" if hits else "Nothing like this."
    facts = {"hits": hits, "n_found": found.n_found, "seconds": round(seconds, 5)}
    emit(as_json, facts, "\n".join([*lines, summary]))
