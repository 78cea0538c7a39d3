"""All tables. Import rows from here: `from db.tables import ProductRow`."""

from db.tables.base import Base, table_of
from db.tables.catalogue import (
    CategoryRow,
    DemoTruthRow,
    MallCategoryRow,
    MallRow,
    ProductRow,
)
from db.tables.curation import (
    AcceptedAlternativeRow,
    ExclusionRuleRow,
    LabelIssueRow,
    ProductAttributeRow,
    ProductImageRow,
)
from db.tables.imports import ImportRejectRow, ImportRunRow, ImportSourceRow
from db.tables.jobs import JobLogRow, JobRow
from db.tables.labeling import (
    CampaignRow,
    DailyProgressRow,
    DecisionRow,
    LabelRow,
    TaskRow,
    TaskSkipRow,
)
from db.tables.learning import (
    CategoryMetricRow,
    ExperimentRow,
    ModelVersionRow,
    PredictionRow,
    ProductSplitRow,
    PromotionRow,
    SnapshotRow,
)
from db.tables.people import AuditRow, PersonRow, RevisionRow

__all__ = [
    "AcceptedAlternativeRow",
    "AuditRow",
    "Base",
    "CampaignRow",
    "CategoryMetricRow",
    "CategoryRow",
    "DailyProgressRow",
    "DecisionRow",
    "DemoTruthRow",
    "ExclusionRuleRow",
    "ExperimentRow",
    "ImportRejectRow",
    "ImportRunRow",
    "ImportSourceRow",
    "JobLogRow",
    "JobRow",
    "LabelIssueRow",
    "LabelRow",
    "MallCategoryRow",
    "MallRow",
    "ModelVersionRow",
    "PersonRow",
    "PredictionRow",
    "ProductAttributeRow",
    "ProductImageRow",
    "ProductRow",
    "ProductSplitRow",
    "PromotionRow",
    "RevisionRow",
    "SnapshotRow",
    "TaskRow",
    "TaskSkipRow",
    "table_of",
]
