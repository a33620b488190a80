# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of one object of each module: what must be there before, how it begins, how it changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Arguments = dict[str, Any]
Task = tuple[str, Arguments]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJK0OFQXVHXDS1hEZyZyYz8nSXYK5oTTAlRRVfRDLrVc"
LOCAL_DISK = {"0": {"volume_type": "l_ssd", "size": 20000000000}}
SERVER = {"name": "builder", "commercial_type": "DEV1-S", "image": "debian_trixie"}
RULES = [
    {"protocol": "TCP", "dest_port_from": 22, "ip_range": "203.0.113.7/32"},
    {"protocol": "TCP", "dest_port_from": 443},
    {"protocol": "UDP", "dest_port_from": 10000, "dest_port_to": 10010},
    {"protocol": "ICMP"},
]
IN_GROUPS = {"security_group": "web", "placement_group": "apart"}
APPLICATION: Task = ("iam_application", {"name": "metrics"})
LB: Task = ("lb", {"name": "portal", "type": "LB-S"})
BACKEND: Task = ("lb_backend", {"lb": "portal", "name": "web", "forward_protocol": "http", "forward_port": 80})
RDB: Task = ("rdb_instance", {"name": "rooms", "engine": "PostgreSQL-15", "node_type": "db-dev-s"})
PORTAL: Task = ("rdb_database", {"instance": "rooms", "name": "portal"})
FRONTEND: Task = ("lb_frontend", {"lb": "portal", "name": "http", "inbound_port": 80, "backend": "web"})


@dataclass(frozen=True)
class Lifecycle:
    """`begin` creates one object of `kinds` in the lab, `change` changes it in place, its end leaves `kept` behind."""

    module: str
    begin: Arguments
    change: Arguments
    kinds: dict[str, int]
    before: tuple[Task, ...] = ()
    end: Arguments = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)

    def removal(self) -> Arguments:
        keys = ("name", "path", "prefix", "dns_zone", "records", "lb", "frontend", "instance", "region")
        return {**{key: value for key, value in self.begin.items() if key in keys}, "state": "absent", **self.end}


