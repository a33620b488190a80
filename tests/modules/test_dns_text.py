# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task says is what DNS answers: through the module, the API and the name server of the lab."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import dns.message
import dns.query
import dns.rdatatype
import pytest
from modules_support import Lab, Runner, free_port, serve

ZONE = "ensemble.test"
ALPHABET = "ab \\\"';$()@#%äß€😀0123"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, int]]:
    port = free_port()
    process, lab = serve(tmp_path_factory.mktemp("dns"), "--speed", "0", "--dns-port", str(port))
    yield lab, port
    process.terminate()
    process.wait(20)


@pytest.fixture
def zone(served: tuple[Lab, int], run: Runner) -> Runner:
    served[0].reset()
    run.lab = served[0]
    return run


def answers(port: int, name: str, kind: str) -> list[Any]:
    query = dns.message.make_query(f"{name}.{ZONE}" if name else ZONE, kind)
    reply = dns.query.tcp(query, "127.0.0.1", timeout=5, port=port)
    return [item for rrset in reply.answer for item in rrset if rrset.rdtype == dns.rdatatype.from_text(kind)]


def record(name: str, kind: str, *data: str, **more: Any) -> dict[str, Any]:
    return {"dns_zone": ZONE, "records": [{"name": name, "type": kind, "data": list(data), **more}]}


def random_texts(count: int) -> list[str]:
    draw = random.Random(11)
    texts = ["".join(draw.choices(ALPHABET, k=draw.choice((1, 3, 10, 80)))) for _ in range(count)]
    texts += ["x" * size for size in (254, 255, 256, 510, 511, 2000)]
    texts += ["€" * 85, "€" * 86, "a" + "😀" * 499, "\\" * 255, 'a"' * 120 + "b", "\\" * 300 + "x"]
    return list(dict.fromkeys(text.strip(' "') or "x" for text in texts))


def test_texts_of_any_kind_come_back_as_they_were_given(zone: Runner, served: tuple[Lab, int]) -> None:
    texts = random_texts(120)
    desired = {
        "dns_zone": ZONE,
        "records": [{"name": f"t-{number}", "type": "TXT", "data": [text]} for number, text in enumerate(texts)],
    }
    assert zone.ok("dns_record", **desired)["changed"]
    again = zone.ok("dns_record", **desired)
    assert not again["changed"], again["diff"]
    for number, text in enumerate(texts):
        (answer,) = answers(served[1], f"t-{number}", "TXT")
        assert b"".join(answer.strings).decode() == text
        assert all(len(string) <= 255 for string in answer.strings)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ('say "hi" now', 'say "hi" now'),
        (r"a\\b", r"a\\b"),
        ('"say \\"hi\\" now"', 'say "hi" now'),
        ('"one" "two"', "onetwo"),
        ('"a\\\\b\\065"', "a\\bA"),
        ('""', ""),
        ("v=DKIM1; k=rsa; p=" + "A" * 400, "v=DKIM1; k=rsa; p=" + "A" * 400),
    ],
)
def test_a_text_is_taken_as_it_is_and_bind_strings_are_read(
    zone: Runner, served: tuple[Lab, int], given: str, text: str
) -> None:
    zone.ok("dns_record", **record("note", "TXT", given))
    assert not zone.ok("dns_record", **record("note", "TXT", given))["changed"]
    assert [b"".join(each.strings).decode() for each in answers(served[1], "note", "TXT")] == [text]


@pytest.mark.parametrize("given", ["", " outer", "outer ", '"open', 'close"', '"a" and "b"', "two\nlines", "nul\0"])
def test_texts_that_the_api_would_change_are_refused(zone: Runner, given: str) -> None:
    assert re.match("The text|.* is empty", zone.error("dns_record", **record("note", "TXT", given)))
    assert "dns_record" not in zone.lab.state()


@pytest.mark.parametrize(
    ("kind", "given", "more", "answer"),
    [
        ("CNAME", "www.example.org", {}, "www.example.org."),
        ("CNAME", "www.example.org.", {}, "www.example.org."),
        ("CNAME", "www", {}, "www.ensemble.test."),
        ("CNAME", "WWW.Bücher.Example.", {}, "www.xn--bcher-kva.example."),
        ("MX", "mail.example.org", {"priority": 10}, "10 mail.example.org."),
        ("MX", "5 mail", {}, "5 mail.ensemble.test."),
        ("NS", "ns1.example.org", {}, "ns1.example.org."),
        ("PTR", "host.example.org", {}, "host.example.org."),
        ("SRV", "5 5060 sip.example.org", {"priority": 7}, "7 5 5060 sip.example.org."),
        ("SRV", "0 1234 foo.example.org", {}, "0 0 1234 foo.example.org."),
        ("SRV", "7 0 1234 foo.example.org", {}, "7 0 1234 foo.example.org."),
        ("CAA", "0 issue letsencrypt.org", {}, '0 issue "letsencrypt.org"'),
        ("CAA", '0 issue "letsencrypt.org; validationmethods=dns-01"', {},
         '0 issue "letsencrypt.org; validationmethods=dns-01"'),
        ("CAA", '128 issuewild ";"', {}, '128 issuewild ";"'),
        ("AAAA", "2001:DB8:0::1", {}, "2001:db8::1"),
        ("SSHFP", f"4 2 {'AB' * 32}", {}, f"4 2 {'ab' * 32}"),
        ("TLSA", f"3 1 1 {'AB' * 16} {'cd' * 16}", {}, f"3 1 1 {'ab' * 16}{'cd' * 16}"),
    ],
)  # fmt: skip
def test_values_of_each_type_are_answered_as_they_were_meant(
    zone: Runner, served: tuple[Lab, int], kind: str, given: str, more: dict[str, Any], answer: str
) -> None:
    zone.ok("dns_record", **record("n", kind, given, **more))
    assert not zone.ok("dns_record", **record("n", kind, given, **more))["changed"]
    assert [str(each) for each in answers(served[1], "n", kind)] == [answer]


