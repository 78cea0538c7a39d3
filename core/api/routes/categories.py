"""The category tree: level by level, or what answers a search."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request, Response

from core.api.guard import CallerHere, guarded_router, needs
from core.api.shapes import Cursor, Id, IdInPath, Limit, Page, Shape, page_by_id
from core.api_tokens import Scope
from core.catalogue.search import MAX_TYPED, search_categories
from core.catalogue.taxonomy import Category, get_category, load_categories

router = guarded_router("categories")


class CategoryShape(Shape):
    """A node of the tree. `depth` 1 is a root; `path` is its names joined by ' > '."""

    id: int
    parent_id: int | None
    depth: int
    name: str
    name_en: str | None
    path: str
    code: str | None
    is_leaf: bool
    is_catch_all: bool
    is_recommended: bool
    guidelines: str | None
    retired_at: datetime | None


@router.get("/categories", response_model=Page[CategoryShape])
@needs(Scope.READ)
def list_categories(
    caller: CallerHere,
    request: Request,
    response: Response,
    parent_id: Annotated[Id | None, Query(description="Only what lies right under this one.")] = None,
    leaves: Annotated[bool, Query(description="Only leaves.")] = False,
    retired: Annotated[bool, Query(description="Retired ones too.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Categories by id."""
    if parent_id is not None:
        get_category(caller.runtime, parent_id)

    def fits(category: Category) -> bool:
        return (
            (parent_id is None or category.parent_id == parent_id)
            and (category.is_leaf or not leaves)
            and (category.retired_at is None or retired)
        )

    def after(n: int, last_id: int | None) -> list[Category]:
        nodes = load_categories(caller.runtime)
        wanted = sorted(node.id for node in nodes.values() if node.id > (last_id or 0) and fits(node))
        return [nodes[node_id] for node_id in wanted[:n]]

    return page_by_id(request, response, "categories", limit, cursor, after, lambda node: node.id)


@router.get("/categories/search", response_model=list[CategoryShape])
@needs(Scope.READ)
def find_categories(
    caller: CallerHere,
    q: Annotated[str, Query(min_length=1, max_length=MAX_TYPED, description="What somebody types.")],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> list[Category]:
    """Categories that answer what was typed, the best first: any word order, slips, initial consonants."""
    return [hit.category for hit in search_categories(caller.runtime, q, limit)]


@router.get("/categories/{category_id}", response_model=CategoryShape)
@needs(Scope.READ)
def find_category(caller: CallerHere, category_id: IdInPath) -> Category:
    """One category, also a retired one."""
    return get_category(caller.runtime, category_id)
