"""Gold products with given blind votes and answers, written as rows."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from core.catalogue.taxonomy import ensure_categories
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import DecisionKind, Fold, LabelSource, ModelStatus, Role
from db.people import raise_revision
from db.tables import DecisionRow, ModelVersionRow, PredictionRow, ProductRow, ProductSplitRow, PromotionRow

TREE = [("의류", "바지"), ("의류", "치마"), ("의류", "셔츠"), ("가전", "청소기"), ("가전", "선풍기")]


@dataclass
class Case:
    """One product. `gold` none: not settled. A vote of None is 'cannot tell'; votes are by person 0, 1, 2 ..."""

    gold: int | None
    votes: Sequence[int | None] = ()
    answer: int | None = None
    fold: int | None = Fold.TEST
    settled_by: int | None = None  # a voter; none: the reviewer
    vote: dict[str, Any] = field(default_factory=dict)  # further columns of its votes
    batch: str | None = None  # of the settlement


@dataclass
class Shelf:
    """A tree of TREE (`leaf[name]`, `root[name]`), a promoted version, three annotators and a reviewer."""

    runtime: Runtime
    actor: Actor
    leaf: dict[str, int]
    root: dict[str, int]
    version_id: int
    people: list[Actor]
    reviewer: Actor

    def add(self, cases: Sequence[Case], second: int | None = None) -> list[int]:
        """Product ids, in the order of the cases. `second` is the version's second answer to all of them."""
        now, ids = utc_now(), []
        with self.runtime.sessions.write() as session:
            rows = [_product(case, now) for case in cases]
            session.add_all(rows)
            session.flush()
            ids = [row.id for row in rows]
            for case, product_id in zip(cases, ids, strict=True):
                session.add_all(self._rows(case, product_id, now))
            answers = [
                (case.answer, product_id)
                for case, product_id in zip(cases, ids, strict=True)
                if case.answer is not None
            ]
            session.add_all(_prediction(self.version_id, product_id, answer, second) for answer, product_id in answers)
            raise_revision(session, "labels", "products", "predictions")
        return ids

    def _rows(self, case: Case, product_id: int, now: Any) -> list[Any]:
        rows: list[Any] = []
        if case.fold is not None:
            rows.append(ProductSplitRow(product_id=product_id, group_key=str(product_id), fold=case.fold))
        for person, category in enumerate(case.votes):
            kind = DecisionKind.CANNOT_TELL if category is None else DecisionKind.LABEL
            values = {"is_blind": True, "person_id": self.people[person].person_id} | case.vote
            rows.append(_decision(product_id, kind, category, now, **values))
        if case.gold is not None:
            settler = self.reviewer if case.settled_by is None else self.people[case.settled_by]
            values = {"person_id": settler.person_id, "batch_key": case.batch}
            rows.append(_decision(product_id, DecisionKind.SETTLE, case.gold, now, **values))
        return rows

    def undo(self, decision_id: int) -> None:
        with self.runtime.sessions.write() as session:
            undone = session.get_one(DecisionRow, decision_id)
            values = {"person_id": undone.person_id, "undoes_id": decision_id}
            session.add(_decision(undone.product_id, DecisionKind.UNDO, None, utc_now(), **values))

    def decisions(self, product_id: int) -> list[int]:
        with self.runtime.sessions.read() as session:
            query = sa.select(DecisionRow.id).where(DecisionRow.product_id == product_id).order_by(DecisionRow.id)
            return list(session.scalars(query))

    def version(self) -> int:
        """A further version that answers nothing yet."""
        with self.runtime.sessions.write() as session:
            return add_version(session, self.actor)


def make_shelf(runtime: Runtime, actor: Actor, promoted: bool = True) -> Shelf:
    now = utc_now()
    with runtime.sessions.write() as session:
        ids = ensure_categories(session, TREE, now)
        roots = ensure_categories(session, [(root,) for root, _ in TREE], now)
        version_id = add_version(session, actor)
        if promoted:
            session.add(
                PromotionRow(model_version_id=version_id, person_id=actor.person_id, reason="test", created_at=now)
            )
        raise_revision(session, "models")
    return Shelf(
        runtime,
        actor,
        {path[1]: ids[path] for path in TREE},
        {path[0]: id_ for path, id_ in roots.items()},
        version_id,
        [sign_in_local(runtime, f"voter {n}", Role.ANNOTATOR) for n in range(3)],
        sign_in_local(runtime, "reviewer", Role.REVIEWER),
    )


def add_version(session: Any, actor: Actor) -> int:
    number = (session.scalar(sa.select(sa.func.max(ModelVersionRow.id))) or 0) + 1
    row = ModelVersionRow(
        id=number,
        name=f"v{number}",
        status=ModelStatus.READY,
        config={},
        seed=1,
        created_by=actor.person_id,
        created_at=utc_now(),
    )
    session.add(row)
    session.flush()
    return row.id


def _product(case: Case, now: Any) -> ProductRow:
    key = uuid.uuid4().hex
    return ProductRow(
        source="test",
        external_id=key,
        title=f"Product {key[:8]}",
        content_hash="",
        category_id=case.gold,
        label_source=LabelSource.GOLD if case.gold is not None else None,
        created_at=now,
        updated_at=now,
    )


def _decision(product_id: int, kind: DecisionKind, category: int | None, now: Any, **values: Any) -> DecisionRow:
    key = uuid.uuid4().hex
    return DecisionRow(
        idempotency_key=key, kind=kind, product_id=product_id, category_id=category, created_at=now, **values
    )


def _prediction(version_id: int, product_id: int, category: int, second: int | None) -> PredictionRow:
    return PredictionRow(
        model_version_id=version_id,
        product_id=product_id,
        category_id=category,
        confidence=0.8,
        margin=0.7,
        top=[[category, 0.8]] + ([[second, 0.1]] if second else []),
    )
