# SPDX-License-Identifier: GPL-3.0-or-later
"""Several runs against one cloud, request by request, in an order that the test chooses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.ensemble.jitsi.plugins.module_utils.errors import ApiError
from unit_shelves import Shelves

Choose = Callable[[int], int]


class Peer(Shelves):
    """One run's client: each of its requests waits for its turn. `shelves` are the cloud's, shared by all peers."""

    def __init__(self, cloud: Shelves, dated: bool, refuses: bool) -> None:
        super().__init__()
        self.shelves, self._numbers = cloud.shelves, cloud._numbers
        self.dated, self.refuses, self.pause = dated, refuses, self._rest
        self.turn, self.done = threading.Semaphore(0), threading.Semaphore(0)
        self.ended = False
        self.outcome: Any = None

    def send(self, method: str, path: str, query: Any = None, body: Any = None) -> Any:
        with self._in_turn():
            kind = path.rsplit("/", 1)[-1]
            if method == "POST" and self.refuses and self._names(kind, body):
                raise ApiError(f"POST {path}", 409, {"type": "already_exists"})
            answer = super().send(method, path, query, body)
            if method == "POST" and self.dated:
                moment = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}.{next(self._numbers):06d}+00:00"
                self.shelves[kind][answer["id"]]["created_at"] = answer["created_at"] = moment
            return answer

    def list(self, path: str, key: str, /, **query: Any) -> list[Any]:
        with self._in_turn():
            return super().list(path, key, **query)

    def _names(self, kind: str, body: Any) -> bool:
        return any(each.get("name") == body.get("name") for each in self.shelves.get(kind, {}).values())

    def _rest(self, _seconds: float) -> None:
        """A pause is longer than requests take: others have some turns meanwhile."""
        for _turn in range(4):
            with self._in_turn():
                pass

    def _in_turn(self) -> Peer:
        return self

    def __enter__(self) -> None:
        """Tell that this peer has come to its next request, and wait for its turn."""
        if threading.current_thread() is not threading.main_thread():
            self.done.release()
            self.turn.acquire()

    def __exit__(self, *_error: object) -> None:
        pass

    def start(self, work: Callable[[Peer], Any]) -> None:
        def live() -> None:
            try:
                self.outcome = work(self)
            except Exception as error:
                self.outcome = error
            self.ended = True
            self.done.release()

        threading.Thread(target=live, daemon=True).start()
        self.done.acquire()


def play(peers: list[Peer], work: Callable[[Peer], Any], choose: Choose, crash: int | None = None) -> None:
    """Let all peers work; `choose` says which of the living is next. The peer `crash` dies after its first POST."""
    for peer in peers:
        peer.start(work)
    living = list(peers)
    while living:
        peer = living[choose(len(living))]
        writes = len(peer.writes)
        peer.turn.release()
        peer.done.acquire()
        died = (
            crash is not None and peer is peers[crash] and any(each.startswith("POST") for each in peer.writes[writes:])
        )
        if peer.ended or died:
            living.remove(peer)


def all_orders() -> Iterator[Choose]:
    """Every way to choose: the caller plays one after the other until there are no more."""
    prefix: list[int] = []
    while True:
        taken: list[tuple[int, int]] = []

        def choose(options: int, taken: list[tuple[int, int]] = taken, prefix: list[int] = prefix) -> int:
            index = prefix[len(taken)] if len(taken) < len(prefix) else 0
            taken.append((index, options))
            return index

        yield choose
        while taken and taken[-1][0] + 1 >= taken[-1][1]:
            taken.pop()
        if not taken:
            return
        prefix = [index for index, _options in taken[:-1]] + [taken[-1][0] + 1]
