# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, compare, plan, apply, wait: the one way in which every resource comes to be as wished."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from .client import Client
from .errors import IN_USE, ApiError, Invalid, ScalewayError
from .fields import AT_CREATION, IN_PLACE, REPLACES, Field, Ref
from .ownership import Owned
from .plan import CREATE, DELETE, KEEP, REPLACE, UPDATE, Object, Plan, Values
from .settings import is_uuid
from .twins import WithoutTwins
from .wait import Waiter


class Resource(Owned, WithoutTwins):
    """Base of all descriptions: they set the class attributes, and override a method where their API is peculiar."""

    word = ""  #: what people call it, for messages
    key = ""  #: what modules return it as, and the API's envelope
    plural = ""  #: key of the API's lists
    path = ""  #: of the collection, with {zone} or {region}, and what `parents` gives
    item_path = ""  #: of single objects, where they do not lie below `path`
    fields: tuple[Field, ...] = ()
    envelope = True  #: instance v1 wraps single objects, the others do not
    project_key = "project"  #: "" for objects that belong to another one
    update_method = "PATCH"  #: with PUT every field is sent, what was left out would fall to its default
    status_key = "state"
    transient: tuple[str, ...] = ()  #: states that pass by themselves
    failed: tuple[str, ...] = ()
    slow_delete = False  #: whether it still shows for a while after DELETE
    states: tuple[str, ...] = ("present", "absent")
    creation_needs: tuple[str, ...] = ()  #: arguments without which none can be created
    options: ClassVar[Values] = {}  #: further arguments of the module, beside the fields
    unknown: ClassVar[Values] = {}  #: what later tasks may ask of an object that check mode has not made

    def __init__(self, client: Client, arguments: Mapping[str, Any], check: bool = False) -> None:
        self.client = client
        self.arguments = arguments
        self.check = check
        self.warnings: list[str] = []
        self._current: Object | None = None
        self._state = "present"
        timeout = arguments.get("wait_timeout")
        self.waiter = Waiter(600 if timeout is None else timeout, sleep=client.pause)

    # --- arguments

    @property
    def name(self) -> str:
        return self.arguments.get("name") or ""

    @property
    def wait(self) -> bool:
        return self.arguments.get("wait") is not False

    def __str__(self) -> str:
        return f"{self.word} {self.name or self.arguments.get('id')}"

    def field(self, name: str) -> Field:
        return next(entry for entry in self.fields if entry.name == name)

    def wish(self) -> Values:
        """The fields that were asked for, references resolved. Raises :class:`Invalid` for what can never be."""
        wished = {}
        if self.arguments.get("id") and self.name:
            wished["name"] = self.name
        for entry in self.fields:
            value = self.arguments.get(entry.name)
            if value is not None:
                wished[entry.name] = self.resolve(entry.name, value)
        if "tags" in wished or (self.owner_tag and self._current is None):
            wished["tags"] = self.owner_tags(wished.get("tags"))
        return wished

    def resolve(self, name: str, value: Any) -> Any:
        """A field's wished value as the API will show it; descriptions look up names here."""
        return value

    def validate(self, plan: Plan) -> None:
        """Last look at a plan that creates or changes, before anything is sent; raise :class:`Invalid` to stop it."""

    def refer(self, other: type[Resource], value: str, **arguments: Any) -> Ref:
        """An object given by name or id. In check mode one that does not exist yet is assumed to come."""
        if is_uuid(value):
            return Ref(value)
        found = self.referred(other, value, **arguments)
        if found:
            return Ref(found["id"], value)
        self.complain(f"There is no {other.word} {value!r} in {self.where}.")
        return Ref("", value)

    def referred(self, other: type[Resource], name: str, **arguments: Any) -> Object | None:
        """An object of another kind by name, asked for once; the owner's, where there are several."""
        owned = {**arguments, "owner_tag": self.arguments.get("owner_tag")}
        key = (other, name, tuple(owned.items()))
        found = self.client.once(key, lambda: other(self.client, {**owned, "name": name}).find())
        if found is None:
            self.client.forget(key)
        return found

    def fetch(self, other: type[Resource], value: str) -> Object:
        """As :meth:`refer`, the object itself and as it is now; {} for one that is to come."""
        named = {"id": value} if is_uuid(value) else {"name": value}
        found = other(self.client, {**named, "owner_tag": self.arguments.get("owner_tag")}, self.check).find()
        if found is None:
            self.complain(f"There is no {other.word} {value!r} in {self.where}.")
        return found or {}

    def complain(self, problem: str) -> None:
        """Stop because of what an earlier task would have put right; check mode, where it could not, only warns."""
        if not self.check:
            raise Invalid(problem)
        self.warnings.append(f"{problem} Check mode assumes that this will have changed by then.")

    # --- reading

    @property
    def where(self) -> str:
        settings = self.client.settings
        return (
            settings.zone if "{zone}" in self.path else settings.region if "{region}" in self.path else "this project"
        )

    def url(self, ident: str = "", tail: str = "") -> str:
        settings = self.client.settings
        path = (self.item_path or self.path) if ident else self.path
        base = path.format(zone=settings.zone, region=settings.region, **self.parents())
        return base + (f"/{quote(ident, safe='')}" if ident else "") + tail

    def parents(self) -> Values:
        """Values for the path beyond zone and region."""
        return {}

    def unwrap(self, answer: Object) -> Object:
        return answer.get(self.key, answer) if self.envelope else answer

    def get(self, ident: str) -> Object | None:
        answer = self.client.find(self.url(ident))
        return None if answer is None else self.unwrap(answer)

    def list(self, **query: Any) -> builtins.list[Object]:
        if self.project_key:
            query.setdefault(self.project_key, self.client.project)
        return self.client.list(self.url(), self.plural, **query)

    def find(self) -> Object | None:
        """The one object meant, by id or by exact name; two of one name are an error."""
        return self.get(self.arguments["id"]) if self.arguments.get("id") else self.sole()

    def namesakes(self) -> builtins.list[Object]:
        return [each for each in self.list(name=self.name) if each.get("name") == self.name]

    def observe(self, current: Object, names: Mapping[str, Any]) -> Values:
        """The present values of these fields, in the form of arguments."""
        return {
            entry.name: self.read_part(entry.name, current) if entry.part else entry.value(current)
            for entry in (*self.fields, Field("name"))
            if entry.name in names and self.change_of(entry, current) != AT_CREATION
        }

    def change_of(self, entry: Field, current: Object) -> str:
        """How a field of this object changes, where that depends on the object."""
        return entry.change

    def read_part(self, name: str, current: Object) -> Any:
        """The value of a part, by calls of its own where it is not in the object."""
        return self.field(name).value(current)

    # --- planning

    def plan(self, state: str, current: Object | None) -> Plan:
        """Compare wish and reality. Sends nothing that changes anything."""
        self._current, self._state = current, state
        if state == "absent":
            if current is None:
                return Plan(KEEP)
            self.guard(current)
            return Plan(DELETE, current, before=self.identity(current))
        wish = self.wish()
        if current is None:
            if self.arguments.get("id"):
                raise Invalid(f"There is no {self} in {self.where}.")
            plan = Plan(CREATE, None, wish, wish, {}, {"name": self.name, **self.show(wish)})
        else:
            plan = self.compare(current, wish)
        if plan.changed and self.can_create(plan):
            self.validate(plan)
        return plan

    def can_create(self, plan: Plan) -> bool:
        """Whether there is everything that a creation takes. In check mode an earlier task may be about to do it."""
        missing = self.missing() if plan.action in (CREATE, REPLACE) else ""
        if missing:
            self.complain(f"{self} is to be created, which needs {missing}.")
        return not missing

    def missing(self) -> str:
        """What the arguments lack to create the object, "" where nothing."""
        return ", ".join(name for name in self.creation_needs if self.arguments.get(name) in (None, ""))

    def compare(self, current: Object, wish: Values) -> Plan:
        seen = self.observe(current, wish)
        kinds = {entry.name: entry for entry in (*self.fields, Field("name"))}
        changes = {name: wish[name] for name, value in seen.items() if not kinds[name].equal(value, wish[name])}
        frozen = [name for name in changes if self.change_of(kinds[name], current) == REPLACES]
        before = {**self.identity(current), **self.show(seen)}
        action = UPDATE if changes else KEEP
        if frozen:
            if not self.arguments.get("recreate"):
                raise Invalid(self.frozen(frozen, seen, wish))
            self.guard(current)
            action = REPLACE
        return Plan(action, current, wish, changes, before, {**before, **self.show(changes)})

    def frozen(self, names: builtins.list[str], seen: Values, wish: Values) -> str:
        shown, wished = self.show(seen), self.show(wish)
        what = "; ".join(f"{name} is {shown[name]!r}, wished {wished[name]!r}" for name in names)
        return f"{self} exists, and this cannot change in place: {what}. With recreate: true it is made anew."

    def identity(self, current: Object) -> Values:
        return {key: current[key] for key in ("id", "name") if current.get(key)}

    def show(self, values: Values) -> Values:
        return {
            entry.name: entry.shown(values[entry.name])
            for entry in (*self.fields, Field("name"))
            if entry.name in values
        }

    # --- applying

    def apply(self, plan: Plan) -> Object | None:
        """Do what the plan says; the object as it is then, None when it is gone. May be run again after any failure."""
        if plan.action == KEEP:
            return plan.current and self.settle(plan.current)
        if plan.action == DELETE:
            self.remove(plan.there)
            return None
        if plan.action == UPDATE:
            return self.finish(self.change(plan.there, plan.changes), plan.changes)
        if plan.action == REPLACE:
            self.remove(plan.there)
            self.gone(plan.there["id"])
        made, own = self.make(lambda: self.create(plan.wish))
        return self.complete(plan, self.settle(made)) if own else self.join(made)

    def complete(self, plan: Plan, made: Object) -> Object:
        """What was just made gets what its creation could not take."""
        born = {entry.name for entry in self.fields if entry.at_birth}
        return self.finish(made, {name: value for name, value in plan.wish.items() if name not in born})

    def join(self, elder: Object) -> Object | None:
        """Go on with what another run has made at the same time, as with anything that was there before."""
        plan = self.plan(self._state, self.settle(elder))
        if plan.action == REPLACE:
            raise Invalid(f"{self} ({elder['id']}) was made differently by another run at the same time.")
        return self.apply(plan)

    def create(self, wish: Values) -> Object:
        """Make it, once, also when an answer gets lost on the way. It may not have settled yet."""
        body = self.creation_body(wish)
        answer = self.client.post(self.url(), body, recover=self.recover)
        return self.unwrap(answer)

    def recover(self) -> Object | None:
        """After a lost answer: what the first try made."""
        return next(iter(self.eldest_first()), None)

    def discard(self, made: Object, elder: Object) -> None:
        self.remove(made)

    def creation_body(self, wish: Values) -> Object:
        body = {} if not self.name else {"name": self.name}
        if self.project_key:
            body[self.project_key] = self.client.project
        body.update({entry.key: entry.created for entry in self.fields if entry.created is not None})
        body.update(self.wire(wish))
        body.update(
            {entry.key: entry.write(wish[entry.name]) for entry in self.fields if entry.at_birth and entry.name in wish}
        )
        return body

    def wire(self, values: Values) -> Object:
        """Values in the form of the API's bodies; parts have calls of their own."""
        return {
            entry.key: entry.write(values[entry.name])
            for entry in (*self.fields, Field("name"))
            if entry.name in values and not entry.part
        }

    def change(self, current: Object, changes: Values) -> Object:
        """Write the body's fields; parts follow in :meth:`finish`."""
        body = self.change_body(current, self.wire(changes))
        if not body:
            return current
        answer = self.client.send(self.update_method, self.url(current["id"]), body=body)
        return self.settle(self.unwrap(answer))

    def change_body(self, current: Object, changes: Object) -> Object:
        if not changes or self.update_method != "PUT":
            return changes
        whole = {
            entry.key: entry.write(entry.value(current))
            for entry in self.fields
            if entry.change == IN_PLACE and not entry.part
        }
        return {"name": current.get("name"), **whole, **changes}

    def finish(self, current: Object, values: Values) -> Object:
        """Write the parts that are among `values`, in the order of the description."""
        written = False
        for entry in self.fields:
            if entry.part and entry.name in values:
                self.write_part(entry.name, current, values[entry.name])
                written = True
        return self.settle(self.fresh(current)) if written else current

    def fresh(self, current: Object) -> Object:
        """An object as it is by now."""
        return self.get(current["id"]) or current

    def write_part(self, name: str, current: Object, value: Any) -> None:
        raise NotImplementedError(f"{self.word}: {name}")

    def guard(self, current: Object) -> None:
        """Complain about removing what the API would refuse to delete; a real run hears that from the API."""
        users = self.users(current) if self.check else []
        if users:
            self.complain(self.in_use(users))

    def in_use(self, users: builtins.list[str]) -> str:
        return f"{self} cannot be removed: it is in use by {', '.join(sorted(users))}. Change or remove these first."

    def users(self, current: Object) -> builtins.list[str]:
        """What uses the object, so that the API would refuse to delete it; kinds and names."""
        return []

    def remove(self, current: Object) -> None:
        try:
            self.client.delete(self.url(current["id"]))
        except ApiError as refusal:
            users = self.users(current) if refusal.status in IN_USE else []
            if not users:
                raise
            raise Invalid(self.in_use(users)) from refusal
        if self.slow_delete and self.wait:
            self.gone(current["id"])

    # --- waiting

    def status(self, current: Object | None) -> str:
        return "gone" if current is None else str(current.get(self.status_key) or "present")

    def settle(self, current: Object) -> Object:
        """Wait until the object is in none of its transient states."""
        if not self.transient or not self.wait:
            return current
        pending: Object | None = current

        def look() -> Object | None:
            nonlocal pending
            seen, pending = pending, None
            return seen if seen is not None else self.get(current["id"])

        return self.reach(f"{self} to settle", look, lambda seen: self.status(seen) not in self.transient)

    def reach(self, what: str, look: Any, done: Any) -> Object:
        """Wait for a state of an object that must not vanish or fail meanwhile."""

        def judged(seen: Object | None) -> bool:
            if seen is None:
                raise ScalewayError(f"Waited for {what}, but it vanished.")
            if self.status(seen) in self.failed:
                raise ScalewayError(
                    f"Waited for {what}, but its {self.status_key} is {self.status(seen)!r}. {self.why(seen)}".strip()
                )
            return done(seen)

        return self.waiter.until(what, look, judged, self.status) or {}

    def why(self, seen: Object) -> str:
        """What the object itself tells about its failure."""
        return str(seen.get("status_details") or seen.get("error_message") or "")

    def gone(self, ident: str) -> None:
        self.waiter.until(f"{self} to be gone", lambda: self.get(ident), lambda seen: seen is None, self.status)

    # --- results

    def represent(self, current: Object) -> Object:
        """What modules return."""
        return current

    def predict(self, plan: Plan) -> Object:
        """What check mode returns in the place of the object."""
        predicted = {} if plan.action in (CREATE, REPLACE) else dict(plan.current or {})
        named = {"name": self.name or predicted.get("name")}
        return {"id": None, **self.unknown, **predicted, **named, **self.wire(plan.changes)}


@dataclass
class Outcome:
    """The end of one reconciliation."""

    changed: bool
    result: Object | None
    diff: Values


def reconcile(resource: Resource, state: str, check: bool) -> Outcome:
    """Bring one resource to a state, or in check mode tell what that would take."""
    plan = resource.plan(state, resource.claim(state, resource.find()))
    if check and plan.changed:
        result = None if plan.action == DELETE else resource.predict(plan)
    else:
        result = resource.apply(plan)
    shown = None if result is None else resource.represent(result)
    return Outcome(plan.changed, shown, {"before": plan.before, "after": plan.after})
