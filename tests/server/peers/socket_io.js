// Two people talk over Socket.IO with its own JavaScript client: URL, transport, their names, the password, a station's name.
// It is found in the folder that NODE_PATH names.
const { io } = require("socket.io-client");
const assert = require("node:assert");

const [url, transport, annaName, janName, password, station] = process.argv.slice(2);
const LITERAL = "<b>bold</b> '; drop table users; -- ąćę \u{1f642} \"quoted\" \\ end";

class Person {
  constructor(name) {
    this.name = name;
    this.heard = {};
    this.waiting = {};
    this.socket = io(url, { transports: [transport], reconnection: false, forceNew: true });
    this.socket.on("connect_error", (error) => fail(error));
    for (const event of ["connected", "auth_success", "auth_error", "message", "joined", "disconnect"]) {
      this.heard[event] = [];
      this.socket.on(event, (payload) => {
        const waiting = this.waiting[event];
        if (waiting) { this.waiting[event] = null; waiting(payload); } else this.heard[event].push(payload);
      });
    }
  }
  next(event) {
    if (this.heard[event].length) return Promise.resolve(this.heard[event].shift());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.name} waited in vain for ${event}`)), 15000);
      this.waiting[event] = (payload) => { clearTimeout(timer); resolve(payload); };
    });
  }
  heardNothing(event) { assert.deepEqual(this.heard[event], []); }
  async tryInVain(payload, sentence) {
    payload === undefined ? this.socket.emit("authenticate") : this.socket.emit("authenticate", payload);
    assert.equal((await this.next("auth_error")).error, sentence);
  }
  async authenticate() {
    this.socket.emit("authenticate", { username: this.name, password });
    const success = await this.next("auth_success");
    assert.equal(success.message, "Authentication successful");
    assert.equal(success.user.username, this.name);
    assert.deepEqual(success.characters, []);
  }
}

function fail(error) { console.error(error); process.exit(1); }

async function main() {
  const anna = new Person(annaName);
  const greeting = await anna.next("connected");
  assert.equal(greeting.message, "Connected to server");
  assert.equal(greeting.sid, anna.socket.id);
  anna.socket.emit("message", "too early");
  assert.match((await anna.next("auth_error")).error, /uthenticate/);
  await anna.tryInVain("just a text", "Missing credentials");
  await anna.tryInVain(undefined, "Missing credentials");
  await anna.tryInVain({ username: annaName }, "Missing credentials");
  await anna.tryInVain({ username: annaName, password: "wrong" }, "Invalid credentials");
  anna.heardNothing("message");
  await anna.authenticate();
  const jan = new Person(janName);
  await jan.next("connected");
  await jan.authenticate();

  anna.socket.emit("message", LITERAL);
  assert.deepEqual(await anna.next("message"), { echo: LITERAL });
  const heard = await jan.next("message");
  assert.deepEqual(Object.keys(heard).sort(), ["content", "from", "id", "room", "timestamp"]);
  assert.deepEqual([heard.content, heard.from, heard.room], [LITERAL, annaName, "line"]);
  await anna.socket.timeout(15000).emitWithAck("message", { "ż": 1 });
  assert.deepEqual(await anna.next("message"), { echo: { "ż": 1 } });
  assert.equal((await jan.next("message")).content, '{"ż":1}');

  const room = `station:${station}`;
  anna.socket.emit("message", { room, content: "not for everybody" });
  await anna.next("message");
  jan.socket.emit("join", room);
  assert.deepEqual(await jan.next("joined"), { room });
  anna.socket.emit("message", { room, content: "for those here" });
  await anna.next("message");
  assert.equal((await jan.next("message")).content, "for those here");
  // Anything comes back, as in the original; what no room takes is followed by the reason, and nobody else hears it.
  for (const [size, code] of [[4001, "bad_message"], [900000, "too_large"]]) {
    jan.socket.emit("message", "x".repeat(size));
    assert.deepEqual(await jan.next("message"), { echo: "x".repeat(size) });
    assert.equal((await jan.next("message")).code, code);
  }
  jan.socket.emit("message", Buffer.from("binary"));
  assert.equal((await jan.next("message")).code, "bad_message");
  jan.socket.emit("no such event", { a: 1 });
  jan.socket.emit("message", "still here");
  assert.deepEqual(await jan.next("message"), { echo: "still here" });
  await anna.next("message");
  for (const person of [anna, jan]) {
    person.heardNothing("message");
    person.heardNothing("auth_error");
    assert.equal(person.socket.io.engine.transport.name, transport);
    person.socket.disconnect();
    await person.next("disconnect");
  }
  console.log("done");
}

main().catch(fail);
