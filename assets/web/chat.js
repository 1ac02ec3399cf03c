// The conversation: history and sending over HTTP, so that nothing is said twice or lost; what others say comes by Socket.IO.
import { ask, renew } from "./api.js";
import { $, count, day, make, minute, say } from "./dom.js";
import { ended, follow, load, session } from "./session.js";
import { io } from "./socket.io.esm.min.js";
import { isOpen } from "./tabs.js";

const LINE = "line";
const PRESENCE_MS = 15000;
/** How long a socket may stay a stranger though its page is signed in. */
const STRANGER_MS = 3000;

const socket = io({ autoConnect: false, transports: ["websocket", "polling"], tryAllTransports: true, reconnectionDelayMax: 15000 });
let rooms = [];
let room = LINE;
let messages = [];
let more = false;
let known = false;
let userId = null;

export function connect() {
  if (!socket.connected) socket.connect();
}

/* The socket */

function status(words, state) {
  $("status-text").textContent = words;
  $("status").dataset.state = state;
}

let checking;
let wasConnected = false;
socket.on("connect", () => {
  status("Connected to server", "on");
  wasConnected = true;
  known = false;
  clearTimeout(checking);
  // Its cookie may have run out while the browser slept.
  if (session.user) checking = setTimeout(async () => {
    if (!known && await renew()) again();
  }, STRANGER_MS);
});
socket.on("disconnect", (reason) => {
  status("Disconnected", "off");
  known = false;
  compose();
  if (reason === "io server disconnect") setTimeout(connect, 2000 + Math.random() * 3000);
});
socket.on("connect_error", () => {
  if (!wasConnected) status("Not connected", "");
  if (!socket.active) setTimeout(connect, 5000);
});
socket.on("auth_success", () => {
  known = true;
  refresh();
});
socket.on("auth_error", () => load().catch(() => {}));
socket.on("message", (message) => {
  if (message?.id && message.room) heard(message);
  else if (message?.error) note("Server:", message.error);
});

/** Connects anew, with the cookies of now. */
function again() {
  socket.disconnect();
  socket.connect();
}

/* Rooms, history, presence */

const quietly = async (work) => {
  try { return await work(); } catch (problem) { if (problem.status === 401) ended(); else if (problem.status) say(problem.message, "bad"); }
};

async function refresh() {
  await quietly(async () => {
    rooms = (await ask("GET", "/api/chat/rooms")).rooms;
    if (!rooms.some((row) => row.room === room)) room = LINE;
    await enter(room);
  });
  presence();
  compose();
}

async function enter(name) {
  room = name;
  const page = await ask("GET", `/api/chat/${encodeURIComponent(room)}/messages?limit=50`);
  if (room !== name) return;
  messages = page.messages;
  more = page.more;
  showRooms();
  showLog();
  seen();
}

async function earlier() {
  const page = await ask("GET", `/api/chat/${encodeURIComponent(room)}/messages?limit=50&before=${messages[0].id}`);
  messages = [...page.messages, ...messages];
  more = page.more;
  const log = $("log");
  const fromEnd = log.scrollHeight - log.scrollTop;
  showLog();
  log.scrollTop = log.scrollHeight - fromEnd;
}

async function presence() {
  if (!session.user || !isOpen("chat") || document.hidden) return;
  await quietly(async () => {
    const { present } = await ask("GET", "/api/chat/presence");
    const names = new Map(present.map((one) => [one.user_id, one]));
    $("present").replaceChildren(...[...names.values()].map((one) =>
      make("li", {}, one.username, one.user_id === userId ? make("span", { className: "role" }, "you") : "")));
  });
}

function heard(message) {
  if (message.room === room) {
    if (messages.some((one) => one.id === message.id)) return;
    messages.push(message);
    append(message, messages.at(-2));
  }
  const row = rooms.find((one) => one.room === message.room);
  // A room that was not there before.
  if (!row) return refresh();
  if (message.from !== session.user?.username && !(message.room === room && isOpen("chat") && !document.hidden)) row.unread += 1;
  showRooms();
  seen();
}

/** Tells the server how far this room has been read, when somebody looks. */
async function seen() {
  const row = rooms.find((one) => one.room === room);
  const last = messages.findLast((one) => one.id);
  if (!last || !isOpen("chat") || document.hidden || row?.read === last.id) return;
  if (row) Object.assign(row, { unread: 0, read: last.id });
  showRooms();
  await ask("PUT", `/api/chat/${encodeURIComponent(room)}/read`, { message_id: last.id }).catch(() => {});
}

/* What is seen of it */

const shownRoom = (name) => name === LINE ? "Line" : name.replace(/^station:/, "Station ");