def test_two_forms_of_one_value_are_one_record(zone: Runner) -> None:
    for forms in (("CAA", "0 issue ca.example", '0  ISSUE "ca.example"'), ("CNAME", "a.example.org", "A.example.org.")):
        assert zone.ok("dns_record", **record("n" + forms[0], forms[0], forms[1]))["changed"]
        assert not zone.ok("dns_record", **record("n" + forms[0], forms[0], forms[2]))["changed"]


@pytest.mark.parametrize(
    ("kind", "data", "more", "words"),
    [
        ("MX", "10 mail.example.org.", {"priority": 20}, "but priority is 20"),
        ("MX", "a b c", {}, "MX record"),
        ("SRV", "foo.example.org.", {}, "SRV record"),
        ("CNAME", "two words", {}, "must be one host name"),
        ("CAA", "letsencrypt.org", {}, "CAA"),
        ("A", "2001:db8::1", {}, "address for type A"),
        ("AAAA", "10.0.0.1", {}, "address for type AAAA"),
        ("SSHFP", "4 2 xyz", {}, "SSHFP"),
        ("CNAME", "", {}, "empty"),
    ],
)
def test_values_that_can_never_be_are_refused(
    zone: Runner, kind: str, data: str, more: dict[str, Any], words: str
) -> None:
    assert words in zone.error("dns_record", **record("n", kind, data, **more))
    assert "dns_record" not in zone.lab.state()


@pytest.mark.parametrize("name", ["www.example.org.", "a..b", "x" * 64, "two words"])
def test_names_that_are_not_in_the_zone_are_refused(zone: Runner, name: str) -> None:
    zone.error("dns_record", **record(name, "A", "10.0.0.1"))
    assert "dns_record" not in zone.lab.state()


def test_umlauts_are_punycode_on_the_wire(zone: Runner, served: tuple[Lab, int]) -> None:
    zone.ok("dns_record", **record("Bücher", "A", "10.0.0.1"))
    for name in ("bücher", "xn--bcher-kva", "XN--BCHER-KVA.ensemble.test", "bücher.ensemble.test."):
        assert not zone.ok("dns_record", **record(name, "A", "10.0.0.1"))["changed"]
    assert [str(each) for each in answers(served[1], "xn--bcher-kva", "A")] == ["10.0.0.1"]


def test_what_others_wrote_without_a_final_dot_is_seen_as_dns_sees_it(zone: Runner, served: tuple[Lab, int]) -> None:
    import requests

    body = {"add": {"records": [{"name": "n", "type": "CNAME", "data": "www.example.org", "ttl": 60}]}}
    requests.patch(
        f"{served[0].url}/domain/v2beta1/dns-zones/{ZONE}/records",
        json={"changes": [body]},
        headers={"X-Auth-Token": served[0].account["secret_key"]},
        timeout=10,
    ).raise_for_status()
    assert str(answers(served[1], "n", "CNAME")[0]) == "www.example.org.ensemble.test."
    assert zone.ok("dns_record", **record("n", "CNAME", "www.example.org", ttl=60))["changed"]
    assert str(answers(served[1], "n", "CNAME")[0]) == "www.example.org."


def test_a_domain_below_a_zone(zone: Runner, served: tuple[Lab, int]) -> None:
    """Names are relative to the domain; the rest of the zone is nothing to the task."""
    zone.ok("dns_record", **record("h-9", "A", "10.0.0.9"))
    below = {"dns_zone": f"meet.{ZONE}", "exclusive_names": "h-[0-9]+"}
    records = [
        {"name": "h-1", "data": ["10.0.0.1"]},
        {"name": "@", "data": ["10.0.0.2"]},
        {"name": f"x.meet.{ZONE}.", "type": "CNAME", "data": ["h-1"]},
    ]
    done = zone.ok("dns_record", **below, records=records)
    assert done["diff"]["before"]["records"] == []
    assert not zone.ok("dns_record", **below, records=records)["changed"]
    assert [str(each) for each in answers(served[1], "h-1.meet", "A")] == ["10.0.0.1"]
    assert [str(each) for each in answers(served[1], "meet", "A")] == ["10.0.0.2"]
    assert [str(each) for each in answers(served[1], "x.meet", "CNAME")] == [f"h-1.meet.{ZONE}."]
    zone.ok("dns_record", **below, records=records[1:])
    assert answers(served[1], "h-1.meet", "A") == []
    assert [str(each) for each in answers(served[1], "h-9", "A")] == ["10.0.0.9"]
    assert "not in the zone" in zone.error(
        "dns_record", **below, records=[{"name": f"h.{ZONE}.", "data": ["10.0.0.1"]}]
    )


def test_a_fleet_below_a_zone(zone: Runner, served: tuple[Lab, int]) -> None:
    fleet = {"prefix": "h", "commercial_type": "PRO2-XXS", "image": "debian_trixie", "dns": {"zone": f"meet.{ZONE}"}}
    (server,) = zone.ok("fleet", **fleet, count=1)["servers"]
    assert not zone.ok("fleet", **fleet, count=1)["changed"]
    assert [str(each) for each in answers(served[1], "h-1.meet", "A")] == [server["public_address"]]
    zone.ok("fleet", prefix="h", state="absent", dns=fleet["dns"])
    assert answers(served[1], "h-1.meet", "A") == []
