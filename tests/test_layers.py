"""import-linter holds the layers against each other; this holds that no module has slipped past them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import gatewayd
from gatewayd.configuration.toml import parse_toml

PACKAGE = Path(gatewayd.__file__).parent
PYPROJECT = PACKAGE.parent / "pyproject.toml"
FACES = ("gatewayd", "gatewayd.__main__")


def contracts() -> list[dict[str, Any]]:
    document = cast("dict[str, Any]", parse_toml(PYPROJECT.read_bytes()))
    return cast("list[dict[str, Any]]", document["tool"]["importlinter"]["contracts"])


def layered() -> set[str]:
    layers = next(contract["layers"] for contract in contracts() if contract["type"] == "layers")
    return {module.strip() for layer in layers for module in layer.replace("|", ":").split(":")}


def modules() -> set[str]:
    paths = (path.relative_to(PACKAGE.parent).with_suffix("") for path in PACKAGE.rglob("*.py"))
    return {".".join(path.parts) for path in paths if path.name != "__init__"}


def test_every_module_has_its_layer() -> None:
    homes = layered()
    homeless = {
        module
        for module in modules() - set(FACES)
        if not any(module == home or module.startswith(f"{home}.") for home in homes)
    }
    assert homeless == set()


def test_the_lowest_layer_is_what_the_pure_contract_guards() -> None:
    layers = next(contract["layers"] for contract in contracts() if contract["type"] == "layers")
    lowest = {module.strip() for module in layers[-1].split(":")}
    pure = next(contract["source_modules"] for contract in contracts() if contract["name"].startswith("The pure layer"))
    assert lowest == set(pure)
