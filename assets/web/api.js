// Asks the server. Tokens live in cookies that no script can read; a change repeats the CSRF token, which a script can.

/** A refusal: a sentence for people, a word for programs, sentences by field. Status 0: no answer at all. */
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.error ?? "The server's answer cannot be understood.");
    Object.assign(this, { status, code: body.code ?? "", fields: body.fields ?? {}, retryAfter });
  }
}

function csrf() {
  return document.cookie.match(/(?:^|;\s*)(?:__Host-)?andon_csrf=([0-9a-f]+)/)?.[1] ?? "";
}

/** Whether this browser holds a session, good or ended. */
export const mayHaveSession = () => csrf() !== "";

async function send(method, path, body) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (method !== "GET") headers["x-csrf-token"] = csrf();
  try {
    return await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-cache", signal: AbortSignal.timeout(20000) });
  } catch {
    throw new Problem(0, { error: "The server does not answer. Check the network and try again." });
  }
}

async function read(answer) {
  const text = await answer.text();
  let body = {};
  try { body = text ? JSON.parse(text) : {}; } catch { /* said below, by the status */ }
  if (!answer.ok) throw new Problem(answer.status, body, Number(answer.headers.get("retry-after")) || 0);
  return body;
}

/** The answer's body, or a Problem. A session whose access has run out is renewed once on the way. */
export async function ask(method, path, body) {
  const before = csrf();
  const answer = await send(method, path, body);
  if (answer.status === 401 && before && !path.startsWith("/api/page/login") && await renew(before)) {
    return read(await send(method, path, body));
  }
  return read(answer);
}

let renewing = null;

/** Renews the session. Of several tabs that notice at once, one does it, for a refresh token must not be used twice. */
export function renew(before = csrf()) {
  renewing ??= alone(async () => {
    if (csrf() !== before) return mayHaveSession();
    return (await send("POST", "/api/page/refresh")).ok;
  }).catch(() => false).finally(() => { renewing = null; });
  return renewing;
}

async function alone(work) {
  if (navigator.locks) return navigator.locks.request("andon-renew", work);
  // Browsers keep locks from pages without TLS: step aside by chance instead.
  await new Promise((done) => setTimeout(done, Math.random() * 1500));
  return work();
}
