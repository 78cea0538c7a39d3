"""Every string of the interface has its Korean, with the same values in it, and none is left over."""

import ast
import string

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from core import errors
from core.settings import ROOT
from pages.components.job_progress import MODEL_STAGES

TELLERS = ("FitProgress", "Stage", "_say", "on_share", "share")  # what `models` says the stage of a job with
PASSED_ON = ("stage", "_name", "name")  # a stage that was said elsewhere

KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}


def messages_in_code() -> dict[str, str]:
    """Message -> where it stands."""
    found: dict[str, str] = {}
    for folder in ("core", "pages"):
        for file, line, message, *_ in extract_from_dir(ROOT / folder, [("**.py", "python")], keywords=KEYWORDS):
            for text in [message] if isinstance(message, str) else message:
                found[text] = f"{folder}/{file}:{line}"
    for file, line, message, *_ in extract_from_dir(
        ROOT, [("app.py", "python")], keywords=KEYWORDS, directory_filter=lambda path: False
    ):
        found[message] = f"{file}:{line}"
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, errors.AppError):
            found[" ".join((error.__doc__ or "").split())] = f"core/errors.py {error.__name__}"
    return found


def korean() -> dict[str, str]:
    merged: dict[str, str] = {}
    for path in sorted((ROOT / "locale" / "ko").glob("*.po")):
        with path.open("rb") as file:
            catalog: Catalog = read_po(file, locale="ko")
        for message in catalog:
            if not message.id:
                continue
            for text in [message.id] if isinstance(message.id, str) else message.id:
                merged[text] = message.string if isinstance(message.string, str) else message.string[0]
    return merged


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_every_message_has_its_korean() -> None:
    translated = korean()
    missing = [f"{place}: {text!r}" for text, place in messages_in_code().items() if not translated.get(text)]
    assert not missing, "\n".join(["no Korean for:", *missing])


def test_no_message_hides_in_an_f_string() -> None:
    """Extraction cannot see into f-strings on Python 3.11, so what stands there would stay English."""
    hidden = [
        f"{path.relative_to(ROOT)}:{part.lineno}"
        for path in [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "core").rglob("*.py")]
        for text in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(text, ast.JoinedStr)
        for part in ast.walk(text)
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in KEYWORDS
        if part.args and isinstance(part.args[0], ast.Constant)
    ]
    assert not hidden, "\n".join(["a message inside an f-string:", *hidden])


def test_a_translation_keeps_its_values() -> None:
    wrong = [
        f"{text!r} -> {korean_text!r}" for text, korean_text in korean().items() if fields(text) != fields(korean_text)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_translation_is_left_over() -> None:
    in_code = messages_in_code()
    stale = [text for text in korean() if text not in in_code]
    assert not stale, "\n".join(["in locale/ko but not in the code:", *stale])


def stages_in(source: str) -> tuple[set[str], list[int]]:
    """The stages that a module of `models` says, and the lines of a FitProgress whose stage cannot be told."""
    tree = ast.parse(source)
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    said: set[str] = set()
    unknown = []
    for call in ast.walk(tree):
        name = getattr(call.func, "id", getattr(call.func, "attr", "")) if isinstance(call, ast.Call) else ""
        if not isinstance(call, ast.Call) or name not in TELLERS:
            continue
        given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "stage")]
        values = [
            constants.get(part.id) if isinstance(part, ast.Name) else getattr(part, "value", None) for part in given
        ]
        found = {value for value in values if isinstance(value, str)}
        said |= found
        passed_on = {getattr(part, "id", getattr(part, "attr", "")) for part in given} & set(PASSED_ON)
        if name == "FitProgress" and not found and not passed_on:
            unknown.append(call.lineno)
    return said, unknown


def test_the_stages_that_models_say_are_translated() -> None:
    """`models` knows no translations: the page that shows a job lists what it may say."""
    missing, all_said = [], set()
    for path in sorted((ROOT / "models").rglob("*.py")):
        said, unknown = stages_in(path.read_text("utf-8"))
        all_said |= said
        missing += [f"{path.relative_to(ROOT)}: {stage!r}" for stage in sorted(said - set(MODEL_STAGES))]
        missing += [f"{path.relative_to(ROOT)}:{line}: which stage?" for line in unknown]
    assert not missing, "\n".join(["not in MODEL_STAGES of pages/components/job_progress.py:", *missing])
    assert all_said == set(MODEL_STAGES), "MODEL_STAGES has some that nobody says"


def test_stages_are_found_however_they_are_said() -> None:
    lines = ["A = 'a'", "say(FitProgress(A, 0))", "self._say('b', 1)", "on_share(1, 'c')", "FitProgress(stage='d')"]
    source = "\n".join([*lines, "FitProgress(f())"])
    assert stages_in(source) == ({"a", "b", "c", "d"}, [6])
