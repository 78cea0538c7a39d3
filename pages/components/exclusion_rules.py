"""Exclusion rules on the Training page: those in force, a new one with what it would do, ending one."""

import streamlit as st

from core.catalogue.taxonomy import get_category, load_categories
from core.curation.exclusions import ExclusionRule, RulePreview, add_rule, end_rule, list_rules, preview_rule
from core.errors import AppError
from core.permissions import Action, may
from db.enums import KeywordMatch, RuleAction
from pages.components.card_view import category_path
from pages.components.category_picker import category_picker
from pages.components.context import actor, revision, runtime
from pages.components.numbers import count_text, time_text
from pages.components.words import N_, _, error_text, escape

CATEGORY = "training.rule.category"
KEYWORD = "training.rule.keyword"
ERROR = "training.rule.error"
ACTIONS = {RuleAction.DROP_WORD: N_("take the word out"), RuleAction.DROP_ROW: N_("leave the product out")}
MATCHES = {KeywordMatch.WHOLE_WORD: N_("whole word"), KeywordMatch.SUBSTRING: N_("anywhere in the title")}


def exclusion_rules() -> None:
    """Folded: how many there are. Only who may edit rules sees the form."""
    rules = list_rules(runtime())
    title = _("Exclusion rules: {n} in force").format(n=count_text(len(rules)))
    with st.expander(title, icon=":material/backspace:"):
        st.caption(
            _("A word that misleads in a category, such as 'women' in children's wear, is kept out of what it learns.")
        )
        if rules:
            _table(rules)
        if not may(actor(), Action.EDIT_RULES):
            return
        if rules:
            _ending(rules)
        _form()
        if ERROR in st.session_state:
            st.error(st.session_state.pop(ERROR))


def _table(rules: list[ExclusionRule]) -> None:
    st.dataframe(
        [
            {
                _("Category"): rule.category,
                _("Keyword"): rule.keyword,
                _("Does"): _(ACTIONS[rule.action]),
                _("Found as"): _(MATCHES[rule.match]),
                _("Added by"): rule.author,
                _("Since"): time_text(rule.created_at),
            }
            for rule in rules
        ],
        hide_index=True,
        height=min(len(rules) + 1, 8) * 35 + 3,
    )


def _ending(rules: list[ExclusionRule]) -> None:
    names = {rule.id: f"{rule.keyword} · {rule.category} · {_(ACTIONS[rule.action])}" for rule in rules}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(_("Rule"), list(names), format_func=names.__getitem__, key="training.rule.chosen")
        st.button(_("End this rule"), key="training.rule.end", on_click=_end, args=(chosen,))


def _end(rule_id: int) -> None:
    try:
        end_rule(runtime(), actor(), rule_id)
    except AppError as error:
        st.session_state[ERROR] = escape(error_text(error))


def _form() -> None:
    st.markdown("**" + _("A new rule") + "**")
    category_picker("training.rule.picker", _("For which category, with all below it"), False, True, _pick)
    category_id = st.session_state.get(CATEGORY)
    if category_id in load_categories(runtime()):
        path = category_path(get_category(runtime(), category_id))
        st.markdown(_("Category: {category}").format(category=f"**{escape(path)}**"))
    left, middle, right = st.columns(3)
    keyword = left.text_input(_("Keyword"), key=KEYWORD, max_chars=100)
    action = middle.selectbox(_("Does"), list(ACTIONS), format_func=_action_name, key="training.rule.action")
    match = right.selectbox(
        _("Found as"),
        list(MATCHES),
        format_func=_match_name,
        key="training.rule.match",
        help=_("A word ends at a blank, a sign or another script: '여성' is not found in '여성용'."),
    )
    is_ready = category_id is not None and bool(keyword.strip())
    if category_id is not None and is_ready:
        _what_it_does(category_id, keyword, action, match)
    st.button(
        _("Add the rule"),
        key="training.rule.add",
        on_click=_add,
        args=(category_id, keyword, action, match),
        disabled=not is_ready,
    )


def _pick(category_id: int) -> None:
    st.session_state[CATEGORY] = category_id


def _add(category_id: int, keyword: str, action: RuleAction, match: KeywordMatch) -> None:
    try:
        add_rule(runtime(), actor(), category_id, keyword, RuleAction(action), KeywordMatch(match))
        st.session_state[KEYWORD] = ""
    except AppError as error:
        st.session_state[ERROR] = escape(error_text(error))


@st.cache_data(ttl=60, max_entries=20, show_spinner=False)
def _preview(category_id: int, keyword: str, action: str, match: str, revisions: tuple[int, ...]) -> RulePreview:
    return preview_rule(runtime(), category_id, keyword, RuleAction(action), KeywordMatch(match))


def _what_it_does(category_id: int, keyword: str, action: RuleAction, match: KeywordMatch) -> None:
    try:
        found = _preview(category_id, keyword, str(action), str(match), revision("taxonomy", "products"))
    except AppError as error:
        st.caption(escape(error_text(error)))
        return
    st.text(
        _("It touches {n} of {total} training products.").format(
            n=count_text(found.n_touched), total=count_text(found.n_rows)
        )
    )
    nothing = _("left out")
    for title, left in found.samples:
        st.text(f"{title}  →  {nothing if left is None else left}")
    if found.emptied:
        st.warning(
            escape(_("Nothing would be left to learn {categories} from.").format(categories="; ".join(found.emptied)))
        )


def _action_name(action: RuleAction) -> str:
    return _(ACTIONS[RuleAction(action)])


def _match_name(match: KeywordMatch) -> str:
    return _(MATCHES[KeywordMatch(match)])