LIFECYCLES = {
    "ssh key": Lifecycle(
        "ssh_key", {"name": "op", "public_key": f"{KEY} me@home"}, {"disabled": True}, {"ssh_key": 1}
    ),
    "security group": Lifecycle(
        "security_group",
        {"name": "web", "inbound_default_policy": "drop", "rules": RULES, "tags": ["b", "a"]},
        {"rules": RULES[1:], "description": "no SSH", "enable_default_security": False},
        {"instance_security_group": 1, "instance_security_group_rule": 4},
    ),
    "placement group": Lifecycle(
        "placement_group",
        {"name": "apart", "policy_type": "max_availability", "policy_mode": "enforced"},
        {"policy_mode": "optional", "tags": ["x"]},
        {"instance_placement_group": 1},
    ),
    "address": Lifecycle("ip", {"name": "mon", "tags": ["x"]}, {"tags": ["y", "z"]}, {"instance_ip": 1}),
    "address of a server": Lifecycle(
        "ip",
        {"name": "mon", "server": "builder"},
        {"server": ""},
        {"instance_ip": 1},
        before=(("server", {**SERVER, "dynamic_ip_required": False, "volumes": LOCAL_DISK}),),
    ),
    "address of a balancer": Lifecycle("lb_ip", {"name": "portal"}, {"tags": ["y"]}, {"lb_ip": 1}),
    "registry namespace": Lifecycle(
        "registry_namespace",
        {"name": "example-portal"},
        {"description": "images", "is_public": True},
        {"registry_namespace": 1},
    ),
    "server on a local disk": Lifecycle(
        "server",
        {
            **SERVER,
            "state": "running",
            "volumes": LOCAL_DISK,
            "tags": ["a"],
            "dynamic_ip_required": False,
            "user_data": {"a": "1", "cloud-init": "#cloud-config\n"},
            "secret_user_data": {"key": "a very private key"},
        },
        {"tags": ["b", "c"], "user_data": {"a": "2"}, "absent_user_data": ["cloud-init"], "protected": False},
        {"instance_server": 1, "instance_volume": 1, "user_data": 1},
    ),
    "server on an SBS volume": Lifecycle(
        "server",
        {**SERVER, "commercial_type": "PRO2-XXS", "state": "running", **IN_GROUPS},
        {"security_group": "other", "placement_group": "", "state": "rebooted"},
        {"instance_server": 1, "block_volume": 1, "instance_ip": 1},
        before=(
            ("security_group", {"name": "web"}),
            ("security_group", {"name": "other"}),
            ("placement_group", {"name": "apart"}),
        ),
    ),
    "server that joins a placement group": Lifecycle(
        "server",
        {**SERVER, "state": "running", "dynamic_ip_required": False},
        {"placement_group": "apart", "state": "stopped"},
        {"instance_server": 1, "block_volume": 1},
        before=(("placement_group", {"name": "apart"}),),
    ),
    "server with a reserved address": Lifecycle(
        "server",
        {**SERVER, "state": "running", "dynamic_ip_required": False, "public_ips": ["mon"], "volumes": LOCAL_DISK},
        {"state": "stopped"},
        {"instance_server": 1, "instance_volume": 1},
        before=(("ip", {"name": "mon"}),),
    ),
    "server with further volumes": Lifecycle(
        "server",
        {
            **SERVER,
            "commercial_type": "PRO2-XXS",
            "state": "running",
            "volumes": {"1": {"name": "recordings"}, "2": {"size": 10000000000}},
        },
        {"volumes": {"1": {}, "2": {"name": "recordings"}, "3": {"size": 20000000000}}},
        {"instance_server": 1, "block_volume": 2, "instance_ip": 1},
        before=(("volume", {"name": "recordings", "size": 20000000000}),),
        kept={"block_volume": 1},
    ),
    "server with further local volumes": Lifecycle(
        "server",
        {
            **SERVER,
            "dynamic_ip_required": False,
            "volumes": {"0": {"volume_type": "l_ssd", "size": 10000000000}, "1": {"name": "cache"}},
        },
        {"state": "stopped", "volumes": {"1": {}, "2": {"volume_type": "l_ssd", "size": 5000000000}}},
        {"instance_server": 1, "instance_volume": 1},
        before=(("volume", {"name": "cache", "size": 5000000000, "volume_type": "l_ssd"}),),
    ),
    "snapshot": Lifecycle(
        "snapshot",
        {"name": "before-upgrade", "server": "builder"},
        {"tags": ["x"]},
        {"instance_snapshot": 1},
        before=(("server", {**SERVER, "volumes": LOCAL_DISK}),),
    ),
    "snapshot of an SBS volume": Lifecycle(
        "snapshot", {"name": "before-upgrade", "server": "builder"}, {"tags": ["x"]}, {"block_snapshot": 1},
        before=(("server", SERVER),),
    ),
    "image": Lifecycle(
        "image",
        {"name": "jitsi-1", "server": "builder", "tags": ["x"]},
        {"tags": ["y"]},
        {"instance_image": 1, "instance_snapshot": 1},
        before=(("server", {**SERVER, "volumes": LOCAL_DISK}),),
    ),
    "image of SBS volumes": Lifecycle(
        "image",
        {"name": "jitsi-1", "server": "builder", "tags": ["x"]},
        {"tags": ["y"]},
        {"instance_image": 1, "block_snapshot": 1},
        before=(("server", SERVER),),
    ),
    "image of a snapshot": Lifecycle(
        "image",
        {"name": "jitsi-1", "snapshots": ["disk"]},
        {"tags": ["y"]},
        {"instance_image": 1},
        before=(("server", {**SERVER, "volumes": LOCAL_DISK}), ("snapshot", {"name": "disk", "server": "builder"})),
        end={"keep_snapshots": True},
    ),
    "load balancer": Lifecycle(
        "lb",
        {"name": "portal", "type": "LB-S", "ip_ids": ["reserved"], "tags": ["x"]},
        {"description": "in front", "ssl_compatibility_level": "ssl_compatibility_level_modern"},
        {"lb": 1},
        before=(("lb_ip", {"name": "reserved"}),),
    ),
    "load balancer with an address of its own": Lifecycle(
        "lb", {"name": "portal", "type": "LB-S"}, {"tags": ["y"]}, {"lb": 1, "lb_ip": 1}
    ),
    "backend": Lifecycle(
        "lb_backend",
        {
            **BACKEND[1],
            "server_ip": ["10.0.0.2", "10.0.0.1"],
            "health_check": {"check_delay": 2000, "http_config": {"uri": "/readyz"}},
            "timeout_tunnel": 3600000,
            "timeout_queue": "5s",
        },
        {
            "server_ip": ["10.0.0.3"],
            "health_check": {"tcp_config": {}},
            "forward_port_algorithm": "leastconn",
            "on_marked_down_action": "shutdown_sessions",
        },
        {"lb_backend": 1},
        before=(LB,),
    ),
    "frontend": Lifecycle(
        "lb_frontend",
        FRONTEND[1],
        {"timeout_client": 30000, "enable_http3": True},
        {"lb_frontend": 1},
        before=(LB, BACKEND),
    ),
    "ACL": Lifecycle(
        "lb_acl",
        {"lb": "portal", "frontend": "http", "name": "metrics", "index": 1, "action": {"type": "deny"},
         "match": {"http_filter": "path_begin", "http_filter_value": ["/metrics"]}},
        {"index": 5, "description": "private", "match": {"ip_subnet": ["203.0.113.0/24"], "invert": True}},
        {"lb_acl": 1},
        before=(LB, BACKEND, FRONTEND),
    ),
    "certificate": Lifecycle(
        "lb_certificate",
        {"lb": "portal", "name": "portal", "letsencrypt": ["portal.ensemble.test"]},
        {"letsencrypt": ["portal.ensemble.test", "www.ensemble.test"], "recreate": True},
        {"lb_certificate": 1},
        before=(
            ("lb_ip", {"name": "portal"}),
            ("lb", {**LB[1], "ip_ids": ["portal"]}),
            (
                "dns_record",
                {
                    "dns_zone": "ensemble.test",
                    "records": [{"name": "portal", "data": ["{lb}"]}, {"name": "www", "data": ["{lb}"]}],
                },
            ),
        ),
    ),
    "SBS volume": Lifecycle(
        "volume",
        {"name": "recordings", "size": 20000000000},
        {"size": 30000000000, "perf_iops": 15000, "tags": ["x"]},
        {"block_volume": 1},
    ),
    "local volume": Lifecycle(
        "volume",
        {"name": "recordings", "size": 20000000000, "volume_type": "l_ssd"},
        {"size": 30000000000, "recreate": True, "tags": ["x"]},
        {"instance_volume": 1},
    ),
    "private network": Lifecycle(
        "private_network",
        {"name": "inside", "subnets": ["172.16.32.0/22"]},
        {"tags": ["x"]},
        {"private_network": 1},
    ),
    "VPC": Lifecycle("vpc", {"name": "platform", "tags": ["x"]}, {"tags": ["y"]}, {"vpc": 1}),
    "private network of a VPC": Lifecycle(
        "private_network",
        {"name": "inside", "vpc_id": "platform"},
        {"tags": ["x"]},
        {"private_network": 1},
        before=(("vpc", {"name": "platform"}),),
    ),
    "server in a private network": Lifecycle(
        "server",
        {**SERVER, "private_networks": ["inside"], "dynamic_ip_required": False, "volumes": LOCAL_DISK},
        {"private_networks": []},
        {"instance_server": 1, "instance_volume": 1, "instance_private_nic": 1, "ipam_ip": 2},
        before=(("private_network", {"name": "inside"}),),
    ),
    "DNS zone": Lifecycle("dns_zone", {"name": "meet.ensemble.test"}, {}, {"dns_zone": 1}),
    "secret": Lifecycle(
        "secret",
        {"name": "key", "path": "/jitsi", "value": "one", "tags": ["a"]},
        {"value": "two", "description": "of the certificate"},
        {"secret": 1, "secret_version": 1},
    ),
    "application": Lifecycle(
        "iam_application",
        {"name": "metrics", "description": "Prometheus", "tags": ["a"]},
        {"description": "Prometheus of the platform", "tags": ["b"]},
        {"application": 1},
    ),
    "policy": Lifecycle(
        "iam_policy",
        {"name": "metrics", "application": "metrics", "rules": [{"permission_set_names": ["InstancesReadOnly"]}]},
        {"application": "", "rules": [
            {"permission_set_names": ["IPAMReadOnly", "InstancesReadOnly"]},
            {"permission_set_names": ["IAMReadOnly"], "whole_organization": True},
        ]},
        {"policy": 1, "rule": 1},
        before=(APPLICATION,),
    ),
    "API key": Lifecycle(
        "iam_api_key",
        {"application": "metrics", "name": "prometheus", "exclusive": True},
        {"expires_at": "2099-12-31T00:00:00Z"},
        {"iam_api_key": 1},
        before=(APPLICATION,),
        end={"application": "metrics"},
    ),
    "records": Lifecycle(
        "dns_record",
        {"dns_zone": "ensemble.test", "records": [
            {"name": "h-1", "data": ["10.0.0.1", "10.0.0.2"]},
            {"name": "note", "type": "TXT", "data": ["hello", "world"], "ttl": 60},
            {"name": "@", "type": "MX", "data": ["10 mail.ensemble.test."]},
        ]},
        {"records": [
            {"name": "h-1", "data": ["10.0.0.2", "10.0.0.3"], "ttl": 60},
            {"name": "note.ensemble.test", "type": "TXT", "data": ["world"]},
            {"name": "@", "type": "MX", "data": ["mail.ensemble.test."], "priority": 20},
        ]},
        {"dns_record": 5},
        end={"records": [{"name": "h-1"}, {"name": "note", "type": "TXT"}, {"name": "", "type": "MX"}]},
    ),
    "database instance": Lifecycle(
        "rdb_instance",
        {**RDB[1], "backups": False, "tags": ["x"], "acls": ["203.0.113.7"], "settings": {"max_connections": 120}},
        {"node_type": "DB-DEV-M", "acls": ["203.0.113.0/24", "198.51.100.7"], "backups": True, "backup_retention": 30,
         "ha": True},
        {"rdb_instance": 1},
    ),
    "database instance in a private network": Lifecycle(
        "rdb_instance",
        {**RDB[1], "volume_type": "sbs_5k", "volume_size": 10000000000, "private_networks": ["inside"]},
        {"public_endpoint": True, "private_networks": ["other"], "volume_size": 20000000000, "volume_type": "sbs_15k"},
        {"rdb_instance": 1, "ipam_ip": 1},
        before=(("private_network", {"name": "inside"}), ("private_network", {"name": "other"})),
    ),
    "database": Lifecycle("rdb_database", PORTAL[1], {}, {"rdb_database": 1}, before=(RDB,)),
    "database user": Lifecycle(
        "rdb_user",
        {"instance": "rooms", "name": "portal", "password": "Open-Sesame-1", "privileges": {"portal": "readwrite"}},
        {"is_admin": True, "privileges": {"portal": "all"}},
        {"rdb_user": 1, "rdb_privilege": 1},
        before=(RDB, PORTAL),
    ),
    "fleet": Lifecycle(
        "fleet",
        {"prefix": "h", "count": 5, "commercial_type": "DEV1-L", "image": "debian_trixie", "tags": ["jitsi"],
         "volumes": LOCAL_DISK, "placement_groups": {"size": 2}, "user_data": {"jitsi-env": "DOMAIN=ensemble.test"},
         "secret_user_data": {"key": "a very private key"}},
        {"count": 3, "user_data": {"jitsi-env": "DOMAIN=other.test"}},
        {"instance_server": 5, "instance_volume": 5, "instance_ip": 5, "instance_placement_group": 3, "user_data": 5},
    ),
}  # fmt: skip
