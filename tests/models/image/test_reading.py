"""Files are read in order by worker processes; one that is killed stops nobody."""

import signal
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from models.image import reading
from models.image.decode import ImageStatus
from models.image.reading import read_files


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """120 pictures, each of its own grey; one is broken and one is missing."""
    paths = []
    for place in range(120):
        path = tmp_path / f"{place}.png"
        Image.new("RGB", (32, 32), (place, place, place)).save(path)
        paths.append(str(path))
    Path(paths[5]).write_bytes(b"no image")
    Path(paths[7]).unlink()
    return paths


def check(found: list[reading.FilePicture]) -> None:
    assert len(found) == 120
    for place, picture in enumerate(found):
        if place == 5:
            assert (picture.status, picture.pixels) == (ImageStatus.BROKEN, None)
            assert picture.hash
        elif place == 7:
            assert picture == (ImageStatus.MISSING, None, None)
        else:
            assert picture.pixels is not None
            assert np.all(picture.pixels == place)


def test_pictures_come_in_order_here_and_from_workers(files: list[str]) -> None:
    for n_workers in (0, 2):
        check([picture for part in read_files(files, 8, n_workers) for picture in part])


def test_a_killed_worker_stops_nobody(files: list[str]) -> None:
    found, killed = [], False
    for part in read_files(files, 8, 2):
        found += part
        if not killed:
            killed = True
            for child in psutil.Process().children():
                if "spawn_main" in " ".join(child.cmdline()):
                    child.send_signal(signal.SIGKILL)
    check(found)
