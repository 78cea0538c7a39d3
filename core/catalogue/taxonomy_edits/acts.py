"""The acts on the tree, and their previews, gathered for those who offer them."""

from core.catalogue.taxonomy_edits.edit import Edit, Preview
from core.catalogue.taxonomy_edits.growing import add_category, preview_add
from core.catalogue.taxonomy_edits.merging import merge_categories, preview_merge, preview_retire, retire_category
from core.catalogue.taxonomy_edits.naming import move_category, preview_move, preview_rename, rename_category
from core.catalogue.taxonomy_edits.splitting import NewLeaf, parse_leaves, preview_split, split_category
from core.catalogue.taxonomy_edits.undoing import find_obstacle, undo_edit

__all__ = [
    "Edit",
    "NewLeaf",
    "Preview",
    "add_category",
    "find_obstacle",
    "merge_categories",
    "move_category",
    "parse_leaves",
    "preview_add",
    "preview_merge",
    "preview_move",
    "preview_rename",
    "preview_retire",
    "preview_split",
    "rename_category",
    "retire_category",
    "split_category",
    "undo_edit",
]
