"""The low-pass filter of every rate conversion, designed at start in double precision.

It is a sinc shortened by a Kaiser window, kept as a function of continuous time: a conversion by any ratio samples the
same function at the instants it needs, so that one design serves every pair of rates.

Sources: J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", Proc. IEEE Int. Symp.
Circuits and Systems, 1974; the formulas as in Oppenheim and Schafer, Discrete-Time Signal Processing, section 7.5
(3rd edition 7.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    import numpy.typing as npt

ATTENUATION_UP_DB = 100.0
"""Stop-band attenuation of a conversion upwards; with a Kaiser window the distance of the pass-band ripple too.

The images it leaves in the band must stay well below the noise of 16-bit rounding, which lies 92 dB under a tone of
-6 dBFS.
"""
ATTENUATION_DOWN_DB = 90.0
"""Stop-band attenuation of a conversion downwards: a tone of -6 dBFS folds back at -96, near the noise of 16 bits.

Every 10 dB more would cost 0.17 ms of delay, and as much more time.
"""
PASS_EDGE = 7.05 / 8.0
"""End of the pass band as a share of the lower Nyquist frequency: 7.05 kHz against 8 kHz."""
STOP_EDGE = 8.95 / 8.0
"""Start of the stop band as a share of the lower Nyquist frequency: 8.95 kHz against 8 kHz.

Tones between 8 and 8.95 kHz fold to 7.05 to 8 kHz, where speech has next to nothing; in exchange the filter is short.
"""


@dataclass(frozen=True)
class LowpassKernel:
    """An impulse response over continuous time, symmetric about zero, with unity gain in the pass band."""

    cutoff_hz: float
    half_width_s: float
    """It is zero further than this from its centre."""
    beta: float
    """Shape of the Kaiser window."""

    def at(self, times_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The response at `times_s` from the centre, in 1/s, in an array of the same shape."""
        response = np.zeros_like(times_s)
        inside = np.abs(times_s) <= self.half_width_s
        inner_s = times_s[inside]
        window = np.i0(self.beta * np.sqrt(1.0 - (inner_s / self.half_width_s) ** 2)) / np.i0(self.beta)
        response[inside] = 2.0 * self.cutoff_hz * np.sinc(2.0 * self.cutoff_hz * inner_s) * window
        return response


def design_lowpass(rate_in_hz: int, rate_out_hz: int) -> LowpassKernel:
    """The filter between two rates: it keeps what both can hold, up to `PASS_EDGE` of the lower Nyquist frequency."""
    nyquist_hz = min(rate_in_hz, rate_out_hz) / 2.0
    transition_hz = (STOP_EDGE - PASS_EDGE) * nyquist_hz
    attenuation_db = ATTENUATION_UP_DB if rate_out_hz > rate_in_hz else ATTENUATION_DOWN_DB
    # Kaiser's estimate of the order, N - 1 = (A - 7.95) / (2.285 dw) with dw in radians per sample, is a length in
    # time once it is divided by the rate: the rate itself drops out.
    length_s = (attenuation_db - 7.95) / (2.285 * 2.0 * np.pi * transition_hz)
    return LowpassKernel(
        cutoff_hz=(PASS_EDGE + STOP_EDGE) / 2.0 * nyquist_hz,
        half_width_s=length_s / 2.0,
        beta=0.1102 * (attenuation_db - 8.7),  # Kaiser's formula for more than 50 dB
    )
