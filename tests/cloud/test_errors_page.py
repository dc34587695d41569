"""docs/errors.md names every cause and every error class, and none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

from gatewayd import errors
from gatewayd.session.causes import Cause

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()


def test_every_cause_has_its_row() -> None:
    assert set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)) == {cause.value for cause in Cause}


def test_the_tree_is_the_tree() -> None:
    classes = {
        name
        for name, thing in vars(errors).items()
        if isinstance(thing, type) and issubclass(thing, errors.GatewayError)
    }
    tree = PAGE.partition("```\n")[2].partition("```")[0]
    assert set(re.findall(r"^[│├└─ ]*([A-Z]\w+)", tree, re.MULTILINE)) == classes
