"""Which function does a job of which kind. Named as text, so that nothing heavy loads before its turn."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

HANDLERS = {
    "import_products": "core.catalogue.importing:run_import_job",
    "import_taxonomy": "core.catalogue.taxonomy_importing:run_taxonomy_job",
    "export": "core.catalogue.exporting.exporting:run_export_job",
    "read_attributes": "core.catalogue.attributes.tagging:run_attributes_job",
    "train": "core.training.train:run_train_job",
    "experiment": "core.training.experiment_job:run_experiment_job",
    "tuning": "core.training.tuning_job:run_tuning_job",
    "score": "core.serving.scoring:run_score_job",
    "read_images": "core.training.read_images_job:run_read_images_job",
    "find_label_issues": "core.curation.label_issue_job:run_search_job",
    "measure_error_rates": "core.analysis.error_rates:run_error_rates_job",
    "measure_agreement": "core.labeling.agreement_job:run_agreement_job",
    "build_campaign": "core.labeling.campaigns:run_build_job",
}


def load_handler(kind: str) -> Callable[..., dict[str, Any]]:
    """The function for `kind`: takes a JobContext, returns its result; safe to run twice. KeyError when unknown."""
    module, function = HANDLERS[kind].split(":")
    return getattr(import_module(module), function)  # type: ignore[no-any-return]
