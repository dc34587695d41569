"""Every metric: its name, what it means, and where its numbers stand in the daemon's answer.

docs/metrics.md is made from this table, and the Grafana dashboard is checked against it. Names may be added, never
renamed or removed: dashboards and alerts read them. Units are seconds, bytes and dBFS; what only grows ends in `_total`
in the text (the library adds that, and `_info`, `_bucket`, `_count` and `_sum`).
"""

from __future__ import annotations

from gatewayd.control.schema import FindingKind, MicrophoneHealth, SessionState
from gatewayd.metrics.family import Family, Kind
from gatewayd.metrics.reading import count, counts, distribution, kinds, length, number, state, words

DAEMON = (
    Family(
        "gatewayd_build",
        Kind.INFO,
        "The running version, and Python's.",
        words(version=("status", "version"), python=("measurements", "process", "python")),
        (),
    ),
    Family("gatewayd_ready", Kind.GAUGE, "1 once every station was started.", number("status", "ready"), ()),
    Family("gatewayd_uptime_seconds", Kind.GAUGE, "Time since the start.", number("status", "uptime_s"), ()),
    Family(
        "gatewayd_start_time_seconds",
        Kind.GAUGE,
        "Unix time of the start, by the clock as it is now: it moves when a clock that was wrong at boot is set.",
        number("start_time_s"),
        (),
    ),
    Family(
        "gatewayd_problems",
        Kind.GAUGE,
        "What is wrong with the daemon as a whole: parts that are stuck, a changed configuration that was refused.",
        length("status", "problems"),
        (),
    ),
    Family(
        "gatewayd_heartbeat_reachable",
        Kind.GAUGE,
        "1 while the service's heartbeat answers; absent before that is known, and without a heartbeat.",
        number("status", "heartbeat", "reachable"),
        (),
    ),
    Family(
        "gatewayd_heartbeat_rtt_seconds",
        Kind.GAUGE,
        "The last good heartbeat request, connecting included.",
        number("status", "heartbeat", "rtt_s", least=0.0),
        (),
    ),
    Family(
        "gatewayd_log_records_lost",
        Kind.COUNTER,
        "Log records that journald, or whatever reads them, did not take in time, by level.",
        counts("measurements", "records_lost"),
        ("level",),
    ),
    Family(
        "gatewayd_control_followers",
        Kind.GAUGE,
        "Clients of the control socket that follow events.",
        number("measurements", "followers", least=0.0),
        (),
    ),
    Family(
        "gatewayd_loop_lag_seconds",
        Kind.HISTOGRAM,
        "How much later than asked for the event loop woke up.",
        distribution("measurements", "loop_lag_s"),
        (),
    ),
    Family(
        "gatewayd_cpu_seconds",
        Kind.COUNTER,
        "Processor time of the daemon.",
        count("measurements", "process", "cpu_s"),
        (),
    ),
    Family(
        "gatewayd_resident_memory_bytes",
        Kind.GAUGE,
        "Resident memory of the daemon.",
        number("measurements", "process", "resident_bytes"),
        (),
    ),
    Family(
        "gatewayd_open_files",
        Kind.GAUGE,
        "Open file descriptors of the daemon.",
        number("measurements", "process", "open_files"),
        (),
    ),
)

STATION = (
    Family(
        "gatewayd_station",
        Kind.INFO,
        "What the station's hardware was found to be.",
        words(
            profile=("status", "profile"),
            capture_device=("status", "capture", "device"),
            playback_device=("status", "playback", "device"),
        ),
    ),
    Family(
        "gatewayd_station_state",
        Kind.STATE_SET,
        "Which state the station is in; only agent_ready holds a conversation.",
        state([each.value for each in SessionState], "status", "state"),
    ),
    Family("gatewayd_station_state_seconds", Kind.GAUGE, "Time in that state.", number("status", "since_s")),
    Family("gatewayd_station_muted", Kind.GAUGE, "1 while somebody muted it.", number("status", "muted")),
    Family(
        "gatewayd_station_restarts",
        Kind.COUNTER,
        "How often the station died of a bug and was started anew, beside others that went on.",
        count("status", "restarts"),
    ),
)

