"""The documents: decision pages are numbered without gaps, links between documents lead somewhere."""

import re

from core.settings import ROOT

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#:\s]+)(?:#[^)\s]*)?\)")


def test_decision_pages_are_numbered_one_after_another() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page.name[:5] for page in pages] == [f"{number:04}-" for number in range(1, len(pages) + 1)]
    headings = [page.read_text("utf-8").splitlines()[0] for page in pages]
    assert [heading.split(".")[0] for heading in headings] == [f"# {number}" for number in range(1, len(pages) + 1)]


def test_links_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in LINK.findall(page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken, "\n".join(broken)
