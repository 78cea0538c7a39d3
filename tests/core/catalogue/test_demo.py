"""The demo catalogue: what it holds, what is planted in it, and who may not look."""

import re
from collections import Counter, defaultdict
from dataclasses import astuple
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image

from core.catalogue.demo import (
    DemoSummary,
    Planted,
    demo_summary,
    is_demo,
    load_demo,
    planted_found,
)
from core.catalogue.demo.drawing import SIDE, draw, draw_images, load_shapes
from core.catalogue.demo.making import DemoProduct, make_products
from core.catalogue.demo.malls import MALLS
from core.catalogue.demo.seasons import KOREA
from core.catalogue.demo.tree import load_tree
from core.catalogue.images import load_thumbnail
from core.catalogue.products import ProductFilter
from core.catalogue.taxonomy import load_categories
from core.errors import Conflict, Forbidden, InvalidInput, NotReady
from core.labeling.campaigns import create_campaign
from core.labeling.decisions import Decision, record_decision, undo_decision
from core.labeling.queue import claim_task
from core.people import sign_in_local
from core.runtime import Runtime
from core.settings import ROOT
from core.types import Actor
from db.enums import CampaignKind, DecisionKind, LabelSource, Role
from db.people import get_revisions
from db.tables import DemoTruthRow, LabelRow, MallRow, ProductRow

FEW = 400  # enough for what touches a database


@pytest.fixture(scope="module")
def products() -> list[DemoProduct]:
    return make_products()


@pytest.fixture
def loaded(runtime: Runtime, actor: Actor) -> DemoSummary:
    return load_demo(runtime, actor, FEW)


# --- the tree


def test_the_tree_has_over_150_leaves_on_up_to_four_levels() -> None:
    leaves = load_tree().leaves
    assert len(leaves) >= 150
    assert max(len(leaf.path) for leaf in leaves) == 4
    assert all(len(leaf.path) == len(leaf.path_en) for leaf in leaves)
    inner = {leaf.path[:depth] for leaf in leaves for depth in range(1, len(leaf.path))}
    assert not inner & {leaf.path for leaf in leaves}


def test_a_node_has_one_english_name_and_siblings_have_different_ones() -> None:
    english = defaultdict(set)
    for leaf in load_tree().leaves:
        for depth in range(1, len(leaf.path) + 1):
            english[leaf.path[:depth]].add(leaf.path_en[:depth])
    assert [path for path, names in english.items() if len(names) > 1] == []
    assert len({names for one in english.values() for names in one}) == len(english)


def test_trousers_stand_under_six_parents() -> None:
    parents = {leaf.path[:-1] for leaf in load_tree().leaves if leaf.name == "바지"}
    assert len(parents) == 6
    assert "바지" in load_tree().ambiguous_names


def test_catch_all_leaves_and_guidelines_are_there() -> None:
    leaves = load_tree().leaves
    assert len([leaf for leaf in leaves if leaf.is_catch_all]) >= 8
    assert len([leaf for leaf in leaves if leaf.guidelines]) >= 5
    assert all("기타" in leaf.name for leaf in leaves if leaf.is_catch_all)


def test_every_leaf_can_be_told_worded_and_drawn() -> None:
    for leaf in load_tree().leaves:
        assert leaf.shape in load_shapes(), leaf
        assert len(leaf.nouns) >= 3, leaf
        assert len(leaf.words) >= 4, leaf
        assert leaf.price[0] < leaf.price[1], leaf


# --- the products


def test_sizes_have_a_long_tail(products: list[DemoProduct]) -> None:
    sizes = Counter(product.truth for product in products)
    assert len(products) == 6_000
    assert len(sizes) == len(load_tree().leaves)
    assert min(sizes.values()) == 3
    assert 150 <= max(sizes.values()) <= 260
    assert sum(size < 10 for size in sizes.values()) >= 30


