"""Logs that nobody reads, or too slowly: requests are served, lines are counted, and the server stops."""

import errno
import json
import os
import re
import signal
import socket
import subprocess
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from support.web_client import ADA
from support.web_server import TIMEOUT, Connection, Server, wait_until
from vigility.web.http.client_address import ClientAddressResolver
from vigility.web.middleware.access_log import AccessLog, Served
from vigility.web.middleware.background_writer import BackgroundWriter, NotWritten
from vigility.web.middleware.log_output import StandardOutput
from vigility.web.server.logger import ImpatientStream


def write(log, number, method="GET", path="/me"):
    log.write(method, path, [Served(f"r{number}", "10.0.0.1", None, 200, 0.00123456, 5, None)])


class Reader:
    """A sink that can stall, and that keeps what it has got."""

    def __init__(self):
        self.reading = threading.Event()
        self.reading.set()
        self.asked = threading.Event()
        self.pieces = []

    def __call__(self, *piece):
        self.asked.set()
        assert self.reading.wait(TIMEOUT)
        self.pieces.append(piece)


def test_items_that_do_not_fit_are_counted_and_the_others_written_in_order():
    reader = Reader()
    reader.reading.clear()
    writer = BackgroundWriter(reader, max_waiting=3)
    writer.put([0])
    assert reader.asked.wait(TIMEOUT)  # the reader holds this one
    writer.put([1, 2])
    writer.put([3, 4, 5])
    writer.put([6, 7, 8])
    reader.reading.set()
    assert writer.close(TIMEOUT)
    assert [item for items, _ in reader.pieces for item in items] == [0, 1, 2, 3]
    assert sum(lost for _, lost in reader.pieces) == 5


def test_a_reader_that_stalls_does_not_keep_the_writer_from_closing():
    reader = Reader()
    reader.reading.clear()
    writer = BackgroundWriter(reader, max_waiting=3)
    writer.put([0])
    assert reader.asked.wait(TIMEOUT)
    assert not writer.close(0.01)
    reader.reading.set()
    assert writer.close(TIMEOUT)


def test_a_writer_that_was_never_used_has_no_thread():
    before = threading.active_count()
    assert BackgroundWriter(Reader(), max_waiting=3).close(0)
    assert threading.active_count() == before


def test_lost_lines_are_reported_in_the_log(monkeypatch):
    monkeypatch.setattr("vigility.web.middleware.access_log.MAX_WAITING_LINES", 2)
    reader = Reader()
    log = AccessLog(ClientAddressResolver(()), reader)
    reader.reading.clear()
    write(log, 0)
    assert reader.asked.wait(TIMEOUT)
    for number in range(1, 6):
        write(log, number)
    reader.reading.set()
    log.close()
    *lines, last = b"".join(piece for (piece,) in reader.pieces).splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == ["r0", "r1", "r2"]
    assert json.loads(last).pop("time").endswith("+00:00")
    assert json.loads(last)["pid"] == os.getpid()
    assert json.loads(last)["lines_lost"] == 3


def test_lines_are_written_in_pieces_that_a_pipe_does_not_mix(monkeypatch):
    reading, writing = os.pipe()
    pieces = []
    monkeypatch.setattr("sys.stdout", SimpleNamespace(fileno=lambda: writing))
    monkeypatch.setattr("os.write", lambda _, piece: pieces.append(piece) or len(piece))
    log = AccessLog(ClientAddressResolver(()), StandardOutput())
    for number in range(200):
        write(log, number, path="/\U0001f600" * 300, method="\x1b" * 20)
    log.close()
    os.close(reading)
    os.close(writing)
    assert len(pieces) > 1
    assert all(len(piece) <= 4096 and piece.endswith(b"\n") for piece in pieces)
    assert len(b"".join(pieces).splitlines()) == 200


class Disk:
    """A disk that takes only so many more bytes."""

    def __init__(self, monkeypatch, room):
        self.room, self.content = room, b""
        monkeypatch.setattr("os.write", self._write)

    def _write(self, _descriptor, data):
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = data[: self.room]
        self.content += written
        self.room -= len(written)
        return len(written)


