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
from db.tables.interfaces import ApiRequestRow, WebhookDeliveryRow, WebhookRow
from db.tables.jobs import JobLogRow, JobRow
from db.tables.labeling import (
    CampaignMemberRow,
    CampaignRow,
    DailyProgressRow,
    DecisionRow,
    LabelRow,
    MeasurementRow,
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
from db.tables.people import ApiTokenRow, AuditRow, PersonRow, RevisionRow
from db.tables.taxonomy import CategoryExampleRow, CategoryLineageRow, EditReviewRow, TaxonomyEditRow

__all__ = [
    "AcceptedAlternativeRow",
    "ApiRequestRow",
    "ApiTokenRow",
    "AuditRow",
    "Base",
    "CampaignMemberRow",
    "CampaignRow",
    "CategoryExampleRow",
    "CategoryLineageRow",
    "CategoryMetricRow",
    "CategoryRow",
    "DailyProgressRow",
    "DecisionRow",
    "DemoTruthRow",
    "EditReviewRow",
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
    "MeasurementRow",
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
    "TaxonomyEditRow",
    "WebhookDeliveryRow",
    "WebhookRow",
    "table_of",
]
