// Sign Up, Login, Verify and a new password: checked here for speed, judged by the server.
import { ask } from "./api.js";
import { $, say } from "./dom.js";
import { follow, login, logout, session } from "./session.js";
import { open } from "./tabs.js";

const RESET = "/api/auth/password-reset";

/** What is wrong with a field, or nothing. */
function fault(input) {
  const name = input.labels[0].textContent;
  const validity = input.validity;
  if (validity.valueMissing) return `${name} is missing.`;
  if (validity.typeMismatch) return "This is not an e-mail address.";
  if (validity.patternMismatch) return "The code is six digits.";
  if (validity.tooShort || (input.minLength > 0 && [...input.value].length < input.minLength)) return `At least ${input.minLength} characters.`;
  return "";
}

function mark(input, words) {
  $(`${input.id}-error`).textContent = words;
  input.setAttribute("aria-invalid", words ? "true" : "false");
}

const fields = (form) => [...form.querySelectorAll("input")];

/** Shows the faults and goes to the first. */
function check(form) {
  const bad = fields(form).filter((input) => {
    const words = fault(input);
    mark(input, words);
    return words;
  });
  bad[0]?.focus();
  return bad.length === 0;
}

/** Sends a form once at a time; what the server finds wrong with a field stands below it. */
function onSubmit(form, act) {
  const button = form.querySelector("button.primary");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled || !check(form)) return;
    button.disabled = true;
    say("One moment …");
    let wait = 0;
    try {
      await act(Object.fromEntries(new FormData(form)));
    } catch (problem) {
      say(problem.message, "bad");
      const named = fields(form).filter((input) => problem.fields?.[input.name]);
      named.forEach((input) => mark(input, problem.fields[input.name]));
      named[0]?.focus();
      wait = problem.status === 429 ? problem.retryAfter : 0;
    }
    countDown(button, wait);
  });
  fields(form).forEach((input) => input.addEventListener("input", () => mark(input, "")));
}

/** Keeps a button shut for so many seconds, and says for how long. */
function countDown(button, seconds) {
  const words = button.dataset.words ??= button.textContent;
  const end = Date.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${words} (${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")})` : words;
    if (left > 0) setTimeout(tick, 500);
  };
  tick();
}

/** Whether somebody who has forgotten his password chooses a new one where others log in. */
let forgotten = false;

function forget(yes) {
  forgotten = yes;
  $("reset-ask-form").hidden = false;
  $("reset-form").hidden = true;
  $("reset-form").reset();
  showPerson();
}

/** Sends a code to the address in a field whenever a button is pressed. */
function onResend(button, email, path) {
  button.addEventListener("click", async () => {
    mark(email, fault(email));
    if (fault(email)) return email.focus();
    button.disabled = true;
    let wait = 0;
    try {
      say((await ask("POST", path, { email: email.value })).message, "good");
    } catch (problem) {
      say(problem.message, "bad");
      wait = problem.retryAfter;
    }
    countDown(button, wait);
  });
}

function showPerson() {
  const { user, locked, offer } = session;
  $("signup-form").hidden = offer.signup === "closed";
  $("signup-closed").hidden = offer.signup !== "closed";
  $("signup-approval").hidden = offer.signup !== "approval";
  $("person").hidden = !user;
  $("person").dataset.role = user?.role ?? "";
  $("person-name").textContent = user?.username ?? "";
  $("person-role").textContent = user ? roleName(user.role) : "";
  const mayLogin = !user || locked;
  $("login-form").hidden = !mayLogin || forgotten;
  $("reset").hidden = !mayLogin || !forgotten;
  $("signed-in").hidden = !user || locked;
  $("signed-in-name").textContent = user?.username ?? "";
  const guest = user?.role === "GUEST";
  $("signed-in-hint").textContent = guest ? "You may chat. An administrator can give you a role for more." : user ? `Your role is ${roleName(user.role)}.` : "";
  if (locked) $("login-username").value = user.username;
}

const roleName = (role) => role === "SERWISANT" ? "Service technician" : role.charAt(0) + role.slice(1).toLowerCase();

export function start() {
  follow(showPerson);
  onSubmit($("signup-form"), async (form) => {
    const answer = await ask("POST", "/api/signup", form);
    $("verify-email").value = form.email;
    $("signup-form").reset();
    open("verify", $("verify-code"));
    say(answer.message, "good");
  });
  onSubmit($("verify-form"), async (form) => {
    const answer = await ask("POST", "/api/verify-email", form);
    $("verify-code").value = "";
    open("login", $("login-username"));
    say(`${answer.message}. You can sign in now.`, "good");
  });
  onSubmit($("login-form"), async (form) => {
    try {
      await login(form.username, form.password);
    } catch (problem) {
      $("login-password").value = "";
      if (problem.code === "email_not_verified") open("verify", $("verify-email"));
      throw problem;
    }
    $("login-form").reset();
    say("Login successful", "good");
    open("chat");
  });
  onSubmit($("reset-ask-form"), async (form) => {
    const answer = await ask("POST", RESET, form);
    $("reset-ask-form").hidden = true;
    $("reset-form").hidden = false;
    $("reset-code").focus();
    say(answer.message, "good");
  });
  onSubmit($("reset-form"), async (form) => {
    const answer = await ask("POST", `${RESET}/confirm`, { email: $("reset-email").value, ...form });
    forget(false);
    $("login-username").focus();
    say(`${answer.message}. You can sign in now.`, "good");
  });
  onResend($("resend"), $("verify-email"), "/api/resend-verification");
  onResend($("reset-again"), $("reset-email"), RESET);
  $("forgot").addEventListener("click", () => {
    forget(true);
    $("reset-email").focus();
  });
  $("remembered").addEventListener("click", () => {
    forget(false);
    $("login-username").focus();
  });
  $("logout").addEventListener("click", async () => {
    try {
      await logout();
      say("Logged out successfully", "good");
      $("login-username").focus();
    } catch (problem) {
      say(problem.message, "bad");
    }
  });
}
