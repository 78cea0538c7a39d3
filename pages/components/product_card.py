"""A product as people see it: picture (or a box of the same size that says there is none), title, facts."""

import streamlit as st

from core.catalogue.images import is_remote, load_thumbnail, prefetch_thumbnail
from pages.components.context import runtime
from pages.components.words import _, escape

LONG_TITLE = 70  # characters; longer ones are set smaller, so that they fit into the same height
IMAGE_PIXELS = 560  # twice the size it is shown in: crisp on a dense screen


def product_image(reference: str | None) -> None:
    """The picture in a box whose size never changes. `reference` is text from outside; core checks it."""
    content = load_thumbnail(runtime(), reference, IMAGE_PIXELS)
    with st.container(key="label.image", border=True, horizontal_alignment="center", vertical_alignment="center"):
        if content:
            st.image(content, output_format="JPEG", alt=_("Picture of the product"))
        else:
            is_off = is_remote(reference or "") and not runtime().settings.fetch_remote_images
            none = _("Images from the web are switched off") if is_off else _("No image")
            st.markdown(f":gray[:material/hide_image: {none}]", text_alignment="center")


def prefetch_image(reference: str | None) -> None:
    """For the product that probably comes next."""
    prefetch_thumbnail(runtime(), reference, IMAGE_PIXELS)


def product_title(title: str) -> None:
    """Large, selectable, and plain text whatever signs are in it."""
    with st.container(key="label.title" if len(title) <= LONG_TITLE else "label.title_long"):
        st.text(title)


def product_facts(facts: tuple[tuple[str, str], ...]) -> None:
    """(name, value) rows in one element."""
    with st.container(key="label.facts"):
        rows = "\n".join(f"| :gray[{escape(name)}] | {escape(value)} |" for name, value in facts)
        st.markdown(f"| | |\n|:--|:--|\n{rows}")
