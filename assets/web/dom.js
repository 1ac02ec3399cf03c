// Small tools for the document. Text is always set as text, never as markup.

export const $ = (id) => document.getElementById(id);

/** An element with properties and children; a child that is a text stays one. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Shapes by state, so that colour never has to tell them apart alone. */
const SHAPES = {
  passed: "M4 12l6 6L20 6", failed: "M5 5l14 14M19 5L5 19", stopped: "M6 6h12v12H6z", normal: "M12 4a8 8 0 1 0 .01 0z",
  warning: "M12 3L2 21h20zM12 10v5M12 18v.5", fault: "M4 4h16v16H4zM9 9l6 6M15 9l-6 6", plain: "M6 12h12",
};

/** A shape with its word. */
export function sign(state, words) {
  const shape = draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, draw("path", { d: SHAPES[state] }));
  return make("span", { className: `sign ${state}` }, shape, words);
}

const two = (number) => String(number).padStart(2, "0");
export const minute = (time) => `${two(time.getHours())}:${two(time.getMinutes())}`;
export const second = (time) => `${minute(time)}:${two(time.getSeconds())}`;
export const day = (time) => `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
export const percent = (ratio) => (ratio * 100).toFixed(1);
export const count = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");

let hiding;
/** The one strip for messages: `good`, `bad` or plain. What went well fades by itself. */
export function say(words, kind = "") {
  const strip = $("message");
  clearTimeout(hiding);
  strip.className = `message ${kind}`;
  strip.setAttribute("role", kind === "bad" ? "alert" : "status");
  strip.textContent = words;
  if (kind === "good") hiding = setTimeout(() => say(""), 12000);
}
