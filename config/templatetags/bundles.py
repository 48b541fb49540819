"""`{% styles "chat.css" %}` and `{% scripts "chat.js" %}`: a bundle, or its files where none is."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from config.bundles import BUNDLES, BundlingStorage, path_of

register = template.Library()


def _addresses(bundle: str) -> list[tuple[str]]:
    made = isinstance(staticfiles_storage, BundlingStorage) and not settings.DEBUG
    return [(static(name),) for name in ([path_of(bundle)] if made else BUNDLES[bundle])]


@register.simple_tag
def styles(bundle: str) -> SafeString:
    return format_html_join("\n", '<link rel="stylesheet" href="{}">', _addresses(bundle))


@register.simple_tag
def scripts(bundle: str) -> SafeString:
    return format_html_join("\n", '<script src="{}" defer></script>', _addresses(bundle))
