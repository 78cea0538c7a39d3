"""Products with suspected labels, without a search: for tests of lists, campaigns and cards."""

from collections.abc import Sequence

from core.runtime import Runtime
from core.types import utc_now
from db import label_issues
from db.enums import NoiseMethod, NoiseVerdict
from tests.core.training.shelf import add_products, category_id


def add_suspects(
    runtime: Runtime,
    scores: Sequence[float],
    method: NoiseMethod = NoiseMethod.CONFIDENT_LEARNING,
    verdict: NoiseVerdict = NoiseVerdict.ISSUE,
) -> list[int]:
    """Products labeled 바지 that are perhaps 신발, one a label quality score; returns their ids."""
    ids = add_products(runtime, "바지", [f"운동화 {chr(0xAC00 + place)}" for place in range(len(scores))])
    given, suggested = category_id(runtime, "바지"), category_id(runtime, "신발")
    with runtime.sessions.write() as session:
        label_issues.upsert_issues(
            session,
            [
                {
                    "product_id": id_,
                    "method": method,
                    "verdict": verdict,
                    "given_category_id": given,
                    "suggested_category_id": suggested,
                    "label_quality_score": score,
                    "confidence": 0.8,
                    "job_id": None,
                    "model_version_id": None,
                    "created_at": utc_now(),
                }
                for id_, score in zip(ids, scores, strict=True)
            ],
        )
    return ids