function showRooms() {
  const unread = rooms.reduce((sum, row) => sum + row.unread, 0);
  const badge = (number) => number ? make("span", { className: "count" }, count(number), make("span", { className: "unseen" }, " unread")) : "";
  $("unread").hidden = unread === 0;
  $("unread").textContent = count(unread);
  $("room-name").textContent = shownRoom(room);
  const focused = document.activeElement?.dataset?.room;
  $("rooms").replaceChildren(...rooms.map((row) => {
    const button = make("button", { type: "button" }, shownRoom(row.room), badge(row.unread));
    button.dataset.room = row.room;
    button.setAttribute("aria-current", String(row.room === room));
    button.addEventListener("click", () => quietly(() => enter(row.room)));
    return make("li", {}, button);
  }));
  if (focused) [...$("rooms").querySelectorAll("button")].find((button) => button.dataset.room === focused)?.focus();
}

function line(message) {
  const mine = message.from === session.user?.username;
  const time = new Date(message.timestamp);
  const stamp = make("time", { dateTime: message.timestamp }, minute(time));
  const kind = message.kind === "note" ? "note" : "";
  const mark = kind ? make("span", { className: "mark" }, "Shift handover ") : "";
  const who = make("span", { className: "who" }, mine ? "You:" : `${message.from}:`);
  return make("li", { className: `${mine ? "mine" : ""} ${kind}` }, stamp, make("p", {}, mark, who, make("span", { className: "text" }, message.content)));
}

function daysBetween(message, before) {
  const of = (one) => one && day(new Date(one.timestamp));
  return of(message) === of(before) ? [] : [make("li", { className: "day" }, of(message))];
}

function showLog() {
  const today = day(new Date());
  const lines = messages.flatMap((message, place) => {
    const first = place === 0 && day(new Date(message.timestamp)) === today;
    return [...(first ? [] : daysBetween(message, messages[place - 1])), line(message)];
  });
  $("log").replaceChildren(...(lines.length ? lines : [aside("System:", "Nothing has been said here yet.")]));
  $("earlier").hidden = !more;
  toEnd();
}

function append(message, before) {
  const log = $("log");
  if (!before) log.replaceChildren();
  log.append(...(before ? daysBetween(message, before) : []), line(message));
  if (atEnd || message.from === session.user?.username) toEnd();
}

/** Something nobody said: kept on this page only. */
function note(who, words) {
  $("log").append(aside(who, words));
  toEnd();
}

const aside = (who, words) => make("li", { className: "system" }, make("p", {}, make("span", { className: "who" }, who), words));

/* Whoever reads the newest keeps seeing it, also when the log is made smaller or shown again. */
let atEnd = true;
function toEnd() {
  atEnd = true;
  $("log").scrollTop = $("log").scrollHeight;
}

/* Saying something */

function compose() {
  const { user, locked } = session;
  $("chat-closed").hidden = Boolean(user);
  $("chat-body").hidden = !user;
  $("say-form").hidden = locked;
  $("locked").hidden = !locked;
}

let saying = null;

async function speak() {
  const field = $("say");
  const content = field.value;
  if (!content.trim() || saying) return;
  // The same words after a failure keep their id, so that they are kept once.
  if (speak.content !== content) Object.assign(speak, { content, id: newId() });
  saying = field.value;
  try {
    const message = await ask("POST", `/api/chat/${encodeURIComponent(room)}/messages`, { content, id: speak.id });
    speak.content = null;
    if (field.value === content) field.value = "";
    fit();
    heard(message);
    say("");
  } catch (problem) {
    if (problem.status === 401) ended();
    say(problem.message, "bad");
  } finally {
    saying = null;
  }
}

const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function fit() {
  const field = $("say");
  field.rows = Math.min(6, field.value.split("\n").length);
}

export function start() {
  $("say-form").addEventListener("submit", (event) => {
    event.preventDefault();
    speak();
    $("say").focus();
  });
  $("say").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      speak();
    }
  });
  $("say").addEventListener("input", fit);
  $("earlier").addEventListener("click", () => quietly(earlier));
  const log = $("log");
  log.addEventListener("scroll", () => { atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40; });
  new ResizeObserver(() => atEnd && toEnd()).observe(log);
  document.addEventListener("tab", () => { seen(); presence(); });
  document.addEventListener("visibilitychange", () => { seen(); presence(); });
  setInterval(presence, PRESENCE_MS);
  follow(() => {
    compose();
    const id = session.user?.id ?? null;
    if (id === userId) return;
    userId = id;
    [rooms, messages, room] = [[], [], LINE];
    $("log").replaceChildren();
    showRooms();
    if (socket.connected) again();
    if (id) refresh();
  });
}
