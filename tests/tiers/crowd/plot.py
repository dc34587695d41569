"""Draws docs/reconnecting.png from the same simulations that the tests judge: `python -m tests.tiers.crowd.plot`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from tests.tiers.crowd import scenarios
from tests.tiers.crowd.scenarios import BUSY_S, CLIENTS, OUTAGE_S
from tests.tiers.crowd.test_hammering import CASES, lives

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from tests.tiers.crowd.scenarios import Outcome

PICTURE = Path(__file__).parents[3] / "docs" / "reconnecting.png"
BLUE, ORANGE, GREEN, PURPLE, GREY = "#2b6cb0", "#dd6b20", "#2f855a", "#805ad5", "#718096"
"""Told apart by colour-blind readers too, with the line's width and the text beside it."""
SHADE = "#f1f3f5"
STEADY_HZ = CLIENTS / 30.0


def draw(path: Path) -> None:
    """Play everything through, for about a minute, and write a PNG."""
    outage, steered, busy = scenarios.outage(), scenarios.steered_outage(), scenarios.busy_return()
    figure = Figure(figsize=(13.0, 9.6), dpi=110, layout=ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.12))
    FigureCanvasAgg(figure)
    figure.suptitle(
        f"{CLIENTS:,} devices lose the service in the same moment".replace(",", " "),
        x=0.012,
        ha="left",
        fontsize=15,
        fontweight="bold",
    )
    grid = figure.add_gridspec(2, 3, height_ratios=[1.25, 1.0])
    _draw_outage(figure.add_subplot(grid[0, :]), outage, steered, busy)
    _draw_first_minute(figure.add_subplot(grid[1, 0]), outage)
    _draw_restarts(figure.add_subplot(grid[1, 1]))
    _draw_connects(figure.add_subplot(grid[1, 2]))
    figure.savefig(path)


def _draw_outage(axes: Axes, outage: Outcome, steered: Outcome, busy: Outcome) -> None:
    end_s = OUTAGE_S + 170.0
    axes.axvspan(0.0, OUTAGE_S, color=SHADE, zorder=0)
    axes.text(OUTAGE_S / 2, 1035, "connections are refused for ten minutes", color=GREY, ha="center", fontsize=10)
    axes.axvspan(OUTAGE_S, OUTAGE_S + BUSY_S, color="#fdf0e4", zorder=0)
    axes.text(OUTAGE_S + BUSY_S / 2, 1035, "back, or 503", color=ORANGE, ha="center", fontsize=10)
    back_s = OUTAGE_S - 1.0
    _line(axes, outage.rate_hz(0.0, end_s), 0.0, BLUE, "no heartbeat configured")
    _line(
        axes,
        steered.rate_hz(0.0, end_s),
        0.0,
        GREEN,
        "a heartbeat steers (its own 1 000 requests per second not drawn)",
    )
    _line(axes, busy.rate_hz(back_s, end_s), back_s, ORANGE, "no heartbeat, and 503 with Retry-After: 30 for a minute")
    for line, order in zip(axes.patches[-3:], (4, 3, 2), strict=True):
        line.set_zorder(order)
    axes.axhline(STEADY_HZ, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.text(end_s - 2, STEADY_HZ + 18, "10 000 devices / 30 s", color=GREY, fontsize=9, ha="right")
    axes.set_xlim(-10, end_s)
    axes.set_ylim(0, 1100)
    axes.set_xlabel("seconds since the connections were lost")
    axes.set_ylabel("attempts per second")
    axes.set_title(
        "An outage: attempts settle at an even rate, and fade when the service is back",
        loc="left",
        fontsize=12,
    )
    axes.legend(loc="upper right", bbox_to_anchor=(0.745, 0.94), frameon=False, fontsize=10)
    axes.annotate(
        "first seconds: up to 10 000,\nsee below",
        xy=(24, 1088),
        xytext=(66, 930),
        fontsize=9,
        color=BLUE,
        arrowprops={"arrowstyle": "->", "color": BLUE},
    )
    _plain(axes)


def _draw_first_minute(axes: Axes, outage: Outcome) -> None:
    rate_hz = outage.rate_hz(0.0, 60.0)
    axes.bar(np.arange(60) + 0.5, rate_hz, width=1.0, color=BLUE)
    axes.axhline(STEADY_HZ, color="#1a202c", linewidth=0.9, linestyle=(0, (4, 3)))
    axes.text(1.5, STEADY_HZ * 0.93, "10 000 devices / 30 s", color="white", fontsize=9, va="top")
    axes.set_yscale("log")
    axes.set_ylim(100, 15_000)
    axes.set_yticks([100, 1000, 10_000], ["100", "1 000", "10 000"])
    axes.minorticks_off()
    axes.set_xlim(0, 60)
    axes.set_xlabel("seconds since the connections were lost")
    axes.set_ylabel("attempts per second (log)")
    axes.set_title("The first minute of the outage", loc="left", fontsize=12)
    _plain(axes)


def _draw_restarts(axes: Axes) -> None:
    for outcome, colour, label in (
        (scenarios.restart(), PURPLE, "close 1012: 0.5 to 1 s"),
        (scenarios.shutdown(), ORANGE, "session_ended, server_shutdown"),
        (scenarios.power_cut(), GREEN, "power cut: all boot at once"),
    ):
        edges_s = np.arange(0.0, 8.01, 0.1)
        counts, _ = np.histogram(outcome.arrivals_s, bins=edges_s)
        axes.stairs(counts * 10.0, edges_s, color=colour, linewidth=1.8, label=label)
    axes.set_xlim(0, 8)
    axes.set_ylim(0, 24_000)
    axes.set_yticks([0, 2_000, 10_000, 20_000], ["0", "2 000", "10 000", "20 000"])
    axes.set_xlabel("seconds since it happened")
    axes.set_ylabel("attempts per second")
    axes.set_title("The service is back at once", loc="left", fontsize=12)
    axes.legend(loc="upper right", frameon=False, fontsize=9)
    _plain(axes)


def _draw_connects(axes: Axes) -> None:
    for name, colour in (("4003", PURPLE), ("1000", GREEN), ("4500", BLUE)):
        behaviour, _ = CASES[name]
        connects = [len(street.clients[0].connected_at_s) for street in lives(behaviour)]
        shares = np.bincount(connects) / len(connects) * 100.0
        numbers = np.arange(len(shares))
        axes.bar(
            numbers, shares, width=0.9, color=colour, alpha=0.6, label=f"close {name}: mean {np.mean(connects):.1f}"
        )
    for limit, label in ((28, "mean\nat most"), (45, "never\nover")):
        axes.vlines(limit, 0, 42, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.text(limit - 0.7, 42, label, color=GREY, fontsize=9, va="top", ha="right")
    axes.set_xlim(0, 47)
    axes.set_ylim(0, 58)
    axes.set_xticks([0, 10, 20, 28, 45])
    axes.set_xlabel("connects in ten minutes")
    axes.set_ylabel("% of 1 000 devices")
    axes.set_title("A service that accepts, then closes", loc="left", fontsize=12)
    axes.legend(loc="upper left", bbox_to_anchor=(0.1, 1.02), frameon=False, fontsize=9)
    _plain(axes)


def _line(axes: Axes, rate_hz: npt.NDArray[np.float64], from_s: float, colour: str, label: str) -> None:
    axes.stairs(rate_hz, from_s + np.arange(len(rate_hz) + 1), color=colour, linewidth=1.2, label=label, baseline=None)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
