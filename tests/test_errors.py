from __future__ import annotations

from gatewayd.errors import CloudError, ConfigurationInvalid, DeviceBusy, ExitCode, GatewayError, Problem, Unavailable
from gatewayd.session.causes import Cause


def test_each_error_is_a_line_for_a_person_and_an_exit_code() -> None:
    problems = [Problem("a.toml", "agent.url", "is missing"), Problem("b.toml", "", "cannot be read")]
    told = {
        ConfigurationInvalid(problems): ("a.toml: agent.url: is missing\nb.toml: cannot be read", 78),
        DeviceBusy("hw:0", "another program holds it"): ("hw:0: another program holds it", 69),
        CloudError(Cause.DNS_FAILED, "no such host"): ("no such host", 69),
        Unavailable("no daemon"): ("no daemon", 69),
        GatewayError("odd"): ("odd", 70),
    }
    for error, (text, code) in told.items():
        assert (str(error), error.exit_code) == (text, ExitCode(code))
