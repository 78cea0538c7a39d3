"""The Import page in a real browser: upload, start, live progress, numbers, the file of rejects."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.jobs.worker import work
from core.runtime import Runtime
from tests.browser.server import AppServer


@pytest.fixture
def worker(app_runtime: Runtime) -> Iterator[None]:
    """Does the jobs of the app, as the worker process does."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(app_runtime, stop))
    thread.start()
    yield
    stop.set()
    thread.join()


def test_upload_start_and_fetch_the_rejects(page: Page, app: AppServer, tmp_path: Path, worker: None) -> None:
    path = tmp_path / "여름 상품.csv"
    rows = [f"{n},여름 팬츠 {n},무신사,패션 > 하의,{'문의' if n == 7 else 1000 + n}" for n in range(40)]
    path.write_bytes(("상품번호,상품명,쇼핑몰,카테고리,판매가\n" + "\n".join(rows)).encode("cp949"))
    page.goto(f"{app.url}/import_data")
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_role("combobox", name="Encoding")).to_have_value("cp949 (detected)")
    expect(page.get_by_text("Of the first 40 rows 1 would be rejected")).to_be_visible()
    page.get_by_role("button", name="Start import").click()
    metric = page.get_by_test_id("stMetric")
    expect(metric.filter(has_text="New products")).to_contain_text("39", timeout=20_000)
    expect(metric.filter(has_text="Rejected")).to_contain_text("1")
    with page.expect_download() as caught:
        page.get_by_role("button", name="Rejected rows as CSV").click()
    text = Path(caught.value.path()).read_text("utf-8-sig")
    assert (
        text.splitlines()[1]
        == "여름 상품.csv,9,판매가,문의,'문의' is not a price.,7,여름 팬츠 7,무신사,패션 > 하의,문의"
    )
