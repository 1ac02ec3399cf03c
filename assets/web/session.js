// Who is signed in on this page, and whether he has been away too long to act.
import { ask, mayHaveSession, renew } from "./api.js";

const INPUT = "andon.input";
const RENEW_MS = 10 * 60 * 1000;
const listeners = [];

export const session = { user: null, locked: false, offer: {} };

/** Calls `listener` now and whenever somebody signs in, out, or is locked. */
export function follow(listener) {
  listeners.push(listener);
}

function tell() {
  for (const listener of listeners) listener(session);
}

function become(user) {
  session.user = user;
  if (user && !lastInput() && !notedAt) noteInput();
  session.locked = Boolean(user) && isIdle();
  tell();
}

/** Looks who is signed in. */
export async function load() {
  let offer = await ask("GET", "/api/page/session");
  if (!offer.user && mayHaveSession() && await renew()) offer = await ask("GET", "/api/page/session");
  session.offer = offer;
  become(offer.user);
}

export async function login(username, password) {
  const user = await ask("POST", "/api/page/login", { username, password });
  noteInput();
  become(user);
}

export async function logout() {
  await ask("POST", "/api/page/logout");
  become(null);
}

/** The session has ended elsewhere. */
export function ended() {
  if (session.user) become(null);
}

function lastInput() {
  try { return Number(localStorage.getItem(INPUT)) || 0; } catch { return 0; }
}

let notedAt = 0;
function noteInput() {
  notedAt = Date.now();
  try { localStorage.setItem(INPUT, String(notedAt)); } catch { /* this tab's own memory has to do */ }
}

function isIdle() {
  const limit = session.user?.session_timeout;
  return Boolean(limit) && Date.now() - Math.max(lastInput(), notedAt) > limit * 1000;
}

// Input counts while the person is not locked out of acting; afterwards only his password does.
for (const kind of ["pointerdown", "keydown"]) {
  addEventListener(kind, () => {
    if (session.user && !session.locked && Date.now() - notedAt > 5000 && !isIdle()) noteInput();
  }, { passive: true, capture: true });
}

setInterval(() => {
  if (session.user && !session.locked && isIdle()) {
    session.locked = true;
    tell();
  }
}, 5000);

// The view goes on however long nobody touches it.
setInterval(async () => {
  if (session.user && !await renew()) await load().catch(() => {});
}, RENEW_MS);
