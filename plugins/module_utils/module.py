# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn a description into an Ansible module: arguments, errors and results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule

from .client import Client
from .engine import Resource, reconcile
from .errors import ASSUMED, Invalid, ScalewayError
from .fields import REPLACES, is_representation, tidy
from .masking import secrets_in
from .module_journal import recorder
from .settings import from_arguments

Spec = dict[str, Any]


def account_spec() -> Spec:
    """Arguments that every module takes, so that one module_defaults entry serves all."""
    return {
        "access_key": {"type": "str", "no_log": False},
        "secret_key": {"type": "str", "no_log": True},
        "project_id": {"type": "str"},
        "organization_id": {"type": "str"},
        "zone": {"type": "str"},
        "region": {"type": "str"},
        "api_url": {"type": "str"},
        "profile": {"type": "str"},
        "config_file": {"type": "path"},
        "api_timeout": {"type": "float", "default": 60.0},
        "api_retry_time": {"type": "float", "default": 60.0},
        "api_proxy": {"type": "str"},
        "api_ca_path": {"type": "path"},
        "owner_tag": {"type": "str"},
    }


def resource_spec(description: type[Resource]) -> Spec:
    """The whole argument spec of a description's module."""
    spec = account_spec()
    spec.update({entry.name: entry.option for entry in description.fields if entry.option})
    spec.update(description.options)
    spec.update(
        id={"type": "str"},
        name={"type": "str"},
        state={"type": "str", "choices": list(description.states), "default": description.states[0]},
        wait={"type": "bool", "default": True},
        wait_timeout={"type": "int", "default": 600},
    )
    if any(entry.change == REPLACES for entry in description.fields):
        spec["recreate"] = {"type": "bool", "default": False}
    return spec


def tidy_arguments(module: AnsibleModule, spec: Spec, params: dict[str, Any]) -> None:
    """Bring texts and lists of texts among the arguments into the form that was meant.

    An empty element is an error; in check mode it may be the id of what an earlier task would have made.

    Raises:
        Invalid: data was given for a text, and Ansible has written it as Python would.
    """
    for name, option in spec.items():
        value = params.get(name)
        if isinstance(value, str) and option.get("type", "str") == "str" and is_representation(value):
            raise Invalid(f"{name} is structured data, not a text: use to_json or to_yaml.")
        if value and option.get("type") == "list" and option.get("elements") == "str":
            params[name] = [each for each in tidy(name, value) if each]
            if len(params[name]) < len(value):
                fail_or_warn(module, f"{name} has an empty element, perhaps because a lookup found nothing.")
        elif value and option.get("options"):
            for nested in value if isinstance(value, list) else [value]:
                tidy_arguments(module, option["options"], nested)


def fail_or_warn(module: AnsibleModule, problem: str) -> None:
    """Like :meth:`Resource.fail_or_warn`, for arguments."""
    if not module.check_mode:
        raise Invalid(problem)
    module.warn(f"{problem} {ASSUMED}")


@contextmanager
def reported(module: AnsibleModule) -> Iterator[None]:
    """Fail the module with one sentence for each error of the cloud."""
    try:
        yield
    except ScalewayError as error:
        module.fail_json(msg=str(error), error=error.details())


def connect(module: AnsibleModule) -> Client:
    """The client that the module's arguments describe, which are brought into their proper form first."""
    tidy_arguments(module, module.argument_spec, module.params)
    settings = from_arguments(module.params)
    proxy_password = urlsplit(settings.api_proxy).password
    module.no_log_values.update(each for each in (settings.secret_key, proxy_password) if each)
    module.no_log_values.update(secrets_in(module.params.get("user_data")))
    return Client(settings)


def run(description: type[Resource], spec: Spec | None = None, **constraints: Any) -> None:
    """Run a module that brings one resource to its desired state.

    `spec` is for descriptions that are not found by id or name; `constraints` are AnsibleModule's.
    """
    if spec is None:
        constraints.setdefault("required_one_of", [("id", "name")])
    whole = resource_spec(description) if spec is None else {**account_spec(), **spec}
    module = AnsibleModule(argument_spec=whole, supports_check_mode=True, **constraints)
    with reported(module):
        if spec is None and not (module.params["id"] or module.params["name"]):
            fail_or_warn(module, f"Which {description.word}? Both name and id are empty.")
            module.exit_json(changed=True, **diff(module, {"before": {}, "after": {}}), **{description.key: None})
        resource = description(connect(module), module.params, module.check_mode)
        outcome = reconcile(resource, module.params["state"], module.check_mode, recorder(module, resource))
        for warning in resource.warnings:
            module.warn(warning)
    module.exit_json(
        changed=outcome.changed,
        **diff(module, outcome.diff),
        **account(module, resource.client),
        **{description.key: outcome.result},
    )


def diff(module: AnsibleModule, found: dict[str, Any]) -> dict[str, Any]:
    """The diff of a result, if it was requested."""
    return {"diff": found} if module._diff else {}


def account(module: AnsibleModule, client: Client) -> dict[str, Any]:
    """The part of a result that shows with ``-vvv`` where each value of the account came from."""
    return {"account": client.settings.told()} if module._verbosity >= 3 else {}


def look_up(key: str, spec: Spec, work: Callable[[Client, dict[str, Any]], Any]) -> None:
    """Run an _info module: return the result of `work` as `key`, and change nothing."""
    module = AnsibleModule(argument_spec={**account_spec(), **spec}, supports_check_mode=True)
    with reported(module):
        client = connect(module)
        found = work(client, module.params)
    module.exit_json(changed=False, **account(module, client), **{key: found})
