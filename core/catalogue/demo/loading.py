"""Puts the demo catalogue into the database, and says what of it was found out since."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

from sqlalchemy.orm import Session

from core.catalogue.demo.drawing import draw_images
from core.catalogue.demo.making import N_PRODUCTS, SEED, DemoProduct, make_products
from core.catalogue.demo.planting import Planted
from core.catalogue.demo.tree import Words, load_tree
from core.catalogue.product_writer import FIELD_OF, ProductWriter
from core.catalogue.rows import Draft
from core.catalogue.taxonomy import ensure_categories
from core.disk import room_on_disk
from core.errors import N_, Conflict, InvalidInput, NotReady
from core.patience import patiently
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import demo
from db.categories import lock_tree
from db.people import add_audit, raise_revision
from db.product_upserts import has_products

SOURCE = "demo"
FEWEST, MOST = 10, 100_000

OnDemoProgress = Callable[[float, str], None]


@dataclass(frozen=True)
class DemoSummary:
    """What `load_demo` made. `n_added` is 0 when all of it was there already."""

    n_products: int
    n_leaves: int  # that hold products
    n_malls: int
    n_wrong_labels: int
    n_images: int
    n_added: int
    seconds: float


@dataclass(frozen=True)
class DemoCounts:
    """What the catalogue holds of the demo, and what was planted in it, by kind."""

    n_products: int
    planted: dict[Planted, int] = field(default_factory=dict)


def load_demo(
    runtime: Runtime,
    actor: Actor,
    n_products: int = N_PRODUCTS,
    seed: int = SEED,
    on_progress: OnDemoProgress | None = None,
    force: bool = False,
) -> DemoSummary:
    """Make the demo catalogue: categories, products, images. A second time adds nothing and changes no decision.

    `on_progress(fraction 0..1, stage)` hears how far it is. Raises Forbidden; InvalidInput for a size out of
    range; Conflict when the catalogue holds other products (`force` mixes them); NotReady when images cannot be
    written. Images come first and the database in one transaction, so that a kill leaves no half catalogue.
    """
    authorize(actor, Action.IMPORT)
    authorize(actor, Action.EDIT_TAXONOMY)
    if not FEWEST <= n_products <= MOST:
        raise InvalidInput(N_("The demo has {low} to {high:,} products."), low=FEWEST, high=MOST)
    if not force:
        _refuse_strangers(runtime, f"{seed}-{n_products}-")
    started = time.monotonic()
    say = on_progress or (lambda fraction, stage: None)
    say(0.0, "writing titles")
    products = make_products(n_products, seed)
    say(0.1, "drawing images")
    _draw(runtime.data_dir / "images", products, say)
    say(0.85, "storing products")
    with room_on_disk(runtime.data_dir):
        n_added = patiently(lambda: _store(runtime, actor, products, seed))
    say(1.0, "done")
    return DemoSummary(
        n_products=len(products),
        n_leaves=len({product.truth for product in products}),
        n_malls=len({product.mall for product in products}),
        n_wrong_labels=sum(product.planted == Planted.WRONG_LABEL for product in products),
        n_images=sum(product.image is not None for product in products),
        n_added=n_added,
        seconds=round(time.monotonic() - started, 2),
    )


def is_demo(runtime: Runtime) -> bool:
    """Whether the catalogue holds demo products: pages that show them say 'demo data'."""
    with runtime.sessions.read() as session:
        return has_products(session, SOURCE)


def demo_summary(runtime: Runtime) -> DemoCounts:
    """How many demo products there are, and how many of each planted kind."""
    with runtime.sessions.read() as session:
        counts = demo.count_planted(session)
    planted = {kind: counts[kind] for kind in Planted if kind in counts}
    return DemoCounts(sum(counts.values()), planted)


def planted_found(runtime: Runtime) -> tuple[int, int]:
    """(found, all) planted wrong labels: found are those that a person has set right."""
    with runtime.sessions.read() as session:
        total = demo.count_planted(session).get(Planted.WRONG_LABEL, 0)
        return demo.count_found(session, Planted.WRONG_LABEL), total


def _refuse_strangers(runtime: Runtime, prefix: str) -> None:
    """Raise Conflict when the catalogue holds anything but this very demo."""
    with runtime.sessions.read() as session:
        others = [source for source in demo.list_sources(session) if source != SOURCE]
        another = any(not key.startswith(prefix) for key in demo.find_products(session, SOURCE))
    if others:
        raise Conflict(
            N_("The catalogue already holds products of '{source}'. Demo data is for an empty catalogue."),
            source=others[0],
        )
    if another:
        raise Conflict(N_("The catalogue already holds demo data of another size or seed."))


def _draw(folder: Path, products: list[DemoProduct], say: Callable[[float, str], None]) -> None:
    try:
        for n_drawn in draw_images(folder, products):
            say(0.1 + 0.75 * n_drawn / len(products), "drawing images")
    except OSError as error:
        raise NotReady(
            N_("The demo images cannot be written to {folder}: {reason}"), folder=folder, reason=error.strerror
        ) from error


def _store(runtime: Runtime, actor: Actor, products: Sequence[DemoProduct], seed: int) -> int:
    """Categories, products, labels and truths in one transaction; returns how many products are new."""
    now = utc_now()
    with runtime.sessions.write() as session:
        lock_tree(session)  # of two loads at once the second finds all there
        known = demo.find_products(session, SOURCE)
        new = [product for product in products if product.external_id not in known]
        if not new:
            return 0
        categories = _grow_tree(session, now)
        ProductWriter(SOURCE, FIELD_OF.values()).write(session, [_draft(product) for product in new], now)
        ids = demo.find_products(session, SOURCE)
        demo.insert_truths(
            session,
            [
                {
                    "product_id": ids[product.external_id],
                    "category_id": categories[product.truth],
                    "planted": product.planted.value if product.planted else None,
                }
                for product in new
            ],
        )
        add_audit(session, now, actor.person_id, "load_demo", "product", after={"added": len(new), "seed": seed})
        raise_revision(session, "labels", "products", "taxonomy")
    return len(new)


def _grow_tree(session: Session, now: datetime) -> dict[Words, int]:
    """The id of each leaf; catch-alls are marked, and confusable leaves get guidelines."""
    leaves = load_tree().leaves
    paths = [leaf.path for leaf in leaves]
    ids = ensure_categories(session, paths, now, names_en={leaf.path: leaf.path_en for leaf in leaves})
    demo.mark_catch_alls(session, [ids[leaf.path] for leaf in leaves if leaf.is_catch_all])
    demo.fill_guidelines(session, {ids[leaf.path]: leaf.guidelines for leaf in leaves if leaf.guidelines})
    return ids


def _draft(product: DemoProduct) -> Draft:
    """The product as the importer writes one; what is planted in it is not part of it."""
    price = None if product.price is None else Decimal(product.price)
    content = (
        product.title,
        product.brand,
        product.mall,
        product.mall_category,
        price,
        product.image,
        product.registered_at.isoformat(),
        product.label,
    )
    return Draft(
        line=0,
        key=product.external_id,
        content_hash=blake2b(repr(content).encode(), digest_size=16).hexdigest(),
        title=product.title,
        brand=product.brand,
        mall=product.mall,
        mall_category=product.mall_category,
        price=price,
        image=product.image,
        registered_at=product.registered_at,
        category=product.label,
    )
