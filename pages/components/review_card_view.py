"""One disputed product: picture, votes with their notes, the model's view, and a key for each answer."""

from dataclasses import dataclass
from functools import partial

import streamlit as st

from core.catalogue.taxonomy import Category
from core.labeling.disputes import Dispute
from core.labeling.review_card import ReviewCard, ReviewVote
from core.labeling.settling import find_last_settlement
from db.enums import DecisionKind
from pages.components.card_view import category_path, date_text, price_text, tags_text
from pages.components.category_picker import category_picker
from pages.components.context import actor, runtime
from pages.components.numbers import time_text
from pages.components.product_card import product_facts, product_image, product_title
from pages.components.review_actions import note_key, pass_by, put_aside, settle_as, undo_last
from pages.components.suggestions import percent_text
from pages.components.words import _, escape, ngettext

MAX_KEYS = 9


@dataclass(frozen=True)
class Answer:
    """A category one key away. `n_votes` 0: only the model says it."""

    key: str | None  # '1'..'9'; none behind those
    category_id: int
    path: str
    n_votes: int
    confidence: float | None  # the model's, 0..1
    is_usable: bool


def list_answers(card: ReviewCard, categories: dict[int, Category]) -> list[Answer]:
    """What people said, the most frequent first, then what only the model says. Keys go to what can be given."""
    confidence = dict(card.suggestions)
    n_votes = dict(card.said)
    ids = [id_ for id_, _n in card.said] + [id_ for id_, _p in card.suggestions if id_ not in n_votes]
    found: list[Answer] = []
    for id_ in ids:
        category = categories.get(id_)
        if category is None:
            continue
        is_usable = category.is_leaf and category.retired_at is None
        n_keys = sum(answer.key is not None for answer in found)
        key = str(n_keys + 1) if is_usable and n_keys < MAX_KEYS else None
        found.append(Answer(key, id_, category_path(category), n_votes.get(id_, 0), confidence.get(id_), is_usable))
    return found


def review_card_view(card: ReviewCard, categories: dict[int, Category], dispute: Dispute) -> None:
    """The card with its buttons."""
    answers = list_answers(card, categories)
    side, main = st.columns([4, 9], gap="medium")
    with side:
        product_image(card.product.image)
        product_facts(_facts(card, categories))
    with main:
        product_title(card.product.title)
        people, model = st.columns(2, gap="medium")
        with people, st.container(key="review.people", gap="xxsmall"):
            heading = _("People say")
            st.markdown(f"**{heading}**")
            for answer in answers:
                if answer.n_votes:
                    _button(card, answer, _count_text(answer.n_votes))
        with model, st.container(key="review.model", gap="xxsmall"):
            name = card.model_version_name
            title = _("The model says ({version})").format(version=escape(name)) if name else _("The model says")
            st.markdown(f"**{title}**")
            _model_side(card, answers)
        _votes(card, categories)
        _consensus(dispute, categories)
        category_picker(f"review.picker.{card.token}", on_pick=partial(settle_as, card))
        _other_buttons(card, dispute)
        st.text_input(
            _("Note"),
            key=note_key(card),
            max_chars=1_000,
            placeholder=_("Why: kept with the settlement"),
            label_visibility="collapsed",
        )


def _facts(card: ReviewCard, categories: dict[int, Category]) -> tuple[tuple[str, str], ...]:
    product = card.product
    label = categories.get(product.category_id) if product.category_id is not None else None
    return (
        (_("Mall"), product.mall or "–"),
        (_("Mall category"), product.mall_category or "–"),
        (_("Brand"), product.brand or "–"),
        (_("Price"), price_text(product.price)),
        (_("Registered"), date_text(product.registered_at)),
        (_("Label now"), category_path(label) if label else _("none yet")),
        (_("Read from it"), tags_text(card.tags) or "–"),
    )


