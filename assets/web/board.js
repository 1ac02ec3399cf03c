// The line board: read only, asked for while somebody looks at it.
import { ask } from "./api.js";
import { $, count, day, draw, make, minute, percent, second, sign } from "./dom.js";
import { follow, session } from "./session.js";

const EVERY_MS = 5000;
/** A process that has sent nothing for so long says so instead of its yield's verdict. */
const SILENT_MS = 60 * 60 * 1000;
const SIGNS = { Passed: "passed", Failed: "failed", Error: "fault", Terminated: "stopped", Done: "normal" };

let answeredAt = null;
let shown = "";
let asking = false;

async function refresh() {
  if (asking || document.hidden || $("board").hidden || session.offer.public_board === undefined) return;
  if (!session.user && !session.offer.public_board) return closed("unknown");
  asking = true;
  const midnight = new Date(new Date().setHours(0, 0, 0, 0));
  try {
    show(await ask("GET", `/api/page/board?since=${midnight.toISOString()}`));
    answeredAt = new Date();
    closed("");
  } catch (problem) {
    if (problem.status === 401 || problem.status === 403) closed(problem.status === 403 ? "forbidden" : "unknown");
  } finally {
    asking = false;
  }
  age();
}

/** Says why there is no board. */
function closed(why) {
  $("board-closed").hidden = !why;
  $("board-body").hidden = Boolean(why) || !answeredAt;
  if (!why) return;
  answeredAt = null;
  shown = "";
  const guest = why === "forbidden";
  $("board-closed").querySelector("h3").textContent = guest ? "Your role may not see the board" : "Sign in to see the board";
  $("board-closed").querySelector("button").hidden = guest;
}

/** Says how old the figures are; a board that stands still must not look alive. */
function age() {
  const state = $("board-state");
  const stale = answeredAt && Date.now() - answeredAt > 3 * EVERY_MS;
  state.classList.toggle("stale", Boolean(stale));
  $("board-body").classList.toggle("stale-body", Boolean(stale));
  const words = !answeredAt ? "" : stale ? `✕ No answer since ${second(answeredAt)}` : session.offer.public_board ? "Since 00:00 · live · shown to everybody" : "Since 00:00 · live";
  if (state.textContent !== words) state.textContent = words;
}

function show(board) {
  const silent = board.processes.map((row) => isSilent(row));
  const text = JSON.stringify([board.processes, board.reports, board.target, silent]);
  if (text === shown) return;
  shown = text;
  const judged = board.processes.filter((row) => row.units >= board.min_units);
  const floor = Math.min(0.9, ...judged.map((row) => Math.floor(row.low * 10) / 10));
  const rows = board.processes.map((row) => process(row, board, floor));
  $("processes").replaceChildren(...rows);
  if (!rows.length) $("processes").append(make("li", { className: "process" }, make("h3", {}, "First pass yield"), sign("plain", "No units yet today")));
  $("reports").replaceChildren(...board.reports.map(report));
  $("no-reports").hidden = board.reports.length > 0;
  $("reports").parentElement.hidden = board.reports.length === 0;
}

const isSilent = (row) => row.last_report && Date.now() - new Date(row.last_report) > SILENT_MS;

function verdict(row, board) {
  const target = board.target === null ? "" : percent(board.target);
  if (isSilent(row)) return ["fault", `No data since ${minute(new Date(row.last_report))}`];
  switch (row.verdict) {
    case "on_target": return ["normal", `On target ${target} %`];
    case "below_target": return ["warning", `Below target ${target} %`];
    case "too_few_units": return ["plain", `Too few units: ${row.units} of ${board.min_units}`];
    default: return ["plain", "No target set"];
  }
}

function process(row, board, floor) {
  const [state, words] = verdict(row, board);
  const fpy = make("p", { className: "fpy" }, row.fpy === null ? "–" : percent(row.fpy), make("small", {}, "%"));
  const sure = row.low === null ? "No units yet" : `${percent(row.low)} – ${percent(row.high)} % with 95 % certainty`;
  const last = row.last_pass_yield === null ? "–" : `${percent(row.last_pass_yield)} %`;
  return make("li", { className: `process ${row.verdict === "below_target" ? "below" : ""}` },
    make("h3", {}, row.name), fpy, sign(state, words), range(row, board.target, floor, sure),
    make("p", { className: "facts" }, sure), make("p", { className: "facts" }, `${count(row.units)} units · last pass ${last}`));
}

/** A moving indicator: where the yield lies for certain, where it is, where it should be. */
function range(row, target, floor, words) {
  const place = (ratio) => 100 * (Math.max(ratio, floor) - floor) / (1 - floor);
  const at = (ratio) => `${place(ratio).toFixed(2)}%`;
  const bar = draw("svg", { class: "range", role: "img", "aria-label": words },
    draw("rect", { class: "scale", x: "0", y: "8", width: "100%", height: "12", rx: "3" }));
  if (row.low !== null) {
    const width = `${(place(row.high) - place(row.low)).toFixed(2)}%`;
    bar.append(draw("rect", { class: "sure", x: at(row.low), y: "8", width, height: "12", rx: "3" }),
      draw("rect", { class: "value", x: at(row.fpy), y: "3", width: "5", height: "22", rx: "2", transform: "translate(-2.5 0)" }));
  }
  if (target !== null) bar.append(draw("line", { class: "target", x1: at(target), x2: at(target), y1: "0", y2: "28" }));
  bar.append(draw("text", { x: "0", y: "42" }, `${Math.round(floor * 100)} %`), draw("text", { x: "100%", y: "42", "text-anchor": "end" }, "100 %"));
  return bar;
}

function report(row) {
  const start = row.start ? new Date(row.start) : null;
  const when = !start ? "–" : day(start) === day(new Date()) ? second(start) : `${day(start)} ${minute(start)}`;
  const cell = (content) => make("td", {}, content ?? "–");
  return make("tr", {}, cell(sign(SIGNS[row.result] ?? "plain", row.result)), cell(when), cell(row.serial_number), cell(row.part_number), cell(row.process), cell(row.station));
}

export function start() {
  setInterval(() => { refresh(); age(); }, EVERY_MS);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("tab", refresh);
  // At first nobody has been shown the board, not even nobody in particular (undefined).
  let last = null;
  follow(() => {
    if (last !== session.user?.id) refresh();
    last = session.user?.id;
  });
}
