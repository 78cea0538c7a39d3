"""The frame and its first page: empty, with the demo, in Korean."""

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from core.catalogue.demo import load_demo
from core.runtime import Runtime
from core.types import Actor

OpenPage = Callable[[str], AppTest]


def test_a_newcomer_is_asked_a_name_and_told_what_to_do(open_page: OpenPage) -> None:
    page = open_page("app.py").run()
    page.text_input(key="app.name").input("Mina")
    page.button[0].click().run()
    assert not page.exception
    assert any("The catalogue is empty" in one.value for one in page.info)
    steps = [link.proto.label for link in page.get("page_link")]
    assert [step for step in steps if step[0].isdigit()] == ["1. Taxonomy", "2. Import", "3. Training", "4. Label"]


def test_the_demo_is_called_demo(open_page: OpenPage, sqlite_runtime: Runtime, actor: Actor) -> None:
    load_demo(sqlite_runtime, actor, 300)
    page = open_page("app.py")
    page.session_state["app.actor"] = actor
    page.run()
    assert not page.exception
    assert any("demo data" in one.value for one in page.info)
    assert page.metric[0].value == "300"


def test_the_page_speaks_korean(open_page: OpenPage, actor: Actor) -> None:
    page = open_page("app.py")
    page.session_state["app.actor"] = actor
    page.session_state["app.language"] = "ko"
    page.run()
    assert page.subheader[0].value == "한눈에 보기"
