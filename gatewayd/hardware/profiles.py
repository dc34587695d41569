"""Hardware profiles: what is known of a board, one TOML file each, as strictly read as the configuration.

A profile is found by its file's name. Those that come with the program lie in its `hw-profiles`; one of the same name
in `/etc/gatewayd/hw-profiles` takes its place as a whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.configuration.kinds import Invalid
from gatewayd.configuration.load import read_sources, toml_files
from gatewayd.configuration.parse import parse_source
from gatewayd.configuration.report import Report
from gatewayd.configuration.rules import Judge
from gatewayd.hardware.profile_rules import AUTO, check_profile
from gatewayd.hardware.profile_schema import PROFILE
from gatewayd.resources import resource_dir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewayd.configuration.entries import Source
    from gatewayd.hardware.profile import Profile

__all__ = ["AUTO", "USER_PROFILES", "load_profiles", "parse_profiles", "profile_directories"]

USER_PROFILES = Path("/etc/gatewayd/hw-profiles")


def profile_directories(root: Path = Path("/")) -> tuple[Path, ...]:
    """Where profiles are looked for; of two with one name the later wins. `root` stands for `/` in a user's own."""
    return resource_dir("hw-profiles"), root / USER_PROFILES.relative_to("/")


def load_profiles(directories: Sequence[Path]) -> dict[str, Profile]:
    """Read every `*.toml` in `directories`, sorted by name; a profile in a later one wins over its namesake.

    A directory that does not exist has none. Raises `ConfigurationInvalid` with the problems of all profiles at once.
    """
    report = Report()
    files = {file.stem: file for directory in directories for file in toml_files(directory, report)}
    return parse_profiles(read_sources(files.values(), report), report)


def parse_profiles(sources: Sequence[Source], report: Report | None = None) -> dict[str, Profile]:
    """Profiles by name from the content of their files; `report` may bring problems from reading them.

    Raises `ConfigurationInvalid` with the problems of all profiles at once.
    """
    problems = report or Report()
    profiles = {}
    for source in sources:
        profile = _profile(source, problems)
        if profile is not None:
            profiles[profile.name] = profile
    problems.raise_if_any()
    return dict(sorted(profiles.items()))


def _profile(source: Source, problems: Report) -> Profile | None:
    root = parse_source(source, problems)
    if root is None:
        return None
    report = Report()
    profile = PROFILE.read(root, (), report, source=source.name)
    if not isinstance(profile, Invalid):
        check_profile(profile, Judge(root, report))
    problems.take(report)
    return None if isinstance(profile, Invalid) else profile
