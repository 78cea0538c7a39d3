"""Commands: exclude (add, end, list, preview, import), also-fits."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.category_words import category_of_words
from commands.terminal import JsonFlag, emit, opened
from core.errors import InvalidInput, UnreadableFile
from db.enums import KeywordMatch, RuleAction

Words = Annotated[str, typer.Argument(help="A category: its id, its path, or an end of its path.")]
Keyword = Annotated[str, typer.Argument(help="The word that misleads.")]
ActionWord = Annotated[str, typer.Option("--action", metavar="drop-word|drop-row", help="What the rule does.")]
MatchWord = Annotated[str, typer.Option("--match", metavar="whole-word|substring", help="How the word is found.")]
DROP_WORD, WHOLE_WORD = "drop-word", "whole-word"


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    exclude = typer.Typer(no_args_is_help=True, help="Exclusion rules: words kept out of what a category learns.")
    exclude.command("add")(add_command)
    exclude.command("end")(end_command)
    exclude.command("list")(list_command)
    exclude.command("preview")(preview_command)
    exclude.command("import")(import_command)
    app.add_typer(exclude, name="exclude")
    app.command("also-fits")(also_fits_command)


def add_command(
    category: Words,
    keyword: Keyword,
    action: ActionWord = DROP_WORD,
    match: MatchWord = WHOLE_WORD,
    as_json: JsonFlag = False,
) -> None:
    """Keep a word out of what a category, with all below it, learns from the next training on.

    Examples:

        cli.py exclude add "유아동 > 의류" 여성

        cli.py exclude add 42 gift --action drop-row --match substring
    """
    from core.curation.exclusions import add_rule

    chosen = _action(action), _match(match)
    with opened() as (runtime, actor):
        rule = add_rule(runtime, actor, category_of_words(runtime, category, inner=True), keyword, *chosen)
    emit(as_json, rule.to_dict(), f"Rule {rule.id}: '{rule.keyword}' is excluded from {rule.category}.")


def end_command(
    rule: Annotated[int, typer.Argument(help="Its id, from `exclude list`.")], as_json: JsonFlag = False
) -> None:
    """End a rule; versions that learned with it keep it.

    Example: cli.py exclude end 3
    """
    from core.curation.exclusions import end_rule

    with opened() as (runtime, actor):
        end_rule(runtime, actor, rule)
    emit(as_json, {"id": rule}, f"Rule {rule} has ended.")


def list_command(
    every: Annotated[bool, typer.Option("--all", help="Ended ones too.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As a file that `exclude import` reads.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List the rules in force.

    Examples:

        cli.py exclude list --all

        cli.py exclude list --csv > rules.csv
    """
    from core.curation.exclusion_files import write_rules
    from core.curation.exclusions import list_rules

    with opened() as (runtime, _):
        rules = list_rules(runtime, in_force_only=not every)
    if as_csv:
        sys.stdout.write(write_rules(rules))
        return
    facts = [
        rule.to_dict() | {"author": rule.author, "created_at": rule.created_at, "ended_at": rule.ended_at}
        for rule in rules
    ]
    lines = [
        f"{rule.id:>5}  {rule.action.value:<10}{rule.match.value:<12}{rule.keyword}  |  {rule.category}"
        + (f"  (ended {rule.ended_at:%Y-%m-%d})" if rule.ended_at else "")
        for rule in rules
    ]
    emit(as_json, {"rules": facts}, "\n".join(lines) or "No rule is in force: cli.py exclude add CATEGORY WORD")


def preview_command(
    category: Words,
    keyword: Keyword,
    action: ActionWord = DROP_WORD,
    match: MatchWord = WHOLE_WORD,
    as_json: JsonFlag = False,
) -> None:
    """Say what a rule would do to today's training products, without adding it.

    Example: cli.py exclude preview "유아동 > 의류" 여성
    """
    from core.curation.exclusions import preview_rule

    chosen = _action(action), _match(match)
    with opened() as (runtime, _):
        found = preview_rule(runtime, category_of_words(runtime, category, inner=True), keyword, *chosen)
    facts: dict[str, Any] = {
        "n_rows": found.n_rows,
        "n_touched": found.n_touched,
        "samples": [{"title": title, "left": left} for title, left in found.samples],
        "emptied": found.emptied,
    }
    lines = [f"{found.n_touched:,} of {found.n_rows:,} training products."]
    lines += [f"  {title}  ->  {'left out' if left is None else left}" for title, left in found.samples]
    lines += [f"Nothing would be left to learn {path} from." for path in found.emptied]
    emit(as_json, facts, "\n".join(lines))


def import_command(
    file: Annotated[Path, typer.Argument(help="CSV with the columns category, keyword, action, match.")],
    as_json: JsonFlag = False,
) -> None:
    """Add the rules of a CSV file; the last two columns may be missing.

    Example: cli.py exclude import rules.csv
    """
    from core.curation.exclusion_files import import_rules

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile("{file} cannot be read as UTF-8 text: {reason}", file=file, reason=error) from error
    with opened() as (runtime, actor):
        done = import_rules(runtime, actor, text)
    problems = [{"line": line, "reason": str(error)} for line, error in done.problems]
    sentence = f"{done.n_added:,} rules added, {done.n_known:,} were in force already, {len(problems):,} left out."
    lines = [f"  line {one['line']}: {one['reason']}" for one in problems]
    emit(as_json, {"added": done.n_added, "known": done.n_known, "problems": problems}, "\n".join([sentence, *lines]))


def also_fits_command(
    product: Annotated[int, typer.Argument(help="The product's id.")],
    category: Annotated[str, typer.Argument(help="A leaf: its id, its path, or an end of its path.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take it back.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Say that a further category is right for a product as well; without a category, list what was said.

    Examples:

        cli.py also-fits 118 "스포츠 > 양말"

        cli.py also-fits 118 "스포츠 > 양말" --remove

        cli.py also-fits 118
    """
    from core.labeling.alternatives import add_alternative, list_alternatives, remove_alternative

    with opened() as (runtime, actor):
        if category:
            change = remove_alternative if remove else add_alternative
            change(runtime, actor, product, category_of_words(runtime, category))
        found = list_alternatives(runtime, actor, product)
    facts = [{"category_id": one.category_id, "category": one.category, "person": one.person} for one in found]
    fits = "; ".join(one.category for one in found) or "nothing else"
    emit(as_json, {"product_id": product, "alternatives": facts}, f"Product {product} also fits: {fits}.")


def _action(word: str) -> RuleAction:
    return RuleAction(_known(word, [action.value for action in RuleAction], "--action"))


def _match(word: str) -> KeywordMatch:
    return KeywordMatch(_known(word, [match.value for match in KeywordMatch], "--match"))


def _known(word: str, words: list[str], option: str) -> str:
    if (found := word.replace("-", "_")) not in words:
        raise InvalidInput(f"{option} takes one of: {', '.join(one.replace('_', '-') for one in words)}.")
    return found
