# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS: authoritative for the zones of the lab, for the machine and for the servers."""

from __future__ import annotations

import asyncio

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from ensemble_lab.drivers.docker.kept_zones import KeptZones
from ensemble_lab.drivers.docker.records import Records

RECORDS = [
    {"name": "", "type": "NS", "data": "ns0.dom.scw.cloud.", "ttl": 1800, "priority": 0},
    {"name": "h-1", "type": "A", "data": "10.87.1.1", "ttl": 60, "priority": 0},
    {"name": "h-1", "type": "A", "data": "10.87.1.2", "ttl": 60, "priority": 0},
    {"name": "h-1", "type": "AAAA", "data": "fd00::1", "ttl": 60, "priority": 0},
    {"name": "www", "type": "CNAME", "data": "h-1", "ttl": 60, "priority": 0},
    {"name": "_acme-challenge", "type": "TXT", "data": '"a\\"b" "second"', "ttl": 60, "priority": 0},
    {"name": "long", "type": "TXT", "data": '"' + "x" * 300 + '"', "ttl": 60, "priority": 0},
    {"name": "", "type": "MX", "data": "10 mail.example.org.", "ttl": 60, "priority": 10},
    {"name": "_xmpp._tcp", "type": "SRV", "data": "5 10 5222 h-1", "ttl": 60, "priority": 5},
    {"name": "", "type": "CAA", "data": '0 issue "letsencrypt.org"', "ttl": 60, "priority": 0},
    {"name": "*.wild", "type": "A", "data": "10.87.1.3", "ttl": 60, "priority": 0},
    {"name": "deep.empty", "type": "A", "data": "10.87.1.4", "ttl": 60, "priority": 0},
]


@pytest.fixture
def zones(tmp_path):
    zones = KeptZones(Records(tmp_path))
    zones.apply("example.test", RECORDS)
    return zones


def ask(zones, name: str, kind: str) -> dns.message.Message:
    from dnslib import DNSRecord

    reply = zones.answer(DNSRecord.parse(dns.message.make_query(name, kind).to_wire()))
    return dns.message.from_wire(bytes(reply.pack()))


def data(message: dns.message.Message) -> set[str]:
    return {str(item) for rrset in message.answer for item in rrset}


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("h-1.example.test", "A", {"10.87.1.1", "10.87.1.2"}),
        ("H-1.Example.TEST", "AAAA", {"fd00::1"}),
        ("www.example.test", "A", {"h-1.example.test.", "10.87.1.1", "10.87.1.2"}),
        ("www.example.test", "CNAME", {"h-1.example.test."}),
        ("_acme-challenge.example.test", "TXT", {'"a\\"b" "second"'}),
        ("long.example.test", "TXT", {f'"{"x" * 255}" "{"x" * 45}"'}),
        ("example.test", "MX", {"10 mail.example.org."}),
        ("example.test", "NS", {"ns0.dom.scw.cloud."}),
        ("_xmpp._tcp.example.test", "SRV", {"5 10 5222 h-1.example.test."}),
        ("example.test", "CAA", {'0 issue "letsencrypt.org"'}),
        ("any.wild.example.test", "A", {"10.87.1.3"}),
    ],
)
def test_every_type_is_answered(zones, name, kind, expected):
    reply = ask(zones, name, kind)
    assert data(reply) == expected
    assert reply.flags & dns.flags.AA


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("h-9.example.test", "A", dns.rcode.NXDOMAIN),
        ("h-1.example.test", "MX", dns.rcode.NOERROR),
        ("empty.example.test", "A", dns.rcode.NOERROR),
    ],
)
def test_what_is_not_there_is_denied_with_a_soa(zones, name, kind, code):
    reply = ask(zones, name, kind)
    assert (reply.rcode(), reply.answer) == (code, [])
    assert reply.authority[0].rdtype == dns.rdatatype.SOA


def test_other_peoples_names_are_not_ours(zones):
    from dnslib import DNSRecord

    assert zones.answer(DNSRecord.question("example.org")) is None


def test_zones_survive_a_restart_and_a_record_that_cannot_be_served_spoils_nothing(zones, tmp_path):
    zones.apply(
        "sub.example.test", [*RECORDS, {"name": "bad", "type": "A", "data": "not an address", "ttl": 60, "priority": 0}]
    )
    again = KeptZones(Records(tmp_path))
    assert data(ask(again, "h-1.sub.example.test", "A")) == {"10.87.1.1", "10.87.1.2"}
    again.delete("sub.example.test")
    assert ask(again, "h-1.sub.example.test", "A").rcode() == dns.rcode.NXDOMAIN


@pytest.mark.asyncio(loop_scope="session")
async def test_the_machine_and_the_servers_ask_the_lab(lab, first):
    await lab.driver.zone_apply("example.test", RECORDS)
    query = dns.message.make_query("h-1.example.test", "A")
    for ask_by in (dns.query.udp, dns.query.tcp):
        reply = await asyncio.to_thread(ask_by, query, "127.0.0.1", 3, lab.driver.layout.dns_port)
        assert data(reply) == {"10.87.1.1", "10.87.1.2"}
    assert "10.87.1.3" in await lab.on(first, "getent hosts x.wild.example.test")
    await lab.driver.zone_delete("example.test")
    assert (await lab.ssh(first, "getent hosts x.wild.example.test"))[0] != 0
