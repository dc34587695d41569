from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayd.configuration.secrets import is_secret, names_secret, query_names_secret


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "x-api-key", "apikey", "APIKey"),
        *("api_key", "apiKey", "X-Auth-Token", "token", "access_token", "accessToken", "TOKEN", "secret"),
        "clientSecret",
        *("client_secret", "password", "passwd", "pwd", "passphrase", "private_key", "privateKey", "X-Access-Key"),
        *("credential", "credentials", "jwt", "secret2", "password_1", "Ocp-Apim-Subscription-Key", "X-Amz-Signature"),
    ],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("X-Device", "agent_id", "key", "device_key", "keyboard", "token_type", "max_tokens", "token_ttl", "monkey"),
        *("secretary", "password_policy", "authorized", "Content-Type", "", "42", "-", "X-Request-Id", "cookies"),
    ],
)
def test_names_of_anything_else(name: str) -> None:
    assert not names_secret(name)


@pytest.mark.parametrize("value", ["Bearer abcdefgh1", "bearer  A1b2c3d4e5", "-----BEGIN PRIVATE KEY-----\nMII"])
def test_values_that_can_be_nothing_but_secrets(value: str) -> None:
    assert is_secret(value)


@pytest.mark.parametrize("value", ["", "bearer", "Bearer of good news", "basic", "-----BEGIN CERTIFICATE-----"])
def test_values_that_may_be_anything(value: str) -> None:
    assert not is_secret(value)


def test_a_query_is_judged_by_its_names() -> None:
    assert query_names_secret("https://h/?v=1&access_token=x")
    assert query_names_secret("https://h/?KEY=x")
    assert not query_names_secret("https://h/token/?v=1&max_tokens=3")


@settings(deadline=None)
@given(st.text(), st.sampled_from(["_token", "-Token", "Token", "_api_key", "-Api-Key", "_secret", "Password"]))
def test_whatever_comes_before_the_last_word(before: str, last: str) -> None:
    assert names_secret(before + last) or before[-1:].isalpha()