def test_twelve_in_a_hundred_labels_are_wrong_and_only_those(products: list[DemoProduct]) -> None:
    wrong = [product for product in products if product.label != product.truth]
    assert wrong == [product for product in products if product.planted == Planted.WRONG_LABEL]
    assert len(wrong) / len(products) == pytest.approx(0.12, abs=0.005)
    tree = load_tree()
    near = sum(product.label in tree.at(product.truth).like for product in wrong)
    to_other = sum(tree.at(product.label).is_catch_all for product in wrong)
    assert near / len(wrong) > 0.65  # mostly between leaves that are mistaken for each other
    assert to_other / len(wrong) > 0.1


def test_every_kind_of_difficulty_is_planted(products: list[DemoProduct]) -> None:
    counts = Counter(product.planted for product in products)
    assert all(counts[kind] >= 60 for kind in Planted)
    assert counts[None] > 0.6 * len(products)
    unreliable = {mall.name for mall in MALLS if mall.is_unreliable}
    assert {p.mall for p in products if p.planted == Planted.UNRELIABLE_MALL} == unreliable
    families = {p.truth[-1] for p in products if p.planted == Planted.AMBIGUOUS}
    assert "바지" in families
    assert len({p.truth for p in products if p.planted == Planted.AMBIGUOUS and p.truth[-1] == "바지"}) == 6
    assert all(load_tree().at(p.truth).is_catch_all for p in products if p.planted == Planted.CATCH_ALL)


def test_five_malls_have_their_own_category_words(products: list[DemoProduct]) -> None:
    words = defaultdict(set)
    for product in products:
        words[product.mall].add(product.mall_category)
    assert len(words) == 5
    assert all(None in own and len(own) > 20 for own in words.values())
    # two malls that write honestly share next to nothing
    assert len(words["다담몰"] & words["스타일나루"] - {None}) == 0


def test_months_are_24_and_seasons_show(products: list[DemoProduct]) -> None:
    local = [product.registered_at.astimezone(KOREA) for product in products]
    assert len({(moment.year, moment.month) for moment in local}) == 24
    assert local == sorted(local)

    def share(name: str, months: set[int]) -> float:
        those = [
            moment.month in months for product, moment in zip(products, local, strict=True) if product.truth[-1] == name
        ]
        return sum(those) / len(those)

    assert share("패딩", {10, 11, 12, 1}) > 0.7
    assert share("선크림", {5, 6, 7}) > 0.5
    assert share("패딩", {6, 7, 8}) < 0.1


def test_titles_are_short_clean_and_slip_as_real_ones_do(products: list[DemoProduct]) -> None:
    titles = [product.title for product in products]
    assert all(1 < len(title) <= 100 and title == " ".join(title.split()) and title.isprintable() for title in titles)
    assert len(set(titles)) > 0.97 * len(titles)
    share = {
        text: sum(text in title for title in titles) / len(titles) for text in ("무료배송", "정품", "여성", "남성")
    }
    assert all(0.01 < value < 0.2 for value in share.values())
    assert any(re.search("[A-Z]{2,}-?[0-9]{2,}", title) for title in titles)  # model codes
    assert 0.2 < sum(product.brand is not None for product in products) / len(products) < 0.5


def test_prices_suit_the_leaf(products: list[DemoProduct]) -> None:
    for product in products:
        if product.price is not None:
            low, high = load_tree().at(product.truth).price
            assert 1000 * low - 1000 <= product.price <= 1000 * high + 1000, product


def test_one_in_ten_has_no_image(products: list[DemoProduct]) -> None:
    assert sum(product.image is None for product in products) == 600


def test_the_same_seed_makes_the_same_catalogue_byte_for_byte(products: list[DemoProduct]) -> None:
    again = make_products()
    assert "\n".join(map(repr, map(astuple, again))).encode() == "\n".join(map(repr, map(astuple, products))).encode()
    assert make_products(seed=1)[:50] != products[:50]


def test_a_small_demo_has_the_same_shares() -> None:
    small = make_products(FEW)
    assert len(small) == FEW
    assert sum(product.label != product.truth for product in small) == round(0.12 * FEW)


# --- the images


