"""What must hold between the keys of a hardware profile, once each is well-formed by itself."""

from __future__ import annotations

import difflib
from pathlib import PurePath
from typing import TYPE_CHECKING

from gatewayd.configuration.entries import Branch
from gatewayd.configuration.report import listed, name_of
from gatewayd.configuration.rules import beyond
from gatewayd.hardware.profile import Match
from gatewayd.hardware.settings import RecoveryStep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewayd.configuration.entries import Entry
    from gatewayd.configuration.report import Path
    from gatewayd.configuration.rules import Judge
    from gatewayd.hardware.profile import Profile
    from gatewayd.hardware.settings import MixerSetting

AUTO = "auto"
"""What a station says instead of a profile's name to have one found."""

_NEED_PROVENANCE = ("match", "capture", "playback", "duplex", "recovery")
_PARAMETERS = ("rate_hz", "format", "channels")
_VALUES = ("raw", "percent", "db", "switch", "choice")
_ENDINGS = tuple(
    f" {side}{what}" for side in ("Playback ", "Capture ", "") for what in ("Enum", "Switch", "Route", "Volume")
)
"""What libasound takes off a control's name to name its simple mixer element; the first that fits
(alsa-lib, src/mixer/simple_none.c)."""
_PLAYBACK_ENABLED = ("playback", "enabled")
_WHY_PICK = "capture.why_pick"
_PICK = "capture.pick"


def check_profile(profile: Profile, judge: Judge) -> None:
    """Report every rule that `profile` breaks; its provenance, being required, is known to be well-formed."""
    _check_name(profile, judge)
    _check_match(profile.match, judge)
    _check_pick(profile, judge)
    _check_buffers(profile, judge)
    _check_duplex(profile, judge)
    for number, setting in enumerate(profile.mixer, start=1):
        _check_mixer(setting, number, judge)
        _check_element((setting.control,), ("mixer", str(number), "control"), judge)
    _check_recovery(profile, judge)
    _check_covered(profile, judge)
    _check_covering(profile, judge)


def _check_name(profile: Profile, judge: Judge) -> None:
    if profile.name != PurePath(profile.source).stem:
        judge.broken(("name",), "differs from the name of the file; they must be the same")
    elif profile.name == AUTO:
        judge.broken(("name",), f"cannot be {AUTO}, which stands for finding a profile")


def _check_match(match: Match, judge: Judge) -> None:
    if match != Match() and match == Match(without_controls=match.without_controls):
        what = "recognises nothing by itself; give what the board does have, or leave it out for a profile used by name"
        judge.broken(("match", "without_controls"), what, with_keys=(("match",),))
    _check_element(match.controls, ("match", "controls"), judge)
    _check_element(match.without_controls, ("match", "without_controls"), judge)
    both = [control for control in match.controls if control in match.without_controls]
    if both:
        what = f"names {listed(both)}, which match.controls asks for"
        judge.broken(("match", "without_controls"), what, with_keys=(("match", "controls"),))


def _check_element(controls: tuple[str, ...], path: Path, judge: Judge) -> None:
    """Report a control's whole name, as `amixer controls` prints it, where its simple mixer element is meant."""
    for control in controls:
        ending = next((each for each in _ENDINGS if control.endswith(each) and control != each), None)
        if ending:
            element = name_of(control.removesuffix(ending))
            judge.broken(
                path, f"names a control in full; its mixer element, as `amixer scontrols` prints it, is {element}"
            )


def _check_pick(profile: Profile, judge: Judge) -> None:
    capture = profile.capture
    pick, channels, why = (("capture", key) for key in ("pick", "channels", "why_pick"))
    if capture.pick is not None and capture.channels is not None:
        what = beyond(capture.pick, capture.channels)
        if what:
            judge.broken(pick, what, with_keys=(channels,))
    if not capture.why_pick and (capture.pick is not None or (capture.channels or 1) > 1):
        what = "is missing; say which channel carries what, and why these are used"
        judge.broken(why, what, with_keys=(pick, channels))


def _check_buffers(profile: Profile, judge: Judge) -> None:
    for table, direction in (("capture", profile.capture), ("playback", profile.playback)):
        if direction.buffer_ms < 2 * direction.period_ms:
            what = f"is {direction.buffer_ms}, less than two periods of {direction.period_ms} ms"
            judge.broken((table, "buffer_ms"), what, with_keys=((table, "period_ms"),))


