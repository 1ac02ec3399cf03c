// The page: puts its parts together. Nothing here is needed to read what the server answers.
import * as board from "./board.js";
import * as chat from "./chat.js";
import { $, say, second } from "./dom.js";
import * as forms from "./forms.js";
import { load } from "./session.js";
import * as tabs from "./tabs.js";

function tick() {
  const now = new Date();
  $("clock").textContent = second(now);
  $("clock").dateTime = now.toISOString();
}

tick();
setInterval(tick, 1000);
tabs.start();
forms.start();
board.start();
chat.start();
load().catch((problem) => say(problem.message, "bad")).finally(chat.connect);
