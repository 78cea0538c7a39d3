"""A page with nothing but the picker, for tests/browser/test_category_picker.py."""

import streamlit as st

from pages.components.category_picker import category_picker


def press(name: str) -> None:
    st.session_state[name] = st.session_state.get(name, 0) + 1


@st.fragment
def card() -> None:
    press("card_runs")
    st.button("First", key="first", shortcut="1", on_click=press, args=("firsts",))
    st.button("Accept", key="accept", shortcut="Enter", on_click=press, args=("accepts",))
    st.button("Skip", key="skip", shortcut="s", on_click=press, args=("skips",))
    picked = category_picker("test.picker")
    if picked is not None:
        st.session_state.setdefault("picks", []).append(picked)
    for name in ("firsts", "accepts", "skips", "card_runs"):
        st.write(f"{name}={st.session_state.get(name, 0)}")
    st.write(f"picks={st.session_state.get('picks', [])}")
    st.write(f"now={picked}")


with st.sidebar:
    st.write(f"branch={category_picker('test.branch', placeholder='A branch', pick_inner=True)}")
st.text_input("Elsewhere", key="elsewhere")
press("page_runs")
card()
st.write(f"page_runs={st.session_state.get('page_runs')}")