def test_images_are_small_valid_and_stay_the_same(tmp_path: Path, products: list[DemoProduct]) -> None:
    some = products[:300]
    assert list(draw_images(tmp_path, some))[-1] == sum(product.image is not None for product in some)
    files = sorted(tmp_path.rglob("*.*"))
    assert [str(file.relative_to(tmp_path)) for file in files] == sorted(p.image for p in some if p.image)
    for file in files:
        with Image.open(file) as image:
            image.load()
            assert (image.format, image.size) == ("JPEG", (SIDE, SIDE))
        assert 500 < file.stat().st_size < 20_000
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in files}
    files[0].unlink()
    assert list(draw_images(tmp_path, some)) == [1]  # only what is missing
    assert {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in files[1:]} == {
        f: before[f] for f in files[1:]
    }
    assert files[0].read_bytes() == before[files[0]][1]


def test_images_differ_by_leaf_and_by_colour(products: list[DemoProduct]) -> None:
    one_of_each = {product.truth: product for product in products}
    pictures = {draw(product).tobytes() for product in list(one_of_each.values())[:60]}
    assert len(pictures) == 60


# --- loading


def test_loading_fills_an_empty_catalogue(runtime: Runtime, actor: Actor, loaded: DemoSummary) -> None:
    assert (loaded.n_products, loaded.n_added, loaded.n_malls) == (FEW, FEW, 5)
    assert loaded.n_wrong_labels == round(0.12 * FEW)
    assert is_demo(runtime)
    counts = demo_summary(runtime)
    assert counts.n_products == FEW
    assert counts.planted[Planted.WRONG_LABEL] == loaded.n_wrong_labels
    categories = load_categories(runtime).values()
    assert max(category.depth for category in categories) == 4
    assert all(category.name_en for category in categories)
    assert sum(category.is_catch_all for category in categories) >= 8
    assert all(category.is_leaf for category in categories if category.is_catch_all)
    assert any(category.guidelines for category in categories)
    with runtime.sessions.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(MallRow)) == 5
        rows = session.scalars(sa.select(ProductRow)).all()
    assert {row.source for row in rows} == {"demo"}
    assert {row.label_source for row in rows} == {LabelSource.IMPORT}
    pictured = [row for row in rows if row.image]
    assert len(pictured) == loaded.n_images == round(0.9 * FEW)
    assert all((runtime.data_dir / "images" / str(row.image)).is_file() for row in pictured)
    assert load_thumbnail(runtime, pictured[0].image, 96)


def test_the_catalogue_itself_does_not_give_the_truth_away(runtime: Runtime, loaded: DemoSummary) -> None:
    with runtime.sessions.read() as session:
        truth = {row.product_id: row for row in session.scalars(sa.select(DemoTruthRow))}
        labels = session.scalars(sa.select(LabelRow)).all()
        rows = session.scalars(sa.select(ProductRow)).all()
    assert len(labels) == len(rows) == len(truth) == FEW
    given = [(label.product_id, label.category_id) for label in labels] + [(row.id, row.category_id) for row in rows]
    for product_id, category_id in given:
        is_wrong = truth[product_id].planted == Planted.WRONG_LABEL
        assert (category_id != truth[product_id].category_id) == is_wrong
    order = [truth[row.id].planted == Planted.WRONG_LABEL for row in rows]
    assert order != sorted(order)
    told = " ".join(f"{row.external_id} {row.title} {row.image}" for row in rows)
    assert not any(kind in told for kind in Planted)


def test_a_second_load_adds_and_changes_nothing(runtime: Runtime, actor: Actor, loaded: DemoSummary) -> None:
    with runtime.sessions.read() as session:
        before = get_revisions(session, "products", "labels", "taxonomy")
    again = load_demo(runtime, actor, FEW)
    assert (again.n_added, again.n_products) == (0, FEW)
    with runtime.sessions.read() as session:
        assert get_revisions(session, "products", "labels", "taxonomy") == before
        assert session.scalar(sa.select(sa.func.count()).select_from(ProductRow)) == FEW
        assert session.scalar(sa.select(sa.func.count()).select_from(LabelRow)) == FEW


