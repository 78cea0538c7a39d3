"""The floors of docs/architecture.md, held by reading every import."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import ROOT

# pandas and pyarrow are not here: streamlit itself loads them.
HEAVY = {"torch", "torchvision", "sklearn", "scipy", "shap", "captum", "sentencepiece", "openpyxl"}
OF_THE_API = {"fastapi", "uvicorn", "limits"}  # what only core/api knows, and the command that starts it
FORBIDDEN = {
    "pages": {"torch", "torchvision", "sqlalchemy", "db", "models", "commands", "app", "cli"},
    "commands": {"torch", "torchvision", "sqlalchemy", "streamlit", "db", "models", "pages", "app", "cli"},
    "core": {"streamlit", "pages", "commands", "app", "cli"},
    "db": {"streamlit", "torch", "pandas", "core", "models", "pages", "commands", "app", "cli"},
    "models": {"streamlit", "sqlalchemy", "core", "db", "pages", "commands", "app", "cli"},
}
ALLOWED = {"db.enums"}  # words, no tables


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module, node.lineno


@pytest.mark.parametrize("floor", FORBIDDEN)
def test_a_floor_imports_only_what_lies_below(floor: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in (ROOT / floor).rglob("*.py")
        for name, line in imports_of(path)
        if name.split(".")[0] in FORBIDDEN[floor] and name not in ALLOWED
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_api_knows_its_framework() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for floor in FORBIDDEN
        for path in (ROOT / floor).rglob("*.py")
        for name, line in imports_of(path)
        if name.split(".")[0] in OF_THE_API
        if ROOT / "core/api" not in path.parents and path != ROOT / "commands/api.py"
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("of_the_api", [False, True])
def test_drawing_a_page_help_or_serving_loads_nothing_heavy(of_the_api: bool) -> None:
    """Pages and help load nothing of the API either; the API loads no model library."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for folder in (("core/api",) if of_the_api else ("core", "commands", "pages/components"))
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.stem != "__init__" and (of_the_api or ROOT / "core/api" not in path.parents)
    ]
    heavy = HEAVY if of_the_api else HEAVY | OF_THE_API
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, importlib\nbefore = set(sys.modules)\n"
            "for name in sys.argv[1].split(','):\n"
            "    new = set(sys.modules)\n"
            "    importlib.import_module(name)\n"
            "    for heavy in sys.argv[2].split(','):\n"
            "        if heavy in sys.modules and heavy not in new: print(name, 'loads', heavy)",
            ",".join(modules),
            ",".join(sorted(heavy)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert not loaded.stdout, loaded.stdout