def _check_duplex(profile: Profile, judge: Judge) -> None:
    needing = (
        (("playback", "keep_alive"), profile.playback.keep_alive),
        (("duplex", "same_parameters"), profile.duplex.same_parameters),
        (("duplex", "capture_needs_playback"), profile.duplex.capture_needs_playback),
    )
    for path, asked in needing:
        if asked and not profile.playback.enabled:
            judge.broken(path, "asks for playback, and playback.enabled is false", with_keys=(_PLAYBACK_ENABLED,))
    for key in _PARAMETERS if profile.duplex.same_parameters else ():
        captured, played = getattr(profile.capture, key), getattr(profile.playback, key)
        if played is not None and played != captured:
            what = f"differs from capture.{key}, and duplex.same_parameters is true; leave it out"
            judge.broken(("playback", key), what, with_keys=(("capture", key), ("duplex", "same_parameters")))


def _check_mixer(setting: MixerSetting, number: int, judge: Judge) -> None:
    given = [name for name in _VALUES if getattr(setting, name) is not None]
    if len(given) != 1:
        what = f"has {' and '.join(given)}" if given else "has no value"
        judge.broken(("mixer", str(number)), f"{what}; give one of {', '.join(_VALUES)}")


def _check_recovery(profile: Profile, judge: Judge) -> None:
    steps = profile.recovery.steps
    path = ("recovery", "steps")
    if RecoveryStep.ALARM in steps[:-1]:
        judge.broken(path, "goes on after alarm; a person is called last")
    if RecoveryStep.REOPEN_DUPLEX in steps and not profile.playback.enabled:
        judge.broken(
            path,
            "has reopen-duplex, and playback.enabled is false",
            with_keys=(_PLAYBACK_ENABLED,),
        )


def _check_covered(profile: Profile, judge: Judge) -> None:
    """Report what stands in the profile and has no provenance, in a line for each table."""
    told = {fact.place for fact in profile.provenance}
    for table, places in _places(profile, judge.root).items():
        bare = [place for place in places if not ({table, place} & told or _spoiled(place, judge))]
        if not bare:
            continue
        if bare == [table]:
            what = f"has no provenance; add {name_of(table)} to [provenance]"
        else:
            keys = ", ".join(name_of(place.partition(".")[2]) for place in bare)
            what = f"no provenance for {keys}; add {table} to [provenance], or each of them as {name_of(bare[0])}"
        judge.report.add(profile.source, (table,), what, spoils=False)


def _check_covering(profile: Profile, judge: Judge) -> None:
    """Report provenance that speaks for nothing, or stands there twice."""
    standing = _places(profile, judge.root)
    known = {place for table, places in standing.items() for place in (table, *places)}
    told = [fact.place for fact in profile.provenance]
    for place in dict.fromkeys(told):
        if place not in known:
            near = difflib.get_close_matches(place, sorted(known), n=1)
            hint = f"; did you mean {name_of(near[0])}?" if near else ""
            what = f"speaks for nothing that stands in this profile{hint}"
        elif place in standing and standing[place] != [place] and set(standing[place]) <= set(told):
            what = "speaks for nothing: each key of this table is named more exactly; leave it out"
        elif told.count(place) > 1:
            what = "stands there twice; each place may be told once"
        else:
            continue
        judge.broken(("provenance", place), what, with_keys=((place.partition(".")[0],),))


def _spoiled(place: str, judge: Judge) -> bool:
    return judge.report.spoiled(tuple(place.split(".", 1)))


def _places(profile: Profile, root: Entry) -> dict[str, list[str]]:
    """By table, the dotted places of every fact that stands in the profile."""
    return {table: places for table, places in _standing(profile, root) if places}


def _standing(profile: Profile, root: Entry) -> Iterator[tuple[str, list[str]]]:
    assert isinstance(root, Branch)  # noqa: S101 - for mypy: what became a profile was a table
    if profile.quirks:
        yield "quirks", ["quirks"]
    for table in _NEED_PROVENANCE:
        entry = root.children.get(table)
        if isinstance(entry, Branch):
            places = (f"{table}.{key}" for key in entry.children)
            # why_pick explains pick, or what holds where that is left out: one fact.
            yield table, list(dict.fromkeys(_PICK if place == _WHY_PICK else place for place in places))
    yield "mixer", list(dict.fromkeys(f"mixer.{setting.control}" for setting in profile.mixer))