SESSION = (
    Family(
        "gatewayd_session_connects",
        Kind.COUNTER,
        "WebSocket connections opened.",
        count("status", "session", "connects"),
    ),
    Family(
        "gatewayd_session_ends",
        Kind.COUNTER,
        "Ended attempts and sessions by cause; a reconnect follows each but stopped and shut_down.",
        counts("measurements", "ends"),
        ("station", "cause"),
    ),
    Family(
        "gatewayd_session_failures",
        Kind.GAUGE,
        "Failed attempts in a row; 0 once a session proved stable.",
        number("status", "session", "attempt"),
    ),
    Family(
        "gatewayd_session_next_attempt_seconds",
        Kind.GAUGE,
        "Time until the next attempt; absent while none is waited for.",
        number("status", "session", "next_attempt_s"),
    ),
    Family(
        "gatewayd_session_token_seconds",
        Kind.HISTOGRAM,
        "Time until a session token was there.",
        distribution("measurements", "token_s"),
    ),
    Family(
        "gatewayd_session_ready_seconds",
        Kind.HISTOGRAM,
        "Time from the beginning of an attempt until the agent was ready.",
        distribution("measurements", "ready_s"),
    ),
    Family(
        "gatewayd_session_ping_seconds",
        Kind.HISTOGRAM,
        "Round trips of pings over the session's connection.",
        distribution("measurements", "ping_s"),
    ),
    Family(
        "gatewayd_session_frames_sent",
        Kind.COUNTER,
        "Frames (20 ms of sound) sent to the agent.",
        count("status", "session", "frames_sent"),
    ),
    Family(
        "gatewayd_session_frames_received",
        Kind.COUNTER,
        "Frames received from the agent.",
        count("status", "session", "frames_received"),
    ),
    Family(
        "gatewayd_session_frames_dropped",
        Kind.COUNTER,
        "Captured frames never sent: stalled, as the link took too long; no_session, as nobody wanted them; muted.",
        counts("status", "session", "frames_dropped"),
        ("station", "cause"),
    ),
    Family(
        "gatewayd_session_frame_age_seconds",
        Kind.HISTOGRAM,
        "How long frames that were sent had waited for it.",
        distribution("measurements", "frame_age_s"),
    ),
    Family(
        "gatewayd_session_queue_age_seconds",
        Kind.GAUGE,
        "Age of the oldest frame that waits to be sent; 0 while none does.",
        number("measurements", "queue_age_s", least=0.0),
    ),
)

CAPTURE = (
    Family(
        "gatewayd_capture_health",
        Kind.STATE_SET,
        "What the sound says of the microphone; silent is digital zero, stuck is one value over and over.",
        state([each.value for each in MicrophoneHealth], "status", "capture", "health"),
    ),
    Family(
        "gatewayd_capture_findings",
        Kind.GAUGE,
        "What is odd about the microphone besides, by kind.",
        kinds([each.value for each in FindingKind], "status", "capture", "findings"),
        ("station", "kind"),
    ),
    Family(
        "gatewayd_capture_level_dbfs",
        Kind.HISTOGRAM,
        "Levels of what the agent hears, one a second; digital zero has none.",
        distribution("measurements", "level_dbfs"),
    ),
    Family(
        "gatewayd_capture_last_level_dbfs",
        Kind.GAUGE,
        "The last of these; absent for digital zero.",
        number("status", "capture", "level_dbfs"),
    ),
    Family(
        "gatewayd_capture_digital_zero_seconds",
        Kind.COUNTER,
        "Time in which an open microphone gave nothing but digital zero, from the third second on.",
        count("measurements", "digital_zero_s"),
    ),
    Family(
        "gatewayd_capture_frames",
        Kind.COUNTER,
        "Frames made from what was captured: 50 a second prove that it hears.",
        count("status", "capture", "frames"),
    ),
    Family(
        "gatewayd_capture_xruns",
        Kind.COUNTER,
        "Times the card's buffer ran over.",
        count("status", "capture", "xruns"),
    ),
    Family(
        "gatewayd_capture_reopens",
        Kind.COUNTER,
        "Times the microphone was opened again.",
        count("status", "capture", "reopens"),
    ),
    Family(
        "gatewayd_capture_gaps",
        Kind.COUNTER,
        "Breaks in the sound, whatever caused them.",
        count("status", "capture", "gaps"),
    ),
    Family(
        "gatewayd_capture_gap_seconds",
        Kind.COUNTER,
        "Their lengths together.",
        count("status", "capture", "gap_s"),
    ),
    Family(
        "gatewayd_capture_measured_rate_hertz",
        Kind.GAUGE,
        "Samples a second by this device's clock; absent before it is known well enough.",
        number("status", "capture", "measured_rate_hz"),
    ),
    Family(
        "gatewayd_capture_mixer_problems",
        Kind.GAUGE,
        "Settings of the mixer that the card did not take.",
        length("status", "capture", "mixer_problems"),
    ),
)

PLAYBACK = (
    Family(
        "gatewayd_playback_frames_played",
        Kind.COUNTER,
        "Frames of the agent's that were played.",
        count("status", "playback", "frames_played"),
    ),
    Family(
        "gatewayd_playback_underruns",
        Kind.COUNTER,
        "Gaps in the agent's speech, as frames came too late.",
        count("status", "playback", "underruns"),
    ),
    Family(
        "gatewayd_playback_frames_dropped",
        Kind.COUNTER,
        "Received frames thrown away, as the card did not keep up or was not there.",
        count("status", "playback", "frames_dropped"),
    ),
    Family(
        "gatewayd_playback_reopens",
        Kind.COUNTER,
        "Times the loudspeaker was opened again.",
        count("status", "playback", "reopens"),
    ),
    Family(
        "gatewayd_playback_buffered_seconds",
        Kind.GAUGE,
        "Sound that waits to be played, without the card's share.",
        number("status", "playback", "buffered_ms", scale=0.001, least=0.0),
    ),
)

UP = Family("gatewayd_up", Kind.GAUGE, "1 while the daemon answers on its control socket.", number("up"), ())
OF_STATIONS = (*STATION, *SESSION, *CAPTURE, *PLAYBACK)
FAMILIES = (UP, *DAEMON, *OF_STATIONS)
