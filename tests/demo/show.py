"""The whole demo: prepare the card, converse, measure, judge, draw, tell."""

from __future__ import annotations

import compileall
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import trio

import gatewayd
from gatewayd.audio.formats import FRAME_S
from tests.demo.conversation import ConversationFailed, Course, Observer, converse
from tests.demo.live import live_view
from tests.demo.measurements import CardFigures, CardRecording, Measurements, NotAvailable, measure
from tests.demo.picture import Row, draw_conversation
from tests.demo.plan import SOFT_CARD, Plan, Workplace, workplace
from tests.demo.recordings import RecordingUnusable
from tests.demo.sentence import Sentence, make_sentence
from tests.demo.summary import busy_hint, print_summary
from tests.demo.verdict import judge, passed
from tests.softcard.card import SoundRack, StreamDefinition
from tests.softcard.timeline import Direction, EventKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from tests.demo.delays import Delays
    from tests.softcard.card import SoftCard

OK, NOT_RIGHT, INTERRUPTED = 0, 1, 130


class Interrupted(Exception):
    """Someone does not want to wait for the end."""


def run_demo(plan: Plan, folder: Path, console: Console) -> int:
    """Run one demo and return the process's exit code.

    Raises `FolderOccupied` and `OSError` where the folder cannot be used.
    """
    with workplace(folder) as place:
        try:
            return _run(plan, place, console)
        except (ConversationFailed, RecordingUnusable) as error:
            console.print(f"The conversation did not happen: {error}", style="red", highlight=False, soft_wrap=True)
            if hint := busy_hint():
                console.print(hint, style="yellow", highlight=False, soft_wrap=True)
            return NOT_RIGHT
        except Interrupted:
            console.print("Interrupted; both processes were stopped.", style="yellow")
            return INTERRUPTED


def _run(plan: Plan, place: Workplace, console: Console) -> int:
    # As pip does when it installs: a daemon that has to compile itself first keeps some 4 MB of it.
    compileall.compile_dir(Path(gatewayd.__file__).parent, quiet=2)
    recording: CardRecording | None = None
    if plan.card.real:
        console.print("Speak: the agent says everything again, a second later. Headphones keep it from hearing itself.")
        course = _watch(plan, place, {}, console)
    else:
        rack, sentence = SoundRack(place.run), make_sentence(plan.conversation_s)
        card = _plug_in(rack, plan, sentence)
        course = _watch(plan, place, rack.environment, console)
        recording = CardRecording(
            sentence, card.played(), card.timeline(Direction.CAPTURE), card.timeline(Direction.PLAYBACK)
        )
    measurements = measure(plan, place, course, recording)
    checks = judge(measurements)
    _draw(place, measurements, recording)
    print_summary(console, measurements, checks, place)
    return OK if passed(checks) else NOT_RIGHT


def _plug_in(rack: SoundRack, plan: Plan, sentence: Sentence) -> SoftCard:
    """A card that offers nothing but what the plan says."""
    offer = plan.card.capture
    card = rack.plug_in(
        SOFT_CARD,
        StreamDefinition(
            formats=(offer.format.value,), rates_hz=(offer.rate_hz,), channels=(offer.channels,), loop=False
        ),
    )
    card.play_in(sentence.as_microphone())
    return card


def _title(plan: Plan) -> str:
    kind = "real card" if plan.card.real else "software card"
    return f"A conversation over {plan.card.device} ({kind}: {plan.card.capture})"


def _watch(plan: Plan, place: Workplace, environment: Mapping[str, str], console: Console) -> Course:
    with live_view(console, _title(plan), plan.conversation_s) as observer:
        return trio.run(_converse_unless_interrupted, plan, place, environment, observer)


async def _converse_unless_interrupted(
    plan: Plan, place: Workplace, environment: Mapping[str, str], observer: Observer
) -> Course:
    ends: list[Course | ConversationFailed] = []
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:

            async def cancel_on_signal() -> None:
                await signals.__anext__()
                nursery.cancel_scope.cancel()

            nursery.start_soon(cancel_on_signal)
            try:
                ends.append(await converse(plan, place, environment, observer))
            except ConversationFailed as failure:  # kept: out of a nursery it would come wrapped in a group
                ends.append(failure)
            nursery.cancel_scope.cancel()
    if not ends:
        raise Interrupted
    if isinstance(ends[0], ConversationFailed):
        raise ends[0]
    return ends[0]


def _draw(place: Workplace, measurements: Measurements, card: CardRecording | None) -> None:
    course, recording = measurements.course, measurements.recording
    if measurements.card is None or card is None:
        rows = [
            Row("What the agent heard", recording.heard.samples, 0.0),
            Row("What the agent said", recording.said.samples, measurements.plan.echo_delay_s),
        ]
        draw_conversation(place.picture, _title(measurements.plan), rows, ends_s=course.talked_s)
        return
    began_ns = card.capture.of(EventKind.START)[0].time_ns
    rows = _soft_card_rows(measurements, measurements.card, card, began_ns)
    draw_conversation(place.picture, _title(measurements.plan), rows, ends_s=(course.ended_ns - began_ns) / 1e9)


def _soft_card_rows(measurements: Measurements, figures: CardFigures, card: CardRecording, began_ns: int) -> list[Row]:
    """The three stages, each where it was in time after the card's first captured sample at `began_ns`."""
    heard, heard_like, played_like = measurements.recording.heard, figures.heard.value, figures.played.value
    speaker_ns = card.playback.of(EventKind.START)[0].time_ns
    return [
        Row("The sentences, as they enter the microphone", figures.sentence_sound, 0.0),
        Row(
            f"What the agent heard: similarity {heard_like:.5f}{_after(figures.to_service, 'the card')}",
            heard.samples,
            (int(heard.times_ns[0]) - began_ns) / 1e9 - FRAME_S,
        ),
        Row(
            f"What the speaker played: similarity {played_like:.5f}{_after(figures.mouth_to_ear, 'it was said')}",
            figures.played_sound,
            (speaker_ns - began_ns) / 1e9,
        ),
    ]


def _after(delays: Delays | NotAvailable, what: str) -> str:
    return "" if isinstance(delays, NotAvailable) else f", {delays.p50_ms:.1f} ms after {what}"
