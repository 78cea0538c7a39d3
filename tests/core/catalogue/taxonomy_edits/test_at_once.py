"""People decide while the tree is edited: a decision lands before and is carried, or is refused with the reason."""

import threading

from core.catalogue.taxonomy_edits.acts import merge_categories, rename_category
from core.errors import UnknownCategory
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor
from tests.core.catalogue.taxonomy_edits.trees import check_nothing_lost, decide, fill_shop, labels_now


def test_decisions_into_a_category_while_it_is_merged(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime, 60)
    trousers, shirts = shop.leaves[:2]
    people = [sign_in_local(runtime, name) for name in ("ann", "ben")]
    landed: list[int] = []
    refused: list[str] = []
    troubles: list[BaseException] = []
    has_begun = threading.Barrier(3)

    def label(person: Actor, products: list[int]) -> None:
        has_begun.wait()
        for product in products:
            try:
                decide(runtime, person, product, trousers)
                landed.append(product)
            except UnknownCategory as error:
                refused.append(str(error))
            except BaseException as error:
                troubles.append(error)
                raise

    threads = [threading.Thread(target=label, args=(person, shop.products[i::2])) for i, person in enumerate(people)]
    for thread in threads:
        thread.start()
    has_begun.wait()
    while not landed and not troubles:
        threading.Event().wait(0.005)
    merge_categories(runtime, actor, trousers, shirts, reason="while they work")
    for thread in threads:
        thread.join()
    assert not troubles
    check_nothing_lost(runtime, {})
    assert landed
    assert refused
    assert set(refused) == {"'옷 > 바지' was merged into '옷 > 셔츠': choose that."}
    assert {labels_now(runtime)[product] for product in landed} == {(shirts, "human")}
    assert len(landed) + len(refused) == 60


def test_two_editors_at_once(runtime: Runtime, actor: Actor) -> None:
    shop = fill_shop(runtime)
    done: list[str] = []

    def rename(names: list[str]) -> None:
        for name in names:
            rename_category(runtime, actor, shop.clothes, name)
            done.append(name)

    threads = [threading.Thread(target=rename, args=([f"{i} {n}" for n in range(8)],)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 16
    check_nothing_lost(runtime, {})
