"""What leaves the device in a bundle: secrets go, whatever their place; what support needs stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.diagnosis.scrubbing import Scrubber

KEY = "dk7Rw2ZtYp4Nq8Bv1Xc6Mf3Js9Hg5LaEuTi0Od"
WORD = "hunter2-of-the-lobby"
GONE = "[redacted]"


def scrubbed(text: str, *known: str) -> str:
    return Scrubber(known).text(text)


class TestKnown:
    @pytest.mark.parametrize("text", [WORD, f"a {WORD} b", f'"{WORD}"', WORD.upper(), f"x={WORD};y", f"pre{WORD}post"])
    def test_a_known_secret_is_gone_wherever_it_stands(self, text: str) -> None:
        assert WORD not in scrubbed(text, WORD).lower()
        assert GONE in scrubbed(text, WORD)

    def test_a_part_of_one_too(self) -> None:
        for start in range(len(WORD) - 15):
            assert WORD[start : start + 15] not in scrubbed(f"cut off: {WORD[start : start + 15]}", WORD)

    def test_a_short_one_would_be_found_everywhere(self) -> None:
        assert scrubbed("a lobby", "lobby") == "a lobby"

    @given(
        st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=6, max_size=60), st.text(max_size=20)
    )
    def test_whatever_it_is_made_of(self, secret: str, around: str) -> None:
        assert secret.lower() not in scrubbed(f"{around} {secret} {around}", secret).lower().replace(GONE, "")


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {KEY}",
        f"the answer was {KEY}.",
        f"wss://voice.example/ws?token={KEY}",
        "https://lobby:hunter22@proxy.example:3128/",
        f"token {KEY}, cause token_refused",
        f"api_key={KEY}",
        "password: hunter22-secret",
        '"client_secret": "hunter22-secret"',
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKc\nhunter22\n-----END PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----\nhunter22, and the rest was cut",
    ],
)
def test_what_has_the_form_of_a_secret(text: str) -> None:
    after = scrubbed(text)
    assert GONE in after
    for secret in (KEY, "hunter22", "dozjgNryP4J3jVmNHl0w5N", "MIIEvQ"):
        assert secret not in after


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T15:07:55Z gatewayd[812]: agent ready after 0.41 s",
        "/sys/devices/platform/scb/fd500000.pcie/pci0000:00/0000:00:00.0/usb1/1-1/1-1.2/1-1.2:1.0/sound/card3",
        "usb 1-1.2: New USB device found, idVendor=0d8c, idProduct=0014, bcdDevice= 1.00",
        "_BOOT_ID=5f0a4c4b7b7e4b0d9a3b0f6f3a1c2d3e",
        "agent.token.url: check agent.token.url and agent.token.method",
        "hw:CARD=ArrayUAC10,DEV=0 gives sound at -38 dBFS",
        "snd_soc_simple_card_utils 24576 1 snd_soc_audio_graph_card",
        "token_refused, token_timed_out: the token endpoint answered HTTP 401",
    ],
)
def test_what_support_needs_stays(text: str) -> None:
    assert scrubbed(text) == text


def test_the_serial_number_in_the_kernel_s_log_goes() -> None:
    assert scrubbed("usb 1-1.2: SerialNumber: 4150323930") == "usb 1-1.2: SerialNumber: [left out]"
    assert scrubbed("usb 1-1.2: Product=2, SerialNumber=3") == "usb 1-1.2: Product=2, SerialNumber=3"


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ('credential = "hunter22"', f'credential = "{GONE}"'),
        ("credential = hunter22", f'credential = "{GONE}"'),
        ('credential = "hunter22', f'credential = "{GONE}"'),
        ('credential = "/etc/gatewayd/key"', 'credential = "/etc/gatewayd/key"'),
        ('credential = "/etc/gatewayd/key"  # root only', 'credential = "/etc/gatewayd/key"  # root only'),
        ('credential = ""', 'credential = ""'),
        ('#client_key = ""', '#client_key = ""'),
        ('# password = "hunter22"', f'# password = "{GONE}"'),
        ("agent.token.api_key = 'hunter22'", f'agent.token.api_key = "{GONE}"'),
        ('"api key" = "hunter22"', f'"api key" = "{GONE}"'),
        ('password = """\nhunter22\nhunter22"""\nx = 1', f'password = "{GONE}"\nx = 1'),
        ('secrets = 1\nsecret = [\n  "hunter22",\n]', f'secrets = 1\nsecret = "{GONE}"'),
        ('headers = { X-Api-Key = "hunter22", A = "b" }', f'headers = {{ X-Api-Key = "{GONE}", A = "b" }}'),
        ('command = ["/usr/bin/mint", "--with", "hunter22"]', f'command = ["/usr/bin/mint", "{GONE}"]'),
        ('command = ["/usr/bin/mint"]', 'command = ["/usr/bin/mint"]'),
        ('command = "mint hunter22"', f'command = ["{GONE}"]'),
        ('token_field = "token"\nurl = "https://a.example/v1"', 'token_field = "token"\nurl = "https://a.example/v1"'),
        ('proxy = "http://me:hunter22@proxy:3128"', f'proxy = "http://{GONE}@proxy:3128"'),
    ],
)
def test_a_configuration_with_secrets_by_mistake(line: str, after: str) -> None:
    assert Scrubber().toml(line) == after


def test_a_document_is_scrubbed_to_its_leaves() -> None:
    document = {"token": WORD, "a": [{"b": f"x {KEY}"}, 5, None, True], "session": {"last_end": {"detail": "fine"}}}
    assert Scrubber().tree(document) == {
        "token": GONE,
        "a": [{"b": f"x {GONE}"}, 5, None, True],
        "session": {"last_end": {"detail": "fine"}},
    }


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    scrubber = Scrubber([WORD])
    assert scrubber.text(text).count("\n") == text.count("\n")
    scrubber.toml(text)
