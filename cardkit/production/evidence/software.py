"""What made a batch, as a software bill of materials: CycloneDX 1.5, JSON."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from cardkit.production.software import software_sha256

_PRODUCT = "cardkit"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_OF_THE_PRODUCT = re.compile(r"extra\s*==\s*['\"](test|dev)['\"]")
_EXTRA = re.compile(r"\bextra\s*==")


def bill_of_materials() -> dict[str, Any]:
    """Return the product with the digest of its files, the Python that runs it, and each package it stands on.

    Packages are those installed that it, or one of those, asks for; of optional ones those that are there.
    """
    main = distribution(_PRODUCT)
    component = _component("application", _PRODUCT, main.version)
    digest = {"name": "cardkit:files:sha256", "value": software_sha256()}
    python = {"type": "platform", "name": platform.python_implementation(), "version": platform.python_version()}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component | {"properties": [digest]}},
        "components": [python, *(_component("library", *each) for each in sorted(_dependencies().items()))],
    }


def _dependencies() -> dict[str, str]:
    found: dict[str, str] = {}
    waiting = [text for text in distribution(_PRODUCT).requires or () if not _NOT_OF_THE_PRODUCT.search(text)]
    while waiting:
        named = _NAME.match(waiting.pop())
        name = named[0].lower().replace("_", "-") if named else ""
        if not name or name in found:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:  # optional, or of another platform
            continue
        found[name] = package.version
        waiting += [text for text in package.requires or () if not _EXTRA.search(text)]
    return found


def _component(kind: str, name: str, version: str) -> dict[str, Any]:
    return {"type": kind, "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}