def test_lines_for_which_the_disk_has_no_room_are_counted(monkeypatch):
    disk = Disk(monkeypatch, room=600)  # three lines and a part of the fourth
    log = AccessLog(ClientAddressResolver(()), StandardOutput())
    for number in range(10):
        write(log, number)
    wait_until(lambda: not disk.room)
    wait_until(lambda: log._writer._failed == 7)
    write(log, 10)
    wait_until(lambda: log._writer._failed == 8)
    disk.room = 10_000
    write(log, 11)
    log.close()
    *whole, torn, after, lost = disk.content.decode().splitlines()
    assert [json.loads(line)["request_id"] for line in [*whole, after]] == ["r0", "r1", "r2", "r11"]
    assert not torn.endswith("}")
    assert json.loads(lost)["lines_lost"] == 8


def test_a_disk_that_stays_full_and_a_log_that_is_closed(monkeypatch):
    output, disk = StandardOutput(), Disk(monkeypatch, room=0)
    with pytest.raises(NotWritten, match="2 lines could not be written"):
        output(b"a\nb\n")
    disk.room = 1
    with pytest.raises(NotWritten, match="2 lines"):
        output(b"ab\ncd\n")
    with pytest.raises(NotWritten, match="1 lines"):
        output(b"ef\n")
    disk.room = 4
    output(b"gh\n")
    assert disk.content == b"a\ngh\n"


@pytest.mark.parametrize("path", ["log", os.devnull])
def test_a_file_gets_all_lines_that_wait_in_one_piece(monkeypatch, tmp_path, path):
    pieces = []
    monkeypatch.setattr("os.write", lambda _, piece: pieces.append(piece) or len(piece))
    with (tmp_path / path).open("w") as output:  # an absolute path stays as it is
        monkeypatch.setattr("sys.stdout", output)
        StandardOutput()(b"line\n" * 5_000)
    assert pieces == [b"line\n" * 5_000]


@pytest.mark.parametrize("path", ["/\x7f", "/\udc80", "/é", "/\u2028"])
def test_lines_are_printable_ascii(path):
    reader = Reader()
    log = AccessLog(ClientAddressResolver(()), reader)
    write(log, 1, path=path)
    write(log, 2)
    log.close()
    lines = b"".join(piece for (piece,) in reader.pieces)
    assert re.fullmatch(rb"[ -~]+\n[ -~]+\n", lines)
    assert [json.loads(line)["path"] for line in lines.splitlines()] == [path, "/me"]


def test_an_error_in_one_write_does_not_end_the_writer(caplog):
    written = []
    writer = BackgroundWriter(lambda items, _: written.append(1 / items[0]), max_waiting=3)
    writer.put([0])
    wait_until(lambda: "cannot write a log" in caplog.text)
    writer.put([2])
    assert writer.close(TIMEOUT)
    assert written == [0.5]


def test_messages_that_cannot_be_written_are_lost_and_counted():
    reading, writing = os.pipe()
    stream = ImpatientStream(writing)
    stream.write("x" * 70_000)  # more than a pipe holds
    for number in range(40_000):
        stream.write(f"message {number}\n")
    received = b""
    while len(received) < 32_768:
        received += os.read(reading, 4096)
    stream.write("after\n")
    os.close(writing)
    while piece := os.read(reading, 65_536):
        received += piece
    os.close(reading)
    assert received.endswith(b" messages were lost because nobody read them)\nafter\n")


def test_a_reader_that_has_gone_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    ImpatientStream(writing).write("x")
    os.close(writing)


@contextmanager
def unread_server(folder):
    """A server whose output nobody reads, once it has started. The process, and its port."""
    server = Server(folder)
    process = subprocess.Popen(
        server._command, cwd=folder, env=server._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        started = 0
        while started < server.workers:
            started += b"Application startup complete" in process.stdout.readline()
        yield process, server.port
    finally:
        process.kill()
        process.stdout.close()
        process.wait(TIMEOUT)


@pytest.mark.server
def test_a_server_whose_log_nobody_reads_serves_and_stops(tmp_path):
    with unread_server(tmp_path) as (process, port):
        with Connection(port) as client:
            user = client.send("POST", "/register", ADA)[1]
            bearer = {"Authorization": f"Bearer {user['token']}"}
            for _ in range(1_500):  # some 300 lines fill a pipe
                assert client.send("POST", "/track", {"feature_name": "a"}, bearer)[0] == 201
        for _ in range(700):  # each of these is a line in the error log
            with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
                connection.sendall(b"nonsense\r\n\r\n")
                assert connection.recv(100).startswith(b"HTTP/1.1 400")
        with Connection(port) as client:
            assert client.send("GET", "/health")[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
