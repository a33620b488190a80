# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that are replaced under their name: a new one is made first, its users switch, the old one goes."""

from __future__ import annotations

import builtins
from typing import Any

from ..errors import Invalid
from ..fields import hidden
from ..plan import REPLACE, Object, Plan, Values
from .lb_certificate import LbCertificate, fingerprints, shown_fingerprint
from .lb_frontend import LbFrontend

SUCCESSOR = ".successor"
"""What a new certificate is called as long as the one that it replaces is still there."""
OWN = "custom"


class RenewedCertificate(LbCertificate):
    """A certificate that is replaced without a moment in which its frontends have none."""

    def namesakes(self) -> builtins.list[Object]:
        """What an interrupted replacement left as the only one counts as well."""
        return super().namesakes() or self._successor(self.name).namesakes()

    def compare(self, current: Object, desired: Values) -> Plan:
        """A chain of another fingerprint, and an order that failed, are replaced; other kinds and names if told to."""
        current = self._with_fingerprint(current) if desired.get("certificate_chain") else current
        change = self._difference(current, desired)
        if change is None:
            named = {"name": self.name} if self.name else {}  # a successor may not have got its name yet
            return super().compare(current, {**desired, **named})
        before, after = change
        identity = self.identity(current)
        return Plan(REPLACE, current, desired, desired, {**identity, **before}, {**identity, **after})

    def _difference(self, current: Object, desired: Values) -> tuple[Values, Values] | None:
        """Why a certificate must be replaced, as it is shown before and after; None where it need not be."""
        kind, goal = current.get("type"), OWN if "certificate_chain" in desired else "letsencrypt"
        if self.status(current) in self.failed:
            return {"status": self.status(current)}, self.display(desired)
        if not {"letsencrypt", "certificate_chain"} & set(desired):
            return None
        if (kind == OWN) != (goal == OWN):
            if not self.arguments.get("recreate"):
                raise Invalid(
                    f"{self} is of type {kind}, desired {goal}. With recreate: true it is replaced; frontends that "
                    "use it switch to the new one first."
                )
            return {"type": kind}, {"type": goal, **self.display(desired)}
        if goal == OWN and shown_fingerprint(current) not in fingerprints(desired["certificate_chain"]):
            shown = {"fingerprint": current.get("fingerprint"), "not_valid_after": current.get("not_valid_after")}
            return shown, {"certificate_chain": hidden(desired["certificate_chain"])}
        return None

    def _with_fingerprint(self, current: Object) -> Object:
        """The API shows the fingerprint of a new certificate a little later than the rest."""
        if shown_fingerprint(current) or current.get("type") != OWN or self.status(current) in self.failed:
            return current
        return self.wait_for_state(
            f"the fingerprint of {self}",
            lambda: self.get(current["id"]),
            lambda actual: bool(shown_fingerprint(actual)),
        )

    # --- replacing

    def apply(self, plan: Plan) -> Object | None:
        if plan.action != REPLACE:
            return super().apply(plan)
        current = plan.there
        if current["name"] != self._lasting_name(current):
            current = self._rename(current)
        new = self._made(current, plan.desired)
        for frontend in self._frontends(current["id"]):
            idents = [new["id"] if ident == current["id"] else ident for ident in frontend["certificate_ids"]]
            LbFrontend(self.client, {"lb": self.lb_id}).change(frontend, {"certificates": list(dict.fromkeys(idents))})
        self._delete(current)
        peers = [each for each in super().namesakes() if each["id"] not in (current["id"], new["id"])]
        if peers:  # another run was faster, and its frontends have the certificate that it made
            self._delete(new)
            return peers[0]
        return self._rename({**new, "name": current["name"]})

    def _lasting_name(self, current: Object) -> str:
        return self.name or current["name"]

    def _rename(self, certificate: Object) -> Object:
        name = self._lasting_name(certificate)
        return self.wait_until_stable(self.client.put(self.url(certificate["id"]), {"name": name}))

    def _made(self, current: Object, desired: Values) -> Object:
        """The successor: one that an interrupted run has made as it is desired now, or a new one."""
        successor = self._successor(self._lasting_name(current))
        for left in successor.namesakes():
            if self.status(left) not in self.failed and self._is_desired(left, desired):
                return successor.wait_until_stable(left)
            self._delete(left)
        made, _own = successor.make(lambda: successor.create(desired))
        return successor.wait_until_stable(made)

    def _successor(self, name: str) -> LbCertificate:
        return LbCertificate(self.client, {**self.arguments, "id": None, "name": f"{name}{SUCCESSOR}"})

    def _is_desired(self, certificate: Object, desired: Values) -> bool:
        if "certificate_chain" in desired:
            known = fingerprints(desired["certificate_chain"])
            return certificate["type"] == OWN and shown_fingerprint(self._with_fingerprint(certificate)) in known
        names = self.field("letsencrypt")
        return certificate["type"] != OWN and names.equal(names.value(certificate), desired["letsencrypt"])

    def _delete(self, certificate: Object) -> None:
        self.client.delete(self.url(certificate["id"]))

    # --- users

    def _frontends(self, ident: str) -> builtins.list[Object]:
        return [each for each in self.parts("frontends") if ident in (each.get("certificate_ids") or [])]

    def users(self, current: Object) -> builtins.list[str]:
        return [f"frontend {each['name']}" for each in self._frontends(current["id"])]

    def remove(self, current: Object) -> None:
        super().remove(current)
        for left in self._successor(self._lasting_name(current)).namesakes():
            self._delete(left)

    def predict(self, plan: Plan) -> Any:
        return {**super().predict(plan), "name": self.name}
