from __future__ import annotations

import pytest

from gatewayd.session.transitions import Phase
from tests.docs.state_diagram import PAGE, diagram, drawn_into


def test_the_page_shows_the_table_as_it_is() -> None:
    page = PAGE.read_text()
    assert drawn_into(page) == page, "run `make docs`"


def test_every_phase_is_drawn() -> None:
    drawing = diagram()
    assert all(phase.name in drawing for phase in Phase)
    assert "    WAITING --> FETCHING: deadline passed" in drawing.splitlines()


def test_a_page_without_a_place_for_the_drawing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a line"):
        drawn_into("# Architecture\n")
