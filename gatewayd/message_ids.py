"""One constant for each event that an operator may want to search for, be told of, or look up.

journald calls it MESSAGE_ID (systemd.journal-fields(7)): `journalctl MESSAGE_ID=…` finds every occurrence, and
`journalctl --catalog` shows beside it what systemd/gatewayd.catalog says about it. A record carries one in
`extra={"message_id": MessageId.…}`. An ID is never reused or changed: scripts and dashboards know it.
"""

from __future__ import annotations

from enum import Enum


class MessageId(str, Enum):
    """Random 128-bit numbers, as sd-id128(3) recommends, in lower-case hexadecimal."""

    DAEMON_READY = "718a2d56010240b79942ca18542c0591"
    """Sound and supervision run; whether the agent can be reached shows in the sessions."""
    DAEMON_STOPPING = "20dcd82d44d54ecc955ee64e7cfa612a"
    """Asked to leave; sessions are ended in good order."""
    CONFIGURATION_RELOADED = "f47ca84679bd4f0dbb8d492b495acb32"
    """A new configuration is in force."""
    CONFIGURATION_REJECTED = "81c34155427945cf88c3390822d0f759"
    """A new configuration has problems; the old one stays in force."""
    WATCHDOG_WITHHELD = "84fd18643e4e440ba1f401febc322196"
    """Something made no progress within its limit; systemd is going to end the daemon."""
    LOG_RECORDS_LOST = "9c56fc435efc437690b88d23e905e5b5"
    """Records could not be handed over and are gone."""
    STATION_DIED = "8907156f1bec4ec9998b4a53fe19558b"
    """A bug ended one of several stations; it is started anew."""
    STATION_MUTED = "341fcbcb477340c29e6ac7254b8dd174"
    """Somebody muted a microphone; its stream is closed."""
    STATION_UNMUTED = "f722484f27d04e269bf5c777b0aa1478"
    """Somebody unmuted it."""
    COMMAND_TAKEN = "6bf4c880ea3f4b1b8b1b377381d5353a"
    """Somebody asked for something on the control socket that changes what a station does."""
    AGENT_READY = "67201a9b3c334e0abb32143b6350ca98"
    """The agent listens, for the first time or again."""
    SESSION_ENDED = "0fa687345498403ab49c9586b63a842b"
    """An attempt or a session ended."""
    SESSIONS_SUMMED_UP = "2f2042433e9d431c9b6217147e971b70"
    """Attempts or sessions ended that were not told one by one."""
    CREDENTIAL_REFUSED = "96de08d914b042438948244f62c2fd0e"
    """The service refuses this device; only a person can change that."""
    SERVICE_REACHABLE = "e58f5844e5bb4c84bdffe11535dea6ef"
    """The service's heartbeat answers."""
    SERVICE_UNREACHABLE = "e8c40eb30e0641b08a17a16963f89884"
    """The service's heartbeat does not answer."""
    MICROPHONE_LOST = "a720c864169b4a52b6715d182fc0bff0"
    """Capture does not work and is tried again."""
    MICROPHONE_FOUND = "8328629018384d40917fb8f94daecc8c"
    """Capture works again."""
    MICROPHONE_UNWELL = "421238362c0749d2845a4200c5570b21"
    """The sound itself is wrong: silent, stuck, clipping, one channel dead."""
    MICROPHONE_WELL = "76ea4d91c4464f43a33581891ac38c01"
    """The sound is right again."""
    MICROPHONE_GIVEN_UP = "643ce49b69cc40a68fa1995975826f59"
    """Every remedy was tried; a person has to look."""
    SPEAKER_LOST = "89ce53717b654ee583351f54acdb8560"
    """Playback does not work and is tried again."""
    SPEAKER_FOUND = "71050d1d55f14bd8abb6d33017fbbdc9"
    """Playback works again."""
    DEVICE_REFUSED = "37426daccd7b42ceb023a8bae7b1ffa3"
    """A card may not be opened, or cannot do what is asked of it."""
    RECOVERY_STEP_TAKEN = "5a92bc6e5f7c4f5a8fdcceef4049df8c"
    """A microphone that gives nothing usable is helped: reopened, reset."""
    SOUND_MISSING = "871177dcab8642ce903a77830343a1d0"
    """Sound was lost between card and session."""
