"""What an image may be called: files name images by URLs, by paths of another machine, or by the bare name."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

_UPLOAD = re.compile(r"^[0-9a-f]{8}-(.+)$")


def clean_name(name: str) -> str:
    """A path with forward slashes and nothing before its first folder."""
    return name.replace("\\", "/").removeprefix("./").lstrip("/")


def url_names(url: str) -> tuple[str, ...]:
    """Names that a URL may stand for: what follows its host, as written and with %20 and the like undone."""
    if "://" not in url:
        return (clean_name(url),)
    rest = url.split("://", 1)[1]
    path = rest.split("/", 1)[-1]
    bare = path.split("?", 1)[0]
    if "/datastores/" in path and "/paths/" in path:  # azureml://subscriptions/…/datastores/NAME/paths/…
        path = path.split("/paths/", 1)[1]
    return tuple(dict.fromkeys(clean_name(one) for one in (path, unquote(path), bare, unquote(bare))))


def label_studio_names(url: str) -> tuple[str, ...]:
    """The same for Label Studio, which serves local files by a query and puts a code before names of uploads."""
    parts = urlsplit(url)
    if local := parse_qs(parts.query).get("d"):
        return (clean_name(local[0]),)
    names = url_names(url)
    uploads = (_UPLOAD.match(name.rpartition("/")[2]) for name in names if "upload/" in name)
    return tuple(dict.fromkeys((*names, *(match[1] for match in uploads if match is not None))))
