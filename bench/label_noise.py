"""Finding wrong labels and learning beside them, on labels made wrong on purpose; peers in the same run.

15 % of the training labels are made wrong by category. Found by: ours (out-of-fold answers of the default encoder,
neighbours and centres, and the detector); `cleanlab`'s normalised margin and self-confidence on out-of-fold
probabilities of a TF-IDF logistic regression; the small loss of a DAN trained on all rows. Then P@1 on the clean test
rows of models trained on clean, wrong, filtered and refurbished labels, by SELFIE, and without the wrong rows.
Seeds below 100 are for measuring; settings were chosen on seeds from 100 on.
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import make_union

from bench.catalogues import CATALOGUES, DATA, Catalogue, Split, split_by_group, titles_only
from bench.noisy_labels import make_wrong, read_demo, read_naver, with_labels
from models.config import TitleModelConfig
from models.family import fit_model
from models.folds import assign_folds
from models.noise.detector import Suspicion
from models.noise.judging import judge_labels
from models.noise.out_of_fold import Answering
from models.noise.selfie import Selfie, SelfieSettings
from models.noise.text_space import OutOfFold
from models.noise.treatment import filter_rows, refurbish_rows
from models.types import FitTask, LabeledProducts

QUICK_ROWS = 2_000
N_FOLDS = 5
READ = {**CATALOGUES, "demo": read_demo, "naver": read_naver}
Labels = NDArray[np.int64]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the catalogues")
    parser.add_argument("--only", nargs="*", default=list(READ), help=f"which of {', '.join(READ)}")
    parser.add_argument("--rows", type=int, help="at most so many rows of each")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows and no training: does it run?")
    parser.add_argument("--targets", default="any", choices=("any", "similar"), help="what is mistaken for what")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--train", action="store_true", help="also train on the treated labels")
    options = parser.parse_args(arguments)
    rows = options.rows or (QUICK_ROWS if options.quick else None)
    for name in options.only:
        if not (options.data / {"naver": "naver-categories", "demo": ""}.get(name, name)).is_dir():
            print(f"{name}: its data are not here.")
            continue
        bench(READ[name](options.data), rows, options)
    return 0


def bench(catalogue: Catalogue, rows: int | None, options: argparse.Namespace) -> None:
    split = _titles(split_by_group(catalogue, rows))
    wrong = make_wrong(split.train, split.n_classes, options.targets, options.seed)
    is_wrong = wrong != split.train.labels
    print(
        f"\n{catalogue.name}: {len(wrong):,} training rows, {split.n_classes} categories, {is_wrong.mean():.1%} wrong "
        f"labels to {options.targets} categories, seed {options.seed}\n"
        f"{'':<42}{'AUROC':>8}{'AP':>8}{'top 1 %':>9}{'CPU s':>9}"
    )
    noisy = with_labels(split, wrong)
    found = _timed("ours", lambda: find_wrong(noisy, options.seed), is_wrong)
    print(f"  wrong labels by count: {found.n_issues:,} found, {is_wrong.sum():,} made")
    if not options.no_peers:
        measure_peers(noisy, is_wrong, options.seed)
    if options.train:
        train_all(split, noisy, found)


def _titles(split: Split) -> Split:
    train, validation, test = (titles_only(part) for part in (split.train, split.validation, split.test))
    return replace(split, train=train, validation=validation, test=test)


def find_wrong(split: Split, seed: int) -> Suspicion:
    """Ours, with the default encoder; the validation rows' labels are as wrong as they are in training."""
    rows = split.train
    folds = assign_folds(rows, N_FOLDS, seed)
    plan = OutOfFold(rows.labels, np.where(folds < 0, N_FOLDS, folds), np.ones(len(rows), bool), split.n_classes)
    with tempfile.TemporaryDirectory() as folder:
        asked = Answering("joint", _task(split, Path(folder)), plan)
        return judge_labels(asked, np.zeros(len(rows), bool), lambda share, stage: None, seed)


def _task(split: Split, folder: Path, **more: object) -> FitTask:
    task = FitTask(split.train, split.validation, np.arange(split.n_classes), {}, "cpu", folder, lambda progress: None)
    return replace(task, **more)  # type: ignore[arg-type]


