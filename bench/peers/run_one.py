"""One (model, seed) in a process of its own, so that its memory is its own: python -m bench.peers.run_one."""

import sys
from pathlib import Path

from bench.peers.measuring import measure, read_rows
from bench.peers.others import PEERS, fit_ours

if __name__ == "__main__":
    name, given, into, chance = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    data = read_rows(given)
    fit = PEERS[name] if name in PEERS else fit_ours(name)
    measure(lambda: fit(data, chance), data["test"]["titles"], into)