def _model_side(card: ReviewCard, answers: list[Answer]) -> None:
    """Its answers; those that people said as well have their button on the other side."""
    if not card.suggestions:
        st.caption(_("No model has scored this product yet."))
        return
    if card.is_hard_to_predict:
        st.caption(":material/help: " + _("hard to predict"))
    by_id = {answer.category_id: answer for answer in answers}
    for id_, confidence in card.suggestions:
        if id_ not in by_id:
            continue
        answer = by_id[id_]
        if answer.n_votes:
            hint = _("as people say")
            st.markdown(
                f"{escape(percent_text(confidence))}\u2002**{escape(answer.path)}** "
                f":gray[{escape(hint)}{_key_hint(answer)}]"
            )
        else:
            _button(card, answer, escape(percent_text(confidence)))


def _key_hint(answer: Answer) -> str:
    return f": {answer.key}" if answer.key else ""


def _count_text(n: int) -> str:
    return ngettext("{n} vote", "{n} votes", n).format(n=n)


def _button(card: ReviewCard, answer: Answer, lead: str) -> None:
    above, separator, leaf = answer.path.rpartition(" > ")
    st.button(
        f"{lead}\u2002{escape(above + separator)} **{escape(leaf)}**",
        key=f"review.take.{answer.category_id}.{card.token}",
        shortcut=answer.key,
        width="stretch",
        disabled=not answer.is_usable,
        on_click=settle_as,
        args=(card, answer.category_id),
    )


def _votes(card: ReviewCard, categories: dict[int, Category]) -> None:
    """Who said what, and why."""
    heads = (_("Who"), _("Said"), _("Note"), _("When"), _("Tree distance"))
    rows = [
        (
            escape(vote.person or _("Person {n}").format(n=place)),
            escape(said_text(vote, categories)),
            escape(vote.note or "–"),
            time_text(vote.at),
            f"{vote.apart:.2f}",
        )
        for place, vote in enumerate(card.votes, 1)
    ]
    lines = ["| " + " | ".join(cells) + " |" for cells in (heads, (":--", ":--", ":--", ":--", "--:"), *rows)]
    with st.container(key="review.votes", gap="xxsmall"):
        st.markdown("\n".join(lines))
        st.caption(_("Tree distance from the other votes: 0 is the same category, 1 another department."))


def _consensus(dispute: Dispute, categories: dict[int, Category]) -> None:
    """What the newest measurement makes of all votes; nothing where somebody voted since, or it is in use no more."""
    category = categories.get(dispute.consensus_id) if dispute.consensus_id is not None else None
    if category is None or category.retired_at is not None or not category.is_leaf:
        return
    text = _("All votes weighed, with the model's answer (CROWDLAB): {category}, {percent}")
    st.caption(text.format(category=escape(category_path(category)), percent=escape(percent_text(1 - dispute.doubt))))


def said_text(vote: ReviewVote, categories: dict[int, Category]) -> str:
    """The category's path, or what was said in its place."""
    if vote.kind == DecisionKind.CANNOT_TELL:
        return _("Cannot tell")
    if vote.kind == DecisionKind.BAD_LISTING:
        return _("Bad listing")
    category = categories.get(vote.category_id) if vote.category_id is not None else None
    return category_path(category) if category else "?"


def _other_buttons(card: ReviewCard, dispute: Dispute) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        _other(card, "later", _("Later"), "S", ":material/skip_next:", pass_by, (card.campaign_id, dispute.marker))
        aside = partial(put_aside, card)
        _other(card, "cannot_tell", _("Nobody can tell"), "F", ":material/help:", aside, (DecisionKind.CANNOT_TELL,))
        _other(card, "bad", _("Bad listing"), "B", ":material/flag:", aside, (DecisionKind.BAD_LISTING,))
        last = find_last_settlement(runtime(), actor())
        st.button(
            _("Undo"),
            key=f"review.undo.{last.id if last else 0}",
            shortcut="Z",
            icon=":material/undo:",
            disabled=last is None,
            on_click=undo_last,
        )


def _other(card: ReviewCard, name: str, label: str, shortcut: str, icon: str, act, args) -> None:  # type: ignore[no-untyped-def]
    st.button(label, key=f"review.{name}.{card.token}", shortcut=shortcut, icon=icon, on_click=act, args=args)