def _timed(name: str, find: Callable[[], Suspicion | NDArray[np.float64]], is_wrong: NDArray[np.bool_]) -> Suspicion:
    """Prints a line; the higher a label_quality_score the cleaner."""
    began = time.process_time()
    found = find()
    seconds = time.process_time() - began
    score = found.label_quality_score if isinstance(found, Suspicion) else found
    worst = np.argsort(score, kind="stable")[: max(1, len(score) // 100)]
    print(
        f"{name:<42}{roc_auc_score(is_wrong, -score):>8.3f}{average_precision_score(is_wrong, -score):>8.3f}"
        f"{is_wrong[worst].mean():>9.3f}{seconds:>9.1f}",
        flush=True,
    )
    return found  # type: ignore[return-value]


def measure_peers(split: Split, is_wrong: NDArray[np.bool_], seed: int) -> None:
    from cleanlab.rank import get_label_quality_scores

    labels, kept = split.train.labels, []

    def margin() -> NDArray[np.float64]:
        kept.append(logistic_out_of_fold(split, seed))
        return _quality("normalized_margin")

    def _quality(method: str) -> NDArray[np.float64]:
        return np.asarray(get_label_quality_scores(labels, kept[0], method=method))

    _timed("TF-IDF logistic, normalised margin", margin, is_wrong)
    _timed("TF-IDF logistic, self-confidence", lambda: _quality("self_confidence"), is_wrong)
    _timed("DAN, small loss", lambda: small_loss(split), is_wrong)


def logistic_out_of_fold(split: Split, seed: int) -> NDArray[np.float32]:
    titles, labels = list(split.train.products.titles), split.train.labels
    folds = assign_folds(split.train, N_FOLDS, seed)
    found = np.zeros((len(labels), split.n_classes), np.float32)
    for fold in np.unique(folds).tolist():
        asking = np.flatnonzero(folds == fold)
        learning = np.flatnonzero(folds != fold)
        predict = fit_logistic([titles[row] for row in learning], labels[learning], split.n_classes)
        found[asking] = predict([titles[row] for row in asking])
    return found


def fit_logistic(titles: list[str], labels: Labels, n_classes: int) -> Callable[[list[str]], NDArray[np.float32]]:
    """TF-IDF of words 1-2 and letters 2-5, one logistic regression a category by stochastic gradient descent."""
    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )
    model = SGDClassifier(loss="log_loss", alpha=2e-6, max_iter=15, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged: more epochs did not help
        model.fit(features.fit_transform(titles), labels)

    def predict(asked: list[str]) -> NDArray[np.float32]:
        found = np.zeros((len(asked), n_classes), np.float32)
        found[:, model.classes_] = model.predict_proba(features.transform(asked))
        return found

    return predict


def small_loss(split: Split) -> NDArray[np.float64]:
    """The probability of the label by a DAN that learned from it."""
    with tempfile.TemporaryDirectory() as folder:
        model = fit_model("dan", _task(split, Path(folder)))
    found = model.predict_proba(split.train.products)
    return np.asarray(found[np.arange(len(found)), split.train.labels], np.float64)


def train_all(split: Split, noisy: Split, found: Suspicion) -> None:
    """P@1 on clean test rows, of the default encoder and of the logistic regression."""
    kept, _ = filter_rows(found)
    refurbished, labels = refurbish_rows(found, noisy.train.labels)
    right = np.flatnonzero(noisy.train.labels == split.train.labels)
    treated = {
        "clean": split.train,
        "noisy": noisy.train,
        "filtered": noisy.train.take(kept),
        "refurbished": replace(noisy.train, labels=labels).take(refurbished),
        "wrong rows dropped by an oracle": noisy.train.take(right),
    }
    print(f"{'P@1 on clean test rows, n = ' + format(len(split.test), ','):<42}{'joint':>8}{'logistic':>10}")
    for name, train in treated.items():
        learned = replace(noisy, train=train)
        print(f"{name:<42}{p_at_1(learned):>8.4f}{logistic_p_at_1(learned):>10.4f}", flush=True)
    print(f"{'SELFIE':<42}{p_at_1(noisy, by_selfie=True):>8.4f}", flush=True)


def p_at_1(split: Split, by_selfie: bool = False) -> float:
    more = {}
    if by_selfie:
        trusted = np.zeros(len(split.train), bool)
        more["selector"] = Selfie(
            split.train.labels, split.n_classes, trusted, SelfieSettings.for_epochs(TitleModelConfig.epochs)
        )
    with tempfile.TemporaryDirectory() as folder:
        model = fit_model("joint", _task(split, Path(folder), **more))
    best, _ = model.predict_top(split.test.products, 1)
    return float((best[:, 0] == split.test.labels).mean())


def logistic_p_at_1(split: Split) -> float:
    rows: LabeledProducts = split.train
    predict = fit_logistic(list(rows.products.titles), rows.labels, split.n_classes)
    return float((predict(list(split.test.products.titles)).argmax(1) == split.test.labels).mean())


if __name__ == "__main__":
    sys.exit(main())
