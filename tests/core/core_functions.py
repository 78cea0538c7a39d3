"""Reads core's source: its functions, what they take, call and write. For the tests of permissions."""

import ast
from dataclasses import dataclass, field
from functools import cache

from core.settings import ROOT


@dataclass
class CoreFunction:
    """A function or method at the top of a module or class of core."""

    module: str
    name: str  # with its class, if any
    takes: list[str]
    authorizes: bool = False  # calls authorize(actor, ...) itself
    action: str | None = None  # the Action it asks for, where it says so itself
    writes: bool = False  # opens a writing transaction itself
    audits: bool = False  # adds a row to the audit trail itself
    calls: set[str] = field(default_factory=set)  # full names of core functions
    hands_on: set[str] = field(default_factory=set)  # of those, who is given the actor

    @property
    def full_name(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def is_public(self) -> bool:
        return not any(part.startswith("_") for part in self.name.split("."))


@cache
def core_functions() -> dict[str, CoreFunction]:
    """Full name -> function, of every module of core."""
    found: dict[str, CoreFunction] = {}
    for path in sorted((ROOT / "core").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for function in _of_module(module, ast.parse(path.read_text("utf-8"))):
            found[function.full_name] = function
    return found


def authorized() -> set[str]:
    """Full names of functions that ask for a right, or hand their actor to one that does."""
    functions = core_functions()
    known = {name for name, function in functions.items() if function.authorizes}
    while more := {name for name, one in functions.items() if name not in known and one.hands_on & known}:
        known |= more
    return known


def auditors() -> set[str]:
    """Full names of functions that add to the audit trail, or call one that does."""
    functions = core_functions()
    known = {name for name, function in functions.items() if function.audits}
    while more := {name for name, one in functions.items() if name not in known and one.calls & known}:
        known |= more
    return known


def writers() -> set[str]:
    """Full names of functions that write, themselves or through a private helper of their own module."""
    functions = core_functions()
    known = {name for name, function in functions.items() if function.writes}
    while more := {
        name
        for name, one in functions.items()
        if name not in known
        if any(
            other in known and functions[other].module == one.module and not functions[other].is_public
            for other in one.calls
        )
    }:
        known |= more
    return known


def _of_module(module: str, tree: ast.Module) -> list[CoreFunction]:
    names: dict[str, str] = {}  # what a name in this module stands for
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "core":
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    tops = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    names |= {node.name: f"{module}.{node.name}" for node in tops}
    found = []
    for node in tops:
        if not isinstance(node, ast.ClassDef):
            found.append(_read(module, node.name, node, names))
            continue
        methods = [part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
        found += [_read(module, f"{node.name}.{part.name}", part, names) for part in methods]
    return found


def _read(module: str, name: str, node: ast.FunctionDef | ast.AsyncFunctionDef, names: dict[str, str]) -> CoreFunction:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    function = CoreFunction(module, name, [argument.arg for argument in arguments])
    for call in (part for part in ast.walk(node) if isinstance(part, ast.Call)):
        target = ast.unparse(call.func)
        first, _, rest = target.partition(".")
        called = names.get(target) or (f"{names[first]}.{rest}" if rest and first in names else None)
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if target.endswith("sessions.write"):
            function.writes = True
        if target.split(".")[-1] == "add_audit":
            function.audits = True
        if called is None:
            continue
        function.calls.add(called)
        if called == "core.permissions.authorize":
            function.authorizes = True
            words = ast.unparse(call.args[1]) if len(call.args) > 1 else ""
            function.action = words.removeprefix("Action.") if words.startswith("Action.") else None
        elif any(isinstance(part, ast.Name) and part.id == "actor" for part in given):
            function.hands_on.add(called)
    return function
