from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatewayd.audio.formats import MAX_CHANNELS, RATES_HZ, SampleFormat, StreamParameters
from gatewayd.hardware.offers import PREFERRED_FORMATS, PREFERRED_RATES_HZ, Offer, best

S16, S24_3, S32 = SampleFormat.S16_LE, SampleFormat.S24_3LE, SampleFormat.S32_LE


def some_of(items: tuple[object, ...]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(items), min_size=1, max_size=4, unique=True).map(tuple)


OFFERS = st.lists(
    st.builds(Offer, some_of(tuple(SampleFormat)), some_of(RATES_HZ), some_of(tuple(range(1, MAX_CHANNELS + 1)))),
    max_size=4,
)


def test_every_rate_and_format_has_its_place() -> None:
    assert sorted(PREFERRED_RATES_HZ) == sorted(RATES_HZ)
    assert sorted(PREFERRED_FORMATS) == sorted(SampleFormat)


def test_the_rate_of_the_wire_comes_first_then_16_bits_then_few_channels() -> None:
    webcam = [Offer((S16,), (16000, 24000, 32000), (2,)), Offer((S16,), (48000,), (1,))]
    assert best(webcam) == StreamParameters(16000, S16, 2)
    interface = [Offer((S32,), (48000, 96000), (2, 8)), Offer((S32, S24_3), (48000,), (4, 6))]
    assert best(interface) == StreamParameters(48000, S24_3, 4)
    assert best([Offer((S16,), (8000, 44100), (4, 2, 1))]) == StreamParameters(44100, S16, 1)


def test_what_is_fixed_stays() -> None:
    offers = [Offer((S16,), (16000,), (1, 6)), Offer((S32,), (48000,), (2,))]
    assert best(offers, channels=6) == StreamParameters(16000, S16, 6)
    assert best(offers, format=S32) == StreamParameters(48000, S32, 2)
    assert best(offers, rate_hz=48000, format=S16) is None
    assert best([]) is None


def test_an_offer_reads_like_a_sentence() -> None:
    assert str(Offer((S16, S32), (48000, 16000), (2, 1))) == "S16_LE, S32_LE at 16000, 48000 Hz with 1, 2 ch"


@given(OFFERS, st.none() | st.sampled_from(RATES_HZ), st.none() | st.sampled_from(SampleFormat))
def test_the_best_is_offered_by_one_of_them(
    offers: list[Offer], rate_hz: int | None, sample_format: SampleFormat | None
) -> None:
    found = best(offers, rate_hz=rate_hz, format=sample_format)
    fitting = [
        offer for offer in offers if rate_hz in (None, *offer.rates_hz) and sample_format in (None, *offer.formats)
    ]
    if found is None:
        assert not fitting
        return
    assert rate_hz in (None, found.rate_hz)
    assert sample_format in (None, found.format)
    assert any(
        found.rate_hz in offer.rates_hz and found.format in offer.formats and found.channels in offer.channels
        for offer in fitting
    )
