# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of value a field of a request takes. A name means the same in all APIs, with few exceptions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from ensemble_lab import errors

_TEXT = (
    "name description commercial_type image project project_id organization organization_id public_ip boot_type "
    "volume_type base_snapshot volume_id snapshot_id root_volume arch action inbound_default_policy key type path "
    "outbound_default_policy protocol direction ip_range policy_mode policy_type private_network_id server_id vpc_id "
    "public_key domain subdomain data ip_id ssl_compatibility_level forward_protocol forward_port_algorithm "
    "sticky_sessions sticky_sessions_cookie_name on_marked_down_action proxy_protocol timeout_queue frontend_id "
    "backend_id reverse address certificate_chain common_name uri placement_group destination default_policy lb_id "
    "nexthop_resource_id nexthop_private_network_id nexthop_vpc_connector_id nexthop_resource_ip target_vpc_id "
    "subscriber_id new_dns_zone dest_dns_zone content email mac_address "
    "admin_password_encryption_ssh_key_id certificate_id comment host_header http_filter http_filter_option id key_id "
    "method path_begin product security_group server sni subnet_id time_to_live visibility server_type "
    "placement_group_id security_group_id windows_rdp_ssh_key_id boot_volume_id base_volume_id base_snapshot_id "
    "inbound_default_action outbound_default_action source_ip_range destination_ip_range "
    "application_id user_id group_id policy_id default_project_id condition expires_at "
    "engine node_type user_name password instance_id instance_name database_name permission service_ip "
    "upgradable_version_id value"
)
_NUMBERS = (
    "size perf_iops forward_port inbound_port timeout_client timeout_server timeout_connect timeout_tunnel max_retries "
    "max_connections redispatch_attempt_count connection_rate_limit index port check_max_retries dest_port_from "
    "dest_port_to position ttl priority src_port_low src_port_high dst_port_low dst_port_high "
    "code start end public_ip_v4_count public_ip_v6_count retention_days volume_size backup_schedule_frequency "
    "backup_schedule_retention max_age_retention total_disk_retention"
)
_FLAGS = (
    "dynamic_ip_required protected stateful enable_default_security project_default public is_public is_ipv6 disabled "
    "enable_http3 enable_access_logs ssl_bridging ignore_ssl_server_verify return_all_records check_send_proxy "
    "disallow_new_zone_creation assign_flexible_ip assign_flexible_ipv6 enable_routing "
    "default_route_propagation_enabled enable_transitivity overwrite boot disable_previous expires_once_accessed "
    "invert ips_edge_services match_subdomains rescue_mode boot_volume move_allowed delete_all_volumes delete_all_ips "
    "stateless disable_default_rules no_principal is_ha_cluster disable_backup is_admin backup_same_region "
    "is_backup_schedule_disabled enable_ha enable_encryption with_endpoints same_zone enabled"
)
_LISTS_OF_TEXT = (
    "tags server_ip certificate_ids ip_ids ipam_ids ipam_ip_ids subnets servers http_filter_value ip_subnet "
    "subject_alternative_name delete_volume_ids delete_ip_ids security_group_rule_ids server_tags "
    "filesystem_ids permission_set_names project_ids acl_rule_ips setting_names"
)
_LISTS = (
    "public_ips rules changes acls records reverses ns security_group_rules private_networks init_settings settings "
    "init_endpoints"
)
_OBJECTS = (
    "volumes extra_volumes from_empty from_snapshot source resource match health_check letsencrypt id_fields "
    "custom_certificate ephemeral_policy tcp_config http_config https_config add set delete clear bind_source "
    "email_config webhook_config public_network_interface new_volume new_ip destination_ports "
    "update_volumes update_private_networks from_resource to_resource encryption logs_policy "
    "major_upgrade_workflow ipam_config"
)

Kinds = dict[str, tuple[str, type | tuple[type, ...]]]
KINDS: Kinds = {
    **dict.fromkeys(_TEXT.split(), ("a text", str)),
    **dict.fromkeys(_NUMBERS.split(), ("a whole number", (int, str))),
    **dict.fromkeys(_FLAGS.split(), ("true or false", bool)),
    **dict.fromkeys(_LISTS_OF_TEXT.split(), ("a list of texts", list)),
    **dict.fromkeys(_LISTS.split(), ("a list", list)),
    **dict.fromkeys(_OBJECTS.split(), ("an object", dict)),
    "endpoint_spec": ("an object or a list", (dict, list)),
}
_OBJECT_LISTS = frozenset(("rules", "changes", "records", "acls", "init_settings", "settings", "init_endpoints"))
_TEXT_LISTS = frozenset(_LISTS_OF_TEXT.split())
_INTEGERS = frozenset(_NUMBERS.split()) - {"timeout_server", "timeout_connect", "timeout_tunnel", "timeout_client"}
# An id in some requests, an object with one in others.
_EITHER = dict.fromkeys(("security_group", "server"), (str, dict))


_HUMP = re.compile(r"(?<=[a-z0-9])[A-Z]")


def snake_case(node: Any) -> Any:
    """All APIs but instance v1 take ``idFields`` for ``id_fields``, as everything that was made with protobuf does."""
    if isinstance(node, dict):
        return {_HUMP.sub(lambda hump: f"_{hump[0].lower()}", name): snake_case(value) for name, value in node.items()}
    return [snake_case(item) for item in node] if isinstance(node, list) else node


def kinds_of(texts: Collection[str] = (), objects: Collection[str] = (), lists: Collection[str] = ()) -> Kinds:
    """What names mean in an API where some are texts, objects or lists, whatever they are in others."""
    other = {**dict.fromkeys(texts, "name"), **dict.fromkeys(objects, "match"), **dict.fromkeys(lists, "rules")}
    return {**KINDS, **{name: KINDS[like] for name, like in other.items()}}


def check(body: dict[str, Any], kinds: Kinds) -> None:
    """Refuse values of the wrong kind, wherever they are in a body; null always is allowed."""
    wrong = list(_wrong(body, "", kinds))
    if wrong:
        raise errors.invalid(*((name, "format", f"{kind} is expected") for name, kind in wrong))


def _wrong(node: Any, place: str, kinds: Kinds) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for item in node:
            yield from _wrong(item, place, kinds)
        return
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        kind, types = kinds.get(name, ("", object))
        types = _EITHER.get(name, types)
        if value is None:
            continue
        if not isinstance(value, types) or _bad_inside(name, value):
            yield f"{place}{name}", kind
        else:
            yield from _wrong(value, f"{place}{name}.", kinds)


def _bad_inside(name: str, value: Any) -> bool:
    if name in _TEXT_LISTS:
        return not all(isinstance(item, str) for item in value)
    if name in _INTEGERS:
        return isinstance(value, bool) or not isinstance(value, int)
    if name in _OBJECT_LISTS or (name == "endpoint_spec" and isinstance(value, list)):
        return not all(isinstance(item, dict) for item in value)
    return False
