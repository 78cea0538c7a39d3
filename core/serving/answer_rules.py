"""Which answers a version may give: categories left out of recommendation, and how sure an answer has to be."""

from collections.abc import Mapping
from typing import Any

from core.catalogue.taxonomy import load_categories
from core.errors import N_, NotReady
from core.runtime import Runtime
from core.training.versions import ModelVersion
from models.answers import AnswerRules


def find_rules(runtime: Runtime, version: ModelVersion) -> AnswerRules:
    """The version's thresholds, and what its settings and the flags of today leave out.

    A version without thresholds never says 'hard to predict'. Raises NotReady when their file is not what was saved.
    """
    from models.errors import ModelError
    from models.thresholds import Thresholds

    try:
        thresholds = Thresholds.find(runtime.data_dir / version.artifact) if version.artifact else None
    except ModelError as error:
        raise NotReady(
            N_("The model {version} cannot be loaded: {reason}"), version=version.name, reason=error
        ) from error
    return AnswerRules(thresholds, left_out_ids(runtime, version.config))


def left_out_ids(runtime: Runtime, config: Mapping[str, Any]) -> frozenset[int]:
    """Categories that are learned and never suggested: by flag, as catch-alls, or for having too few training rows.

    `config` is a version's: 'training' holds its settings, 'too_few_rows' the ids its training rows were too few for.
    """
    suggests_catch_alls = config.get("training", {}).get("recommend_catch_alls", True)
    flagged = (
        category.id
        for category in load_categories(runtime).values()
        if not category.is_recommended or (category.is_catch_all and not suggests_catch_alls)
    )
    return frozenset([*flagged, *config.get("too_few_rows", [])])
