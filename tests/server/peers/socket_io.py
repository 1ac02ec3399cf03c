"""Two people talk over Socket.IO with python-socketio: URL, transport, their names, the password, a station's name."""

import queue
import sys

import socketio

url, transport, anna_name, jan_name, password, station = sys.argv[1:]
LITERAL = "<b>bold</b> '; drop table users; -- ąćę \U0001f642 \"quoted\" \\ end"


class Person:
    def __init__(self, name):
        self.name = name
        self.heard = {}
        self.client = socketio.Client(reconnection=False)
        for event in ("connected", "auth_success", "auth_error", "message", "joined", "disconnect"):
            self.heard[event] = queue.Queue()
            self.client.on(event, self.note(event))
        self.client.connect(url, transports=[transport])

    def note(self, event):
        return lambda *args: self.heard[event].put(args[0] if args else None)

    def next(self, event):
        try:
            return self.heard[event].get(timeout=15)
        except queue.Empty:
            raise AssertionError(f"{self.name} waited in vain for {event}") from None

    def heard_nothing(self, event):
        assert self.heard[event].empty(), f"{self.name} heard {event}: {self.heard[event].get()}"

    def try_in_vain(self, payload, sentence):
        if payload is None:
            self.client.emit("authenticate")
        else:
            self.client.emit("authenticate", payload)
        error = self.next("auth_error")
        assert error["error"] == sentence, error

    def authenticate(self):
        self.client.emit("authenticate", {"username": self.name, "password": password})
        success = self.next("auth_success")
        assert success["message"] == "Authentication successful", success
        assert success["user"]["username"] == self.name and success["user"]["id"], success
        assert "email" in success["user"] and success["characters"] == [], success
        assert success["server_status"]["status"] == "online", success


def same(found, wanted):
    assert found == wanted, f"{found!r} is not {wanted!r}"


anna = Person(anna_name)
greeting = anna.next("connected")
same(greeting["message"], "Connected to server")
same(sorted(greeting["server_status"]), ["connected_users", "status", "total_users", "uptime", "uptime_seconds"])
same(greeting["sid"], anna.client.get_sid())

anna.client.emit("message", "too early")
assert "uthenticate" in anna.next("auth_error")["error"]
anna.try_in_vain("just a text", "Missing credentials")
anna.try_in_vain(None, "Missing credentials")
anna.try_in_vain({"username": anna_name}, "Missing credentials")
anna.try_in_vain({"username": anna_name, "password": ""}, "Missing credentials")
anna.try_in_vain({"username": anna_name, "password": "wrong"}, "Invalid credentials")
anna.heard_nothing("message")
anna.authenticate()
jan = Person(jan_name)
# The order of what is sent is kept, so what follows at once is said by somebody who is known.
jan.client.emit("authenticate", {"username": jan_name, "password": password})
jan.client.emit("message", "at once")
jan.next("auth_success")
same(jan.next("message"), {"echo": "at once"})
same(anna.next("message")["content"], "at once")

anna.client.emit("message", LITERAL)
same(anna.next("message"), {"echo": LITERAL})
heard = jan.next("message")
same(sorted(heard), ["content", "from", "id", "room", "timestamp"])
same((heard["content"], heard["from"], heard["room"]), (LITERAL, anna_name, "line"))
same(anna.client.call("message", {"ż": 1}), None)
same(anna.next("message"), {"echo": {"ż": 1}})
same(jan.next("message")["content"], '{"ż":1}')

room = f"station:{station}"
anna.client.emit("message", {"room": room, "content": "not for everybody"})
anna.next("message")
jan.client.emit("join", {"room": room})
same(jan.next("joined"), {"room": room})
anna.client.emit("message", {"room": room, "content": "for those here"})
anna.next("message")
same(jan.next("message")["content"], "for those here")
jan.client.emit("message", {"room": "station:nowhere", "content": "x"})
same(jan.next("message")["code"], "not_found")
# Anything comes back, as in the original; what no room takes is followed by the reason, and nobody else hears it.
for size, code in ((4001, "bad_message"), (900_000, "too_large")):
    jan.client.emit("message", "x" * size)
    same(jan.next("message"), {"echo": "x" * size})
    same(jan.next("message")["code"], code)
jan.client.emit("message", b"binary")
same(jan.next("message")["code"], "bad_message")
jan.client.emit("no such event", {"a": 1})
jan.client.emit("message", "still here")
same(jan.next("message"), {"echo": "still here"})
anna.next("message")
for person in (anna, jan):
    person.heard_nothing("message")
    person.heard_nothing("auth_error")
    same(person.client.transport(), transport)
    person.client.disconnect()
    person.next("disconnect")
print("done")
