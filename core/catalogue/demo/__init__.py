"""The demo catalogue, made by code and called demo data wherever it is shown. docs/demo.md says what is in it."""

from core.catalogue.demo.loading import (
    DemoCounts,
    DemoSummary,
    demo_summary,
    is_demo,
    load_demo,
    planted_found,
)
from core.catalogue.demo.making import N_PRODUCTS, SEED
from core.catalogue.demo.planting import Planted

__all__ = [
    "N_PRODUCTS",
    "SEED",
    "DemoCounts",
    "DemoSummary",
    "Planted",
    "demo_summary",
    "is_demo",
    "load_demo",
    "planted_found",
]
