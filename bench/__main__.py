"""Run the benches one after another, each in a process of its own: `python -m bench [NAME ...]`."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    here = Path(__file__).parent
    benches = [path for path in here.glob("*.py") if "__main__" in path.read_text("utf-8")]  # the others help them
    known = sorted(path.stem for path in benches if not path.stem.startswith("_"))
    wanted = sys.argv[1:] or known
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        sys.exit(f"No bench called {', '.join(unknown)}. There are: {', '.join(known)}")
    failed = []
    for name in wanted:
        print(f"=== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=here.parent, check=False).returncode:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "all benches ran")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
