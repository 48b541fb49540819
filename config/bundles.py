"""Many small files in the source, few requests on the wire: bundles, made by collectstatic.

A bundle is its files one after the other, under a name with a hash, compressed like all others.
Comments stay behind: a sixth of the weight.
Where nothing is collected (DEBUG, tests) a page names the files themselves. A script of a bundle
is a function that is called at once, so that none of them sees another's names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from servestatic.storage import CompressedManifestStaticFilesStorage

CHAT_STYLES: Final = (
    *("chat", "message", "votes", "markdown", "code", "composer", "preview", "organise"),
    *("search", "sheets", "branches", "compare", "picker", "wishes", "answer", "attach"),
    *("reading", "blocks", "print"),
)
CHAT_SCRIPTS: Final = (
    *("reading", "app", "preview", "organise", "branches", "compare", "picker", "wishes"),
    *("answer", "attach", "earlier", "copy", "announce", "shortcuts", "navigation"),
    *("blocks", "ending", "strokes"),  # strokes is the last of them: it says why
)
BUNDLES: Final = {
    "chat.css": tuple(f"switchboard/{name}.css" for name in CHAT_STYLES),
    "chat.js": tuple(f"switchboard/{name}.js" for name in CHAT_SCRIPTS),
}


COMMENTS: Final = {
    "css": re.compile(r"^\s*/\*.*?\*/\n|/\*.*?\*/", re.DOTALL | re.MULTILINE),
    "js": re.compile(
        r"^\s*//.*\n", re.MULTILINE
    ),  # of whole lines: what is in a line may be a string
}


def path_of(bundle: str) -> str:
    return f"bundles/{bundle}"


def without_comments(name: str, text: str) -> str:
    return COMMENTS[name.rpartition(".")[2]].sub("", text)


class BundlingStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Makes the bundles before the names of all files get their hashes."""

    def post_process(
        self,
        paths: dict[str, Any],
        dry_run: bool = False,  # noqa: FBT001, FBT002 (Django's signature)
        **options: Any,
    ) -> Iterator[tuple[str, str, bool]]:
        if not dry_run:
            for bundle, names in BUNDLES.items():
                place = Path(self.path(path_of(bundle)))
                place.parent.mkdir(parents=True, exist_ok=True)
                texts = [
                    without_comments(name, Path(self.path(name)).read_text()) for name in names
                ]
                place.write_text("\n".join(texts))
                paths[path_of(bundle)] = (self, path_of(bundle))
        yield from super().post_process(paths, dry_run, **options)
