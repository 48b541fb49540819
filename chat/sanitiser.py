"""The second wall: what may stand on the page of all that a model writes, pure.

The first is the parser, which knows no raw HTML. This list is the whole of what the renderer
writes; anything else is a fault or an attack, and is gone. No `id`, `name`, `style` or `hx-*`,
and no class but the renderer's own.
"""

from typing import Final

import nh3

from chat.highlight import COLOURS
from chat.mathml import ATTRIBUTES, TAGS

LINK_SCHEMES: Final = {"http", "https", "mailto"}
LINK_REL: Final = "noopener noreferrer nofollow"
_NAMES = """
a blockquote br button code div em figcaption figure h1 h2 h3 h4 h5 h6 hr img input li ol p pre s
span strong sup table tbody td th thead tr ul
"""
PLAIN_TAGS: Final = set(_NAMES.split())
PLAIN_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "math": {"alttext"},
}
FIXED_VALUES: Final = {
    "button": {"type": {"button"}},
    "div": {"tabindex": {"0"}},
    "input": {"type": {"checkbox"}, "checked": {""}, "aria-label": {"done", "to do"}},
    "pre": {"tabindex": {"0"}},
}
FORCED_VALUES: Final = {
    "a": {"target": "_blank"},
    "input": {"type": "checkbox", "disabled": ""},
}
CLASSES: Final = {
    "button": {"copy"},
    "code": {"formula"},
    "div": {"formula", "note", "table"},
    "figure": {"code"},
    "mrow": {"boxed"},
    "span": {"language", *COLOURS},
    "sup": {"note"},
    "td": {"left", "center", "right"},
    "th": {"left", "center", "right"},
}
IMAGE_TYPES: Final = tuple(f"data:image/{kind};base64," for kind in ("png", "jpeg", "gif", "webp"))


def clean(html: str) -> str:
    """The HTML with everything taken out that is not on the list above."""
    return (_with_images if "<img" in html else _without_images).clean(html)


def _only_inline_images(tag: str, attribute: str, value: str) -> str | None:
    """Images come from the text itself, never from elsewhere; nothing else is a `data:` address."""
    if attribute == "src":
        return value if value.lower().startswith(IMAGE_TYPES) else None
    if attribute == "href":
        return None if value.strip().lower().startswith("data:") else value
    return value


def _attributes() -> dict[str, set[str]]:
    return {tag: set(ATTRIBUTES) for tag in TAGS} | {
        tag: names | (set(ATTRIBUTES) if tag in TAGS else set())
        for tag, names in PLAIN_ATTRIBUTES.items()
    }


# Two, because a Python callback for each attribute costs more than all the rest.
_without_images = nh3.Cleaner(
    tags=PLAIN_TAGS - {"img"} | TAGS,
    attributes=_attributes(),
    tag_attribute_values=FIXED_VALUES,
    set_tag_attribute_values=FORCED_VALUES,
    allowed_classes=CLASSES,
    url_schemes=LINK_SCHEMES,
    url_relative="deny",
    link_rel=LINK_REL,
)
_with_images = nh3.Cleaner(
    tags=PLAIN_TAGS | TAGS,
    attributes=_attributes(),
    attribute_filter=_only_inline_images,
    tag_attribute_values=FIXED_VALUES,
    set_tag_attribute_values=FORCED_VALUES,
    allowed_classes=CLASSES,
    url_schemes=LINK_SCHEMES | {"data"},
    url_relative="deny",
    link_rel=LINK_REL,
)
