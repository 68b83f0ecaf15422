"""A software bill of materials in CycloneDX's JSON, from the lock: `python -m janus.records.sbom > sbom.json`.

Every package of requirements.lock and requirements-parquet.lock at its version; licences and dependencies are those
that the installed packages name. The same lock and environment give the same bytes: there is no time in it, and its
serial number follows from its content.
"""

import importlib.metadata
import json
import re
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from janus.console import json_text, write_data_in_utf8

_ROOT = Path(__file__).resolve().parents[2]
_LOCKS = ("requirements.lock", "requirements-parquet.lock")
# The namespace of serial numbers: that of URLs.
_SPACE = uuid.NAMESPACE_URL


def bill_of_materials(root: Path = _ROOT) -> dict[str, Any]:
    """The document, as CycloneDX 1.6 defines it."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = dict(pin for name in _LOCKS for pin in _pins(root / name))
    references = {_canonical(name): _purl(name, version) for name, version in pinned.items()}
    own = f"pkg:generic/{project['name']}@{project['version']}"
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": project["name"],
                "version": project["version"],
                "description": project["description"],
                "purl": own,
            }
        },
        "components": [_component(name, version) for name, version in sorted(pinned.items())],
        "dependencies": [
            {"ref": own, "dependsOn": sorted(_needed(project["dependencies"], references))},
            *(
                {"ref": references[_canonical(name)], "dependsOn": sorted(_needed(_requires(name), references))}
                for name in sorted(pinned)
            ),
        ],
    }
    serial = uuid.uuid5(_SPACE, json.dumps(content, sort_keys=True))
    return {"serialNumber": f"urn:uuid:{serial}", **content}


def _pins(lock: Path) -> Iterator[tuple[str, str]]:
    for line in lock.read_text(encoding="utf-8").splitlines():
        if "==" in line and not line.startswith("#"):
            name, _, version = line.strip().partition("==")
            yield name, version


def _component(name: str, version: str) -> dict[str, Any]:
    reference = _purl(name, version)
    component = {"type": "library", "bom-ref": reference, "name": name, "version": version, "purl": reference}
    return component | ({"licenses": licences} if (licences := _licences(name)) else {})


def _licences(name: str) -> list[dict[str, Any]]:
    """What an installed package says of its licence: an SPDX expression, or the names of its classifiers."""
    try:
        about = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return []
    if expression := about.get("License-Expression"):
        return [{"expression": expression}]
    named = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or () if line.startswith("License ::")]
    return [{"license": {"name": one}} for one in named]


def _requires(name: str) -> list[str]:
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def _needed(lines: list[str], references: dict[str, str]) -> set[str]:
    """The references of the pinned packages that these requirements name on this machine."""
    wanted = map(Requirement, lines)
    names = {_canonical(one.name) for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})}
    return {references[name] for name in names if name in references}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{_canonical(name)}@{version}"


if __name__ == "__main__":
    write_data_in_utf8()
    print(json_text(bill_of_materials(), indent=1))
