"""The words stored in columns. A leaf: every floor may import it."""

from enum import StrEnum


class Role(StrEnum):
    """What a person may do; `core.permissions` holds the table."""

    ANNOTATOR = "annotator"
    REVIEWER = "reviewer"
    ANALYST = "analyst"
    OPERATOR = "operator"
    ADMIN = "admin"


class LabelSource(StrEnum):
    """Who said that a product belongs to a category. Gold outranks human, human outranks import."""

    IMPORT = "import"
    HUMAN = "human"
    GOLD = "gold"  # settled by a reviewer: what people and models are judged by


CHECKED_BY_PEOPLE = (LabelSource.HUMAN, LabelSource.GOLD)


class DecisionKind(StrEnum):
    """What an annotator did with a task. A decision row never changes; UNDO is a new row."""

    LABEL = "label"
    CANNOT_TELL = "cannot_tell"
    BAD_LISTING = "bad_listing"
    SETTLE = "settle"  # a reviewer settled what people disagree on: the label is gold
    UNDO = "undo"


class TaskStatus(StrEnum):
    """Where a task stands in its queue."""

    OPEN = "open"
    LEASED = "leased"
    DONE = "done"
    CANCELLED = "cancelled"


class CampaignStatus(StrEnum):
    """Whether a campaign hands out tasks."""

    BUILDING = "building"
    ACTIVE = "active"
    PAUSED = "paused"
    CLOSED = "closed"


class CampaignKind(StrEnum):
    """Ready-made purposes of a campaign."""

    LOW_CONFIDENCE = "low_confidence"
    DISAGREEMENT = "disagreement"
    RANDOM = "random"
    LABEL_ISSUES = "label_issues"  # labels that look wrong: what people decide confirms or refutes it
    HUMAN_BASELINE = "human_baseline"  # blind: no suggestion and no label of now is shown
    AMBIGUOUS_PAIR = "ambiguous_pair"  # A or B, with both definitions
    MALL_AUDIT = "mall_audit"
    NEW_LEAF = "new_leaf"  # does what searches found belong to this new category
    TAXONOMY_CHANGE = "taxonomy_change"  # products that an edit of the tree wants looked at again


class CampaignOrder(StrEnum):
    """In which order a campaign hands out its products."""

    MARGIN = "margin"
    DISAGREEMENT = "disagreement"
    RANDOM = "random"
    LABEL_QUALITY = "label_quality"
    EXPECTED_GAIN = "expected_gain"
    OLDEST = "oldest"


class ProductOrder(StrEnum):
    """How a list of products is sorted; a campaign's order is the same word."""

    NEWEST = "newest"
    MARGIN = "margin"  # lowest first: the model hesitates most
    DISAGREEMENT = "disagreement"  # highest confidence first
    RANDOM = "random"  # seeded, stable
    LABEL_QUALITY = "label_quality"  # suspected labels only, the most suspicious first
    EXPECTED_GAIN = "expected_gain"  # how much likelier another category is right than the label, highest first
    OLDEST = "oldest"


class TaxonomyEditKind(StrEnum):
    """What was done to the tree."""

    ADD = "add"
    RENAME = "rename"
    MOVE = "move"
    MERGE = "merge"
    SPLIT = "split"
    RETIRE = "retire"
    IMPORT = "import"  # a new version of the whole tree, with a mapping


class DeliveryStatus(StrEnum):
    """Where a webhook's message stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"  # given up


class JobStatus(StrEnum):
    """todo -> doing -> succeeded | failed | aborted; todo -> cancelled."""

    TODO = "todo"
    DOING = "doing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"
    CANCELLED = "cancelled"


class RuleAction(StrEnum):
    """What an exclusion rule does to a training row of its category that holds its keyword."""

    DROP_WORD = "drop_word"  # the row trains without the word
    DROP_ROW = "drop_row"  # the row does not train


class KeywordMatch(StrEnum):
    """How the keyword of an exclusion rule is found in a title."""

    WHOLE_WORD = "whole_word"
    SUBSTRING = "substring"


class NoiseVerdict(StrEnum):
    """What a method says of a product's label. The first three are SELFIE's."""

    CLEAN = "clean"
    REFURBISHED = "refurbished"  # another category is meant: the suggested one
    UNCLEAN = "unclean"  # wrong, and what is right is not known
    ISSUE = "issue"  # out-of-fold answers contradict the label (confident learning)


class NoiseMethod(StrEnum):
    """Who gave a noise verdict."""

    CONFIDENT_LEARNING = "confident_learning"
    SELFIE = "selfie"


class ModelStatus(StrEnum):
    """Whether a model version can be used."""

    TRAINING = "training"
    READY = "ready"
    FAILED = "failed"


class Fold:
    """Which part of the data a product belongs to, as stored: 0 test, 1 validation, 2..9 training.

    Below 0 it is left out for now: NONE never had a fold; a product that had one keeps it in `left_out(fold)`, so that
    it can go back there and nowhere else.
    """

    TEST, VALIDATION, NONE = 0, 1, -1
    COUNT = 10

    @staticmethod
    def left_out(fold: int) -> int:
        """How a product of this fold is stored while it is left out; its own inverse."""
        return -2 - fold

    @staticmethod
    def part(fold: int) -> str:
        """'test', 'validation' or 'train'."""
        return {Fold.TEST: "test", Fold.VALIDATION: "validation"}.get(fold, "train")
