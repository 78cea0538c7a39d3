"""Every way to change something asks who does it: core is walked by its source, and each function is called by
somebody without the right."""

import inspect
import types
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from core import permissions
from core.errors import Forbidden
from core.jobs.handlers import HANDLERS
from core.jobs.rights import ACTIONS
from core.permissions import ALLOWED, Action, may
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from core.types import Actor
from db.enums import Role
from tests.core.core_functions import CoreFunction, auditors, authorized, core_functions, writers

OWN = "only what the person holds or did themselves"
PART = "a part of functions that have asked"
ASKS_OTHERWISE = "gives less, or nothing, to who may not, instead of refusing"

WITHOUT_A_RIGHT = {
    "core.labeling.queue.release_task": OWN,
    "core.labeling.queue.release_all": OWN,
    "core.labeling.progress.get_progress": OWN,
    "core.labeling.decisions.list_my_decisions": OWN,
    "core.labeling.card.peek_next": OWN,
    "core.members.get_member": OWN,
    "core.sign_in.still_welcome": OWN,
    "core.api.idempotency.decision_key": OWN,
    "core.api.idempotency.begin": OWN,
    "core.api.idempotency.keep": OWN,
    "core.api.idempotency.forget": OWN,
    "core.members.list_members": ASKS_OTHERWISE,
    "core.overview.get_overview": ASKS_OTHERWISE,
    "core.catalogue.products.filter_names": ASKS_OTHERWISE,
    "core.catalogue.product_sight.seen_by": ASKS_OTHERWISE,
    "core.catalogue.product_sight.sees_gold": "says whether",
    "core.catalogue.product_sight.sees_who_voted": "says whether",
    "core.labeling.first_campaign.offer_first_campaign": ASKS_OTHERWISE,
    "core.permissions.may": "says whether",
    "core.permissions.authorize": "is the question",
}
"""Functions that take an actor and ask for no right, and why."""

WITHOUT_AN_ACTOR = {
    "core.people.sign_in_local": "makes the person of local mode on first use: there is no actor before",
    "core.sign_in.sign_in_with_claims": "says who the actor is",
    "core.api_tokens.authenticate": "says who the actor is; notes when a token was used",
    "core.jobs.worker.work": "the worker",
    "core.jobs.worker.work_until_ended": "the worker",
    "core.jobs.worker.requeue_stalled": "the worker",
    "core.webhook_sending.Sender.look": "the worker",
    "core.webhook_sending.Sender.send_next": "the worker",
    "core.labeling.campaigns.building.build_campaign": "the worker: a campaign somebody was allowed to make",
    "core.serving.scoring.score_products": "the worker: a scoring or training somebody was allowed to start",
    "core.serving.scoring.write_predictions": "the worker: a scoring or training somebody was allowed to start",
    "core.training.snapshot.take_snapshot": "the worker: a training somebody was allowed to start",
    "core.training.splits.assign_folds": "the worker: a training somebody was allowed to start",
    "core.catalogue.taxonomy_edits.edit.editing": PART,
}
"""Functions that write and take no actor, and why. Handlers of jobs (they take `context`) are not among them."""


LABELING = "an annotator's work: the decision rows are its record"

WITHOUT_AN_AUDIT_ROW = {
    "core.labeling.queue.claim_task": LABELING,
    "core.labeling.queue.renew_lease": LABELING,
    "core.labeling.queue.save_draft": LABELING,
    "core.labeling.queue.release_task": LABELING,
    "core.labeling.queue.release_all": LABELING,
    "core.labeling.queue.skip_task": LABELING,
    "core.labeling.undoing.undo_decision": LABELING,
    "core.labeling.last_lot.undo_last_lot": LABELING,
    "core.labeling.undoing.undo_lot": LABELING,
    "core.webhook_sending.send_test": "changes nothing but the list of what was sent",
    "core.api.idempotency.begin": "bookkeeping of requests",
    "core.api.idempotency.keep": "bookkeeping of requests",
    "core.api.idempotency.forget": "bookkeeping of requests",
}
"""Functions by which a person writes and that leave no row in the audit trail, and why."""

ASKS_LATER = {
    "core.api_tokens.list_tokens": "one's own are for everybody; tests/core/test_api_tokens.py",
    "core.catalogue.exporting.exporting.open_export": "what an export shows is asked after its existence",
    "core.jobs.queue.cancel_job": "who started a job may stop it; tests/core/jobs/test_worker.py",
    "core.first_use.prepare": "asks in each step that is needed",
    "core.labeling.campaigns.creating.ensure_default_campaign": "asks when there is something to make",
}
"""Functions that look at something before they ask, and where that is tested."""


def ways_in() -> list[CoreFunction]:
    """Public functions that take an actor. Who takes a session works within somebody else's transaction."""
    return [
        function
        for function in core_functions().values()
        if function.is_public and "actor" in function.takes and "session" not in function.takes
    ]


