# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials: arguments win over the environment, which wins over the profile; invalid input fails first."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.ensemble.jitsi.plugins.module_utils.errors import Invalid
from ansible_collections.ensemble.jitsi.plugins.module_utils.settings import Settings, from_arguments

ONE, TWO, THREE = (f"{number}1111111-1111-4111-8111-111111111111" for number in "123")


@pytest.fixture(autouse=True)
def no_config_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def test_order_of_sources(no_config_file: Path) -> None:
    file = no_config_file / "scw/config.yaml"
    file.parent.mkdir()
    file.write_text(
        f"secret_key: {ONE}\ndefault_project_id: {ONE}\ndefault_zone: nl-ams-2\n"
        f"profiles:\n  other:\n    secret_key: {THREE}\n    default_zone: pl-waw-1\n"
    )
    settings = from_arguments({}, {})
    assert (settings.secret_key, settings.zone, settings.region) == (ONE, "nl-ams-2", "nl-ams")
    assert from_arguments({}, {"SCW_SECRET_KEY": TWO}).secret_key == TWO
    assert from_arguments({"secret_key": THREE}, {"SCW_SECRET_KEY": TWO}).secret_key == THREE
    assert from_arguments({"profile": "other"}, {}).zone == "pl-waw-1"
    assert from_arguments({}, {"SCW_PROFILE": "other"}).secret_key == THREE
    with pytest.raises(Invalid, match="nobody"):
        from_arguments({"profile": "nobody"}, {})


def test_profiles_as_other_tools_read_them(no_config_file: Path) -> None:
    """The file may name the profile to use, and a profile inherits what it does not say."""
    file = no_config_file / "config.yaml"
    file.write_text(
        f"secret_key: {ONE}\ndefault_project_id: {ONE}\nactive_profile: other\n"
        f"profiles:\n  other:\n    default_region: pl-waw\n"
    )
    settings = from_arguments({"config_file": str(file)}, {})
    assert (settings.secret_key, settings.zone, settings.region) == (ONE, "pl-waw-1", "pl-waw")
    assert from_arguments({"config_file": str(file), "profile": "default"}, {}).zone == "fr-par-1"
    for text in ("- a list", "profiles: [a]", "a: b: c"):
        file.write_text(text)
        with pytest.raises(Invalid, match="cannot be used"):
            from_arguments({"config_file": str(file)}, {})


def test_one_account_and_no_other(no_config_file: Path) -> None:
    """Of a source that names another key nothing is used: neither its project nor its zone."""
    file = no_config_file / "scw/config.yaml"
    file.parent.mkdir()
    file.write_text(
        f"profiles:\n  lab:\n    secret_key: {THREE}\n    default_project_id: {THREE}\n    api_url: http://lab\n"
        f"    default_zone: pl-waw-1\n  bare:\n    default_zone: nl-ams-3\n"
    )
    exported = {"SCW_SECRET_KEY": TWO, "SCW_DEFAULT_PROJECT_ID": TWO, "SCW_DEFAULT_ZONE": "nl-ams-1"}
    lab = from_arguments({"profile": "lab"}, exported)
    assert (lab.secret_key, lab.project_id, lab.zone, lab.api_url) == (THREE, THREE, "pl-waw-1", "http://lab")
    assert from_arguments({"profile": "lab", "zone": "fr-par-2"}, exported).zone == "fr-par-2"
    ours = from_arguments({}, {**exported, "SCW_PROFILE": "lab"})
    assert (ours.secret_key, ours.project_id, ours.zone) == (TWO, TWO, "nl-ams-1")
    assert ours.api_url == "https://api.scaleway.com"
    del exported["SCW_DEFAULT_ZONE"]
    assert from_arguments({}, {**exported, "SCW_PROFILE": "lab"}).zone == "fr-par-1"
    assert from_arguments({"profile": "bare"}, exported).secret_key == TWO
    assert from_arguments({"profile": "bare"}, exported).zone == "nl-ams-3"
    argument = from_arguments({"secret_key": ONE}, exported)
    assert (argument.secret_key, argument.project_id) == (ONE, "")
    assert from_arguments({"secret_key": TWO}, exported).project_id == TWO


def test_where_each_value_came_from(no_config_file: Path) -> None:
    file = no_config_file / "config.yaml"
    file.write_text(f"secret_key: {ONE}\ndefault_project_id: {ONE}\ndefault_region: nl-ams\n")
    told = from_arguments({"config_file": str(file), "api_url": "http://lab"}, {}).told()
    assert told["secret_key"] == f"from profile default of {file}"
    assert told["zone"] == f"nl-ams-1 from profile default of {file}"
    assert told["api_url"] == "http://lab from argument api_url"
    exported = from_arguments({}, {"SCW_SECRET_KEY": TWO, "SCW_DEFAULT_PROJECT_ID": THREE}).told()
    assert exported["project_id"] == f"{THREE} from environment variable SCW_DEFAULT_PROJECT_ID"
    assert exported["zone"] == "fr-par-1 from default"
    assert TWO not in str(exported)


def test_a_zone_goes_with_its_own_region() -> None:
    known = {"SCW_SECRET_KEY": ONE, "SCW_DEFAULT_PROJECT_ID": ONE}
    paris = {**known, "SCW_DEFAULT_ZONE": "fr-par-2", "SCW_DEFAULT_REGION": "fr-par"}
    assert from_arguments({}, paris).zone == "fr-par-2"
    assert from_arguments({"zone": "nl-ams-1"}, paris).region == "nl-ams"
    assert from_arguments({"region": "nl-ams"}, paris).zone == "nl-ams-1"


def test_zero_is_a_number() -> None:
    assert from_arguments({"secret_key": ONE, "project_id": ONE, "api_retry_time": 0}, {}).api_retry_time == 0


def test_without_any(no_config_file: Path) -> None:
    with pytest.raises(Invalid, match="No Scaleway credentials"):
        from_arguments({}, {})
    with pytest.raises(Invalid, match="does not exist"):
        from_arguments({"config_file": str(no_config_file / "nope")}, {})


def test_places_and_projects() -> None:
    settings = from_arguments({"secret_key": ONE, "organization_id": TWO, "region": "pl-waw"}, {})
    assert (settings.zone, settings.region, settings.project) == ("pl-waw-1", "pl-waw", TWO)
    with pytest.raises(Invalid, match="No project"):
        _ = Settings(secret_key=ONE).project


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret_key": "abc"},
        {"api_url": "ftp://x"},
        {"zone": "paris"},
        {"region": "fr-par-1"},
        {"project_id": "production"},
        {"api_timeout": 0},
        {"api_ca_path": "/nowhere.pem"},
    ],
)
def test_invalid_input(wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        from_arguments({"secret_key": ONE, "project_id": ONE, **wrong}, {})


def test_the_secret_is_not_in_the_representation() -> None:
    assert ONE not in repr(Settings(secret_key=ONE))
