"""All labels judged: an encoder, neighbours and centres answer out of fold, a detector weighs what they say."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.noise.detector import Suspicion, inspect_labels
from models.noise.kept_answers import KeptAnswers
from models.noise.out_of_fold import Answering, answer_out_of_fold
from models.noise.text_space import TextSpace

OnShare = Callable[[float, str], None]
_ENCODER, _VIEWS, _FIRST, _AGAIN = 0.8, 0.88, 0.9, 0.97  # where each stage ends


def judge_labels(asked: Answering, trusted: NDArray[np.bool_], on_share: OnShare, seed: int = 0) -> Suspicion:
    """Find wrong labels among the rows of `asked.task.train`; those that are `trusted` (N,) are right by definition.

    Labels whose category nobody outside their fold teaches cannot be judged and count as right. The first finding
    silences suspected labels as neighbours and in centres, then all is judged again.
    """
    plan, n = asked.plan, len(asked.plan.labels)
    encoder = answer_out_of_fold(asked, lambda share, stage: on_share(_ENCODER * share, stage))
    on_share(_ENCODER, "reading titles")
    space = TextSpace(asked.task.train.products, plan.learns)

    def ask(weights: NDArray[np.float32], start: float, stop: float) -> list[KeptAnswers]:
        def tell(share: float) -> None:
            on_share(start + (stop - start) * share, "comparing titles")

        return [
            space.ask_neighbours(plan, weights, lambda share: tell(0.9 * share), seed),
            space.ask_centres(plan, weights, lambda share: tell(0.9 + 0.1 * share)),
        ]

    judged = ~trusted & (plan.support() > 0)
    first = ask(np.ones(n, np.float32), _ENCODER, _VIEWS)
    on_share(_VIEWS, "judging labels")
    found = inspect_labels([encoder, *first], [encoder, *first], plan.labels, judged, plan.learns, seed)
    clean = _silence(found, judged, judged & plan.learns)
    again = ask(clean, _FIRST, _AGAIN)
    on_share(_AGAIN, "judging labels")
    views = [encoder, *first, *again]
    return inspect_labels(views, [encoder, *again], plan.labels, judged, plan.learns, seed)


def _silence(found: Suspicion, judged: NDArray[np.bool_], counted: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(N,) how much a label may say: about 1 where it looks right, towards 0 beyond the share of wrong ones.

    Of the `judged` (N,) those `counted` (N,) say where that begins: rows that teach nobody have no say in it.
    """
    weights = np.ones(len(judged), np.float32)
    suspicion = 1.0 - found.label_quality_score[judged].astype(np.float64)
    if not counted.any():
        return weights
    odds = np.log((suspicion + 1e-6) / (1 - suspicion + 1e-6))
    border = np.quantile(odds[counted[judged]], 1 - min(0.5, found.n_issues / len(odds)))
    weights[judged] = 1 / (1 + np.exp(np.clip(2 * (odds - border), -30, 30)))
    return weights
