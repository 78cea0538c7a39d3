"""libpecos' XR-Linear on a prepared matrix, in an environment of its own: python pecos_matrix.py FOLDER.

The folder holds train.npz and test.npz (CSR float32), train.labels.npy and test.labels.npy. Threshold 0, as its
default of .1 drops weights that count. Prints one line of JSON.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
from pecos.xmc import Indexer, LabelEmbeddingFactory
from pecos.xmc.xlinear.model import XLinearModel
from scipy import sparse

TOP, BEAM = 4, 10


def main(folder: Path) -> None:
    train, test = (sparse.csr_matrix(sparse.load_npz(folder / f"{n}.npz"), dtype=np.float32) for n in ("train", "test"))
    labels, asked = np.load(folder / "train.labels.npy"), np.load(folder / "test.labels.npy")
    places = (np.arange(len(labels)), labels)
    right = sparse.csr_matrix((np.ones(len(labels), np.float32), places), shape=(len(labels), int(labels.max()) + 1))
    began = time.process_time()
    tree = Indexer.gen(LabelEmbeddingFactory.create(right, train, method="pifa"))
    model = XLinearModel.train(train, right, C=tree, threshold=0.0)
    fitted = time.process_time()
    found = model.predict(test, beam_size=BEAM, only_topk=TOP)
    scored = time.process_time()
    best = np.full((len(asked), TOP), -1)
    for row in range(len(asked)):
        part = slice(found.indptr[row], found.indptr[row + 1])
        order = np.argsort(-found.data[part], kind="stable")
        best[row, : len(order)] = found.indices[part][order]
    hits = best == asked[:, None]
    result = {f"p_at_{k}": float(hits[:, :k].any(axis=1).mean()) for k in (1, 2, 4)}
    result |= {
        "cpu_seconds": fitted - began,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "titles_per_cpu_second": len(asked) / (scored - fitted),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
