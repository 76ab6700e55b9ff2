"""Nobody who sends nothing, and nobody who asks for much, keeps the others waiting."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
from concurrent.futures import ThreadPoolExecutor

from ddsp_match.app.limits import AT_ONCE, MAX_WAITING, ConcurrencyLimit, Limits
from tests.app.serving import Served, wav


def test_connections_that_bring_no_request_block_nobody_and_are_hung_up(tmp_path):
    with Served(tmp_path, Limits(head_s=0.5)) as served, contextlib.ExitStack() as stack:
        half_open = [
            stack.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=30)) for _ in range(260)
        ]
        for stream in half_open[::2]:
            stream.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert served.get("/api/runs").status == 200
        assert {stream.recv(10) for stream in half_open} == {b""}


def test_a_connection_that_asks_in_time_is_kept(tmp_path):
    with Served(tmp_path) as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
        sockets = []
        for _ in range(2):
            connection.request("GET", "/api/runs")
            sockets.append(connection.sock)
            assert connection.getresponse().read()
        connection.close()
    assert sockets[0] is sockets[1] is not None


def test_two_hundred_downloads_at_once_are_all_answered(tmp_path):
    with Served(tmp_path) as served, ThreadPoolExecutor(200) as pool:
        sound = served.drop(wav(2.0)).json["id"]
        replies = list(pool.map(served.get, [f"/api/sounds/{sound}/sound.wav"] * 200))
    assert {reply.status for reply in replies} == {200} and len({reply.body for reply in replies}) == 1


def test_so_many_are_let_in_and_the_others_wait():
    async def crowd(n: int) -> tuple[int, list[int]]:
        inside, most, statuses, refused = 0, 0, [], asyncio.Event()

        async def app(scope, receive, send):
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await refused.wait()
            inside -= 1
            await send({"type": "http.response.start", "status": 200})

        async def send(message):
            if "status" in message:
                statuses.append(message["status"])
                if statuses.count(503) == 3:
                    refused.set()

        async def receive():
            return {"type": "http.request", "more_body": False}

        scope = {"type": "http", "path": "/", "method": "GET"}
        limit = ConcurrencyLimit(app)
        await asyncio.gather(*[limit(scope, receive, send) for _ in range(n)])
        return most, statuses

    room = AT_ONCE + MAX_WAITING
    most, statuses = asyncio.run(crowd(room + 3))
    assert most == AT_ONCE
    assert statuses.count(200) == room and statuses.count(503) == 3