def test_who_takes_an_actor_asks_for_a_right() -> None:
    silent = {function.full_name for function in ways_in()} - authorized()
    assert silent - set(WITHOUT_A_RIGHT) == set(), "asks for no right: call authorize(actor, Action.X)"
    assert set(WITHOUT_A_RIGHT) - silent == set(), "is no exception any more"


def test_who_writes_takes_an_actor() -> None:
    functions = core_functions()
    anonymous = {
        name
        for name in writers()
        if functions[name].is_public
        if not {"actor", "context", "session"} & set(functions[name].takes)
    }
    assert anonymous - set(WITHOUT_AN_ACTOR) == set(), "writes and does not say who"
    assert set(WITHOUT_AN_ACTOR) - anonymous == set(), "is no exception any more"


def test_who_changes_something_leaves_a_row_in_the_audit_trail() -> None:
    functions = core_functions()
    unseen = {
        name
        for name in writers() - auditors()
        if functions[name].is_public and "actor" in functions[name].takes and "session" not in functions[name].takes
    }
    assert unseen - set(WITHOUT_AN_AUDIT_ROW) == set(), "changes something and leaves no trace: add_audit"
    assert set(WITHOUT_AN_AUDIT_ROW) - unseen == set(), "is no exception any more"


def test_every_kind_of_job_has_its_right() -> None:
    assert set(ACTIONS) <= set(HANDLERS)
    by_training = set(HANDLERS) - set(ACTIONS)
    assert by_training == {
        "train",
        "experiment",
        "tuning",
        "score",
        "read_images",
        "read_attributes",
        "find_label_issues",
    }, "a kind of job that is no training's business has its line in core/jobs/rights.py"


ASKING = [function for function in ways_in() if function.full_name in authorized() - set(ASKS_LATER)]


@pytest.fixture(scope="module")
def somewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """An empty database that nobody may write to."""
    runtime = open_runtime(Settings(data_dir=tmp_path_factory.mktemp("forbidden")))
    yield runtime
    runtime.close()


@pytest.mark.parametrize("function", ASKING, ids=lambda function: function.full_name.removeprefix("core."))
def test_without_the_right_it_is_forbidden(
    function: CoreFunction, somewhere: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = Actor(1, "nobody", Role.ANNOTATOR)
    with monkeypatch.context() as patched:
        patched.setattr(permissions, "ALLOWED", {role: set() for role in Role})
        _refused(function, somewhere, nobody)
    if function.action is not None:
        for role in Role:
            if not may(Actor(1, "x", role), Action[function.action]):
                _refused(function, somewhere, Actor(1, "x", role))


def _refused(function: CoreFunction, runtime: Runtime, actor: Actor) -> None:
    called = _find(function)
    given = _arguments(called, runtime, actor)
    with pytest.raises(Forbidden):
        list(called(**given)) if inspect.isgeneratorfunction(called) else called(**given)


def _find(function: CoreFunction) -> Callable[..., Any]:
    found: Any = import_module(function.module)
    for part in function.name.split("."):
        found = getattr(found, part)
    return typing.cast("Callable[..., Any]", found)


def _arguments(called: Callable[..., Any], runtime: Runtime, actor: Actor) -> dict[str, Any]:
    """Something for everything that has no default: a right is asked for before anything else is looked at."""
    hints = typing.get_type_hints(called)
    known = {"runtime": runtime, "actor": actor}
    return {
        name: known[name] if name in known else _some(hints.get(name))
        for name, parameter in inspect.signature(called).parameters.items()
        if parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }


def _some(kind: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _some(typing.get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    if kind in (int, float, str, bytes, bool):
        return kind()
    if origin in (list, dict, set, tuple):
        return origin()
    return Path("nowhere") if kind is Path else types.SimpleNamespace()


def test_the_table_of_rights_reads_as_people_expect() -> None:
    assert set(ALLOWED) == set(Role)
    for role in Role:
        assert ALLOWED[role] <= ALLOWED[Role.ADMIN]
        assert ALLOWED[Role.ANNOTATOR] <= ALLOWED[role]
    who_may = {action: {role for role in Role if action in ALLOWED[role]} for action in Action}
    assert who_may[Action.SEE_PEOPLE] == {Role.REVIEWER, Role.ADMIN}
    assert who_may[Action.MANAGE_PEOPLE] == {Role.ADMIN}
    assert who_may[Action.SEE_AUDIT] == {Role.OPERATOR, Role.ADMIN}
    assert who_may[Action.SEE_ANALYSIS] == set(Role) - {Role.ANNOTATOR}
    assert who_may[Action.REVIEW] == {Role.REVIEWER, Role.OPERATOR, Role.ADMIN}
