// Tabs as the ARIA practices have them: arrows move and open, one stop for the Tab key, the address remembers which is open.
import { $ } from "./dom.js";

const tabs = [...document.querySelectorAll('[role="tab"]')];
const panelOf = (tab) => $(tab.getAttribute("aria-controls"));

export const isOpen = (name) => !$(name).hidden;

/** Opens a tab by its panel's name, and goes to `focus` in it. */
export function open(name, focus) {
  const chosen = tabs.find((tab) => panelOf(tab).id === name) ?? tabs[0];
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", String(tab === chosen));
    tab.tabIndex = tab === chosen ? 0 : -1;
    panelOf(tab).hidden = tab !== chosen;
  }
  chosen.scrollIntoView({ block: "nearest", inline: "nearest" });
  history.replaceState(null, "", `#${panelOf(chosen).id}`);
  focus?.focus();
  document.dispatchEvent(new CustomEvent("tab", { detail: name }));
}

export function start() {
  tabs.forEach((tab, place) => {
    tab.addEventListener("click", () => open(panelOf(tab).id));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: place + 1, ArrowLeft: place - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const next = tabs[step % tabs.length];
      open(panelOf(next).id, next);
    });
  });
  for (const link of document.querySelectorAll("[data-open]")) {
    link.addEventListener("click", () => open(link.dataset.open, $(link.dataset.open).querySelector("form:not([hidden]) input")));
  }
  addEventListener("hashchange", () => open(location.hash.slice(1)));
  open(location.hash.slice(1) || "board");
}
