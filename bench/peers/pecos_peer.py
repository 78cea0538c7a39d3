"""libpecos' XR-Linear on TF-IDF, in an environment of its own: python pecos_peer.py ROWS OUT SEED."""

import sys
from pathlib import Path

import numpy as np
from measuring import Predict, measure, read_rows
from pecos.xmc import Indexer, LabelEmbeddingFactory
from pecos.xmc.xlinear.model import XLinearModel
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_union

BEAM = 20


def fit(titles: list[str], labels: list[int], n_classes: int, seed: int) -> Predict:
    """The features of the LinearSVC peer, PIFA label embeddings, no pruning of weights (threshold 0)."""
    features = make_union(TfidfVectorizer(ngram_range=(1, 2)), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5)))
    rows = sparse.csr_matrix(features.fit_transform(titles), dtype=np.float32)
    places = (np.arange(len(labels)), labels)
    right = sparse.csr_matrix((np.ones(len(labels), np.float32), places), shape=(len(labels), n_classes))
    tree = Indexer.gen(LabelEmbeddingFactory.create(right, rows, method="pifa"), seed=seed)
    model = XLinearModel.train(rows, right, C=tree, threshold=0.0)

    def predict(asked: list[str]) -> object:
        found = model.predict(
            sparse.csr_matrix(features.transform(asked), dtype=np.float32), beam_size=BEAM, only_topk=BEAM
        )
        return found.toarray()

    return predict


if __name__ == "__main__":
    given, into, chance = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    data = read_rows(given)
    train = data["train"]
    measure(lambda: fit(train["titles"], train["labels"], data["n_classes"], chance), data["test"]["titles"], into)