def test_another_demo_or_own_products_stop_it_unless_forced(
    runtime: Runtime, actor: Actor, loaded: DemoSummary
) -> None:
    with pytest.raises(Conflict, match="another size or seed"):
        load_demo(runtime, actor, FEW + 1)
    with runtime.sessions.write() as session:
        session.execute(sa.update(ProductRow).where(ProductRow.id == 1).values(source="우리몰"))
    with pytest.raises(Conflict, match="우리몰"):
        load_demo(runtime, actor, FEW)
    assert load_demo(runtime, actor, 20, force=True).n_added == 20


def test_a_planted_error_counts_as_found_when_a_person_sets_it_right(
    runtime: Runtime, actor: Actor, loaded: DemoSummary
) -> None:
    assert planted_found(runtime) == (0, loaded.n_wrong_labels)
    campaign = create_campaign(runtime, actor, "all", CampaignKind.RANDOM, ProductFilter(source="demo"))
    with runtime.sessions.read() as session:
        truth = {row.product_id: row for row in session.scalars(sa.select(DemoTruthRow))}
    decided: list[Decision] = []
    while len(decided) < 2:
        task = claim_task(runtime, actor, campaign.id)
        assert task
        row = truth[task.product_id]
        right, key = row.category_id, f"key-{task.id}"
        decision = record_decision(runtime, actor, task.id, DecisionKind.LABEL, right, key)
        if row.planted == Planted.WRONG_LABEL:
            decided.append(decision)
    assert planted_found(runtime) == (2, loaded.n_wrong_labels)
    undo_decision(runtime, actor, decided[0].id, "undo")
    assert planted_found(runtime) == (1, loaded.n_wrong_labels)


def test_an_empty_catalogue_is_no_demo(sqlite_runtime: Runtime) -> None:
    assert not is_demo(sqlite_runtime)
    assert planted_found(sqlite_runtime) == (0, 0)
    assert demo_summary(sqlite_runtime).n_products == 0


def test_progress_rises_to_one(sqlite_runtime: Runtime, actor: Actor) -> None:
    heard: list[tuple[float, str]] = []
    load_demo(sqlite_runtime, actor, 300, on_progress=lambda fraction, stage: heard.append((fraction, stage)))
    fractions = [fraction for fraction, _ in heard]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)


def test_only_who_may_import_loads_it(sqlite_runtime: Runtime) -> None:
    with pytest.raises(Forbidden):
        load_demo(sqlite_runtime, sign_in_local(sqlite_runtime, "Anna", Role.ANNOTATOR), 20)


@pytest.mark.parametrize("n_products", [0, 9, 1_000_000])
def test_an_impossible_size_is_refused(sqlite_runtime: Runtime, actor: Actor, n_products: int) -> None:
    with pytest.raises(InvalidInput, match="10 to 100,000"):
        load_demo(sqlite_runtime, actor, n_products)


def test_an_image_folder_that_cannot_be_written_is_a_clear_error_and_no_half_catalogue(
    sqlite_runtime: Runtime, actor: Actor
) -> None:
    (sqlite_runtime.data_dir / "images").write_text("a file where a folder should be")
    with pytest.raises(NotReady, match="demo images cannot be written"):
        load_demo(sqlite_runtime, actor, 20)
    assert not is_demo(sqlite_runtime)


# --- who may not look


def test_no_other_code_names_the_planted_truth() -> None:
    """Above all nothing under core/training, core/serving and models: a model that saw the answers proves nothing.

    Benches measure against it; the demo's simulated annotators err around it.
    """
    allowed = {"db/demo.py", "db/tables/__init__.py", "db/tables/catalogue.py"}
    allowed |= {"db/simulated_crowd.py", "core/labeling/simulated_crowd.py"}
    naming = re.compile(r"DemoTruthRow|demo_truths|db\.demo\b|from db import [^\n]*\bdemo\b|make_products")
    found = {
        str(path.relative_to(ROOT))
        for folder in ("core", "db", "models", "pages", "commands")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts and naming.search(path.read_text("utf-8"))
    }
    assert {path for path in found - allowed if not path.startswith("core/catalogue/demo/")} == set()
