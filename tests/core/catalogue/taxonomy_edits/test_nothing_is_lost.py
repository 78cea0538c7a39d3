"""No sequence of acts ever loses or doubles a label: drawn at random, checked after each step, undone in the end."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.catalogue.product_writer import ProductWriter
from core.catalogue.rows import Draft
from core.catalogue.taxonomy import load_categories
from core.catalogue.taxonomy_edits.acts import (
    NewLeaf,
    add_category,
    merge_categories,
    move_category,
    rename_category,
    retire_category,
    split_category,
    undo_edit,
)
from core.errors import AppError
from core.labeling.decisions import undo_decision
from core.labeling.settling import settle, undo_settlement
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from core.types import Actor, utc_now
from db.tables import Base
from tests.core.catalogue.taxonomy_edits.trees import (
    PATHS,
    TITLES,
    check_nothing_lost,
    decide,
    edits_in_force,
    fill_shop,
    labels_now,
)

NAMES = st.sampled_from(["바지", "셔츠", "새것", "other", "jeans"])
NUMBER = st.integers(0, 1_000)
STEP = st.one_of(
    st.tuples(st.just("add"), NUMBER, NAMES),
    st.tuples(st.just("rename"), NUMBER, NAMES),
    st.tuples(st.just("move"), NUMBER, NUMBER),
    st.tuples(st.just("merge"), NUMBER, NUMBER),
    st.tuples(st.just("merge"), NUMBER, NUMBER),
    st.tuples(st.just("split"), NUMBER, st.booleans(), NAMES),
    st.tuples(st.just("retire"), NUMBER, st.one_of(st.none(), NUMBER)),
    st.tuples(st.just("undo edit"), st.integers(0, 3)),
    st.tuples(st.just("decide"), NUMBER, NUMBER),
    st.tuples(st.just("cannot tell"), NUMBER),
    st.tuples(st.just("undo decision"), NUMBER),
    st.tuples(st.just("settle"), NUMBER, NUMBER),
    st.tuples(st.just("undo settling"), NUMBER),
    st.tuples(st.just("import"), NUMBER, st.sampled_from(PATHS)),
)
SEQUENCES = st.lists(STEP, min_size=1, max_size=14)


class World:
    """A shop to which steps are done; what the house refuses with a reason counts as done."""

    def __init__(self, runtime: Runtime, actor: Actor) -> None:
        self.runtime, self.actor = runtime, actor
        self.shop = fill_shop(runtime)
        self.begun = labels_now(runtime)
        self.decisions: list[int] = []
        self.settled: list[int] = []
        self.has_imported = False
        self.seen: dict[int, tuple[int, int, str]] = {}

    def do(self, step: tuple) -> None:  # type: ignore[type-arg]
        with suppress(AppError):  # refused; nothing may have changed, which the check sees
            getattr(self, step[0].replace(" ", "_").replace("import", "bring_in"))(*step[1:])
        check_nothing_lost(self.runtime, self.seen, self.has_imported)

    def _node(self, number: int) -> int:
        nodes = sorted(id_ for id_, node in load_categories(self.runtime).items() if node.retired_at is None)
        return nodes[number % len(nodes)]

    def _leaf(self, number: int) -> int:
        """Any leaf, now and then a retired one: that must be refused."""
        leaves = sorted(
            id_
            for id_, node in load_categories(self.runtime).items()
            if node.is_leaf and (node.retired_at is None or number % 7 == 0)
        )
        return leaves[number % len(leaves)]

    def _product(self, number: int) -> int:
        return self.shop.products[number % len(self.shop.products)]

    def add(self, parent: int, name: str) -> None:
        add_category(self.runtime, self.actor, self._node(parent), name)

    def rename(self, node: int, name: str) -> None:
        rename_category(self.runtime, self.actor, self._node(node), name)

    def move(self, node: int, parent: int) -> None:
        move_category(self.runtime, self.actor, self._node(node), self._node(parent) if parent % 5 else None)

    def merge(self, one: int, into: int) -> None:
        merge_categories(self.runtime, self.actor, self._node(one), self._node(into), reason="x")

    def split(self, leaf: int, below: bool, name: str) -> None:
        parts = [
            NewLeaf(name, ("jeans", "청바지")),
            NewLeaf("boots", ("boots", "모자")),
            NewLeaf("rest", is_default=True),
        ]
        split_category(self.runtime, self.actor, self._leaf(leaf), parts, below, reason="x")

    def retire(self, node: int, into: int | None) -> None:
        target = None if into is None else self._leaf(into)
        retire_category(self.runtime, self.actor, self._node(node), target, reason="x")

    def undo_edit(self, back: int) -> None:
        edits = edits_in_force(self.runtime)
        if edits:
            undo_edit(self.runtime, self.actor, edits[back % len(edits)])

    def decide(self, product: int, leaf: int) -> None:
        self.decisions.append(decide(self.runtime, self.actor, self._product(product), self._leaf(leaf)))

    def cannot_tell(self, product: int) -> None:
        self.decisions.append(decide(self.runtime, self.actor, self._product(product), None))

    def undo_decision(self, number: int) -> None:
        if self.decisions:
            id_ = self.decisions.pop(number % len(self.decisions))
            undo_decision(self.runtime, self.actor, id_, uuid.uuid4().hex)

    def settle(self, product: int, leaf: int) -> None:
        key = uuid.uuid4().hex
        self.settled.append(settle(self.runtime, self.actor, self._product(product), self._leaf(leaf), key).id)

    def undo_settling(self, number: int) -> None:
        if self.settled:
            undo_settlement(self.runtime, self.actor, self.settled.pop(number % len(self.settled)), uuid.uuid4().hex)

    def bring_in(self, product: int, path: tuple[str, ...]) -> None:
        number = product % len(self.shop.products)
        writer = ProductWriter("shop", ["title", "category"])
        rest = dict.fromkeys(("brand", "mall", "mall_category", "price", "image", "registered_at"))
        draft = Draft(1, f"p{number}", f"{product}{path}", TITLES[product % 5], category=path, **rest)
        with self.runtime.sessions.write() as session:
            writer.write(session, [draft], utc_now())
        self.has_imported = True

    def undo_everything(self) -> None:
        while self.settled:
            self.do(("undo settling", 0))
        while self.decisions:
            self.do(("undo decision", 0))
        for _ in range(len(edits_in_force(self.runtime))):  # the newest first, what stands in the way next time
            for edit_id in edits_in_force(self.runtime):
                try:
                    undo_edit(self.runtime, self.actor, edit_id)
                except AppError:
                    assert self.has_imported, "only files stand in the way: they cannot be taken back"
                check_nothing_lost(self.runtime, self.seen, self.has_imported)
        if not self.has_imported:
            assert labels_now(self.runtime) == self.begun
            assert {node.path for node in load_categories(self.runtime).values() if node.retired_at is None} == {
                "옷", "신발", *(" > ".join(path) for path in PATHS),
            }  # fmt: skip


def live(runtime: Runtime, actor: Actor, steps: list[tuple]) -> None:  # type: ignore[type-arg]
    world = World(runtime, actor)
    for step in steps:
        world.do(step)
    world.undo_everything()


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps=SEQUENCES)
def test_no_sequence_of_acts_loses_or_doubles_a_label(
    steps: list[tuple], tmp_path_factory: pytest.TempPathFactory
) -> None:  # type: ignore[type-arg]
    with opened_copy(tmp_path_factory) as runtime:
        live(runtime, sign_in_local(runtime, "tester"), steps)


@settings(
    max_examples=4, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(steps=SEQUENCES)
def test_nor_on_postgresql(steps: list[tuple], postgres_emptied: str, tmp_path_factory: pytest.TempPathFactory) -> None:  # type: ignore[type-arg]
    runtime = open_runtime(Settings(data_dir=tmp_path_factory.mktemp("data"), database_url=postgres_emptied))
    try:
        with runtime.sessions.write() as session:
            tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
            session.execute(sa.text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
        live(runtime, sign_in_local(runtime, "tester"), steps)
    finally:
        runtime.close()


@contextmanager
def opened_copy(factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A runtime on a copy of an empty database: making the tables takes longer than living a life in them."""
    folder = factory.mktemp("data")
    shutil.copy(_empty(factory.getbasetemp()), folder / "shelfwright.db")
    runtime = open_runtime(Settings(data_dir=folder), migrate=False)
    yield runtime
    runtime.close()
    shutil.rmtree(folder)


@cache
def _empty(base: Path) -> Path:
    runtime = open_runtime(Settings(data_dir=base / "empty"))
    runtime.close()
    return base / "empty" / "shelfwright.db"
