"""`cli.py demo` from a terminal: what it prints for programs and for people, and how it refuses."""

import json
import subprocess
import sys
from pathlib import Path

from core.settings import ROOT


def run_demo(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "cli.py", "demo", *arguments],
        cwd=ROOT,
        env={"SHELFWRIGHT_DATA_DIR": str(data_dir), "SHELFWRIGHT_PERSON": "tester", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_demo_prints_what_it_made_and_is_safe_to_run_twice(tmp_path: Path) -> None:
    first = run_demo(tmp_path, "--products", "300", "--json")
    assert first.returncode == 0, first.stderr
    facts = json.loads(first.stdout.splitlines()[-1])
    assert facts.pop("seconds") > 0
    assert facts.pop("leaves") > 100
    assert facts == {"products": 300, "products_added": 300, "malls": 5, "wrong_labels": 36, "images": 270}
    again = run_demo(tmp_path, "--products", "300")
    assert again.returncode == 0
    assert "nothing was changed" in again.stdout
    another = run_demo(tmp_path, "--products", "301")
    assert another.returncode == 1
    assert another.stderr.strip() == "Error: The catalogue already holds demo data of another size or seed."
