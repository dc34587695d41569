"""What the crowd measured is shown at the end of the run, whether or not it held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_FIGURES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FIGURES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[_FIGURES]:
        terminalreporter.section("figures")
        for figure in config.stash[_FIGURES]:
            terminalreporter.line(figure)


@pytest.fixture
def show(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Put a line among the figures."""
    return request.config.stash[_FIGURES].append
