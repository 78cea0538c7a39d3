"""One thread for what is this small: beside other test processes threads only wait for each other."""

from collections.abc import Iterator

import pytest

from models.device import one_thread


@pytest.fixture(autouse=True, scope="package")
def single_thread() -> Iterator[None]:
    with one_thread():
        yield
