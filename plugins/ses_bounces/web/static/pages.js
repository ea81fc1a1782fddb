// What HTML can't do by itself: Airflow's theme, ticking all rows, loading a slow part, asking Airflow for a run.
"use strict";

// The frame's prefers-color-scheme is the system's, not Airflow's: its own page carries the theme as a class.
function followTheme() {
  let outer = null;
  try {
    outer = window.parent !== window ? window.parent.document.documentElement : null;
  } catch {
    // A frame of another origin: the system's theme holds.
  }
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const named = outer ? ["dark", "light"].find((name) => outer.classList.contains(name)) : undefined;
    document.documentElement.dataset.theme = named ?? (system.matches ? "dark" : "light");
  };
  if (outer) {
    new MutationObserver(apply).observe(outer, { attributes: true, attributeFilter: ["class"] });
  }
  system.addEventListener("change", apply);
  apply();
}

function tickAll() {
  for (const box of document.querySelectorAll("[data-tick-all]")) {
    const rows = box.closest("table").querySelectorAll("tbody input[type=checkbox]");
    box.addEventListener("change", () => {
      for (const row of rows) row.checked = box.checked;
      needTicks();
    });
  }
  document.addEventListener("change", needTicks);
  needTicks();
}

// A button for ticked rows says so by being off while none is ticked.
function needTicks() {
  for (const button of document.querySelectorAll("[data-needs-tick]")) {
    const all = button.form.querySelector("[data-all]:checked");
    const ticked = all ? all.dataset.all : button.form.querySelectorAll("input[type=checkbox][name]:checked").length;
    button.disabled = Number(ticked) === 0;
    button.dataset.ticked = ticked || "";
  }
}

// Airflow shows times in the zone that the user chose in its menu, else in that of the system.
function chosenZone() {
  let zone;
  try {
    zone = JSON.parse(window.localStorage.getItem("timezone") ?? "null");
  } catch {
    // Storage is off, or the value is not Airflow's.
  }
  try {
    // A name that the browser does not know raises.
    const known = new Intl.DateTimeFormat("en", { timeZone: zone ?? undefined }).resolvedOptions().timeZone;
    return zone ?? known;
  } catch {
    return "UTC";
  }
}

// Times as 2026-11-30 14:57, in that zone.
function showTimes(within = document) {
  const zone = chosenZone();
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  });
  for (const time of within.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.valueOf())) time.textContent = format.format(moment);
  }
  for (const place of document.querySelectorAll("[data-zone]")) place.textContent = zone;
}

// On a narrow page a row is a card: each of its lines says what the header of its column says.
function labelCells(within = document) {
  for (const table of within.querySelectorAll("table")) {
    const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.replace(/[↓↑]/g, "").trim());
    for (const row of table.querySelectorAll("tbody tr")) {
      [...row.cells].forEach((cell, place) => {
        if (cell.tagName !== "TD") return;
        const isEmpty = !cell.textContent.trim() && !cell.querySelector("input, button, img, svg");
        cell.classList.toggle("nothing", isEmpty);
        if (names[place] && !cell.querySelector("input[type=checkbox], button")) cell.dataset.label ??= names[place];
      });
    }
  }
}

// The header of a list stays below its bar, however many lines that takes.
function keepBelowBar() {
  const bar = document.querySelector(".toolbar.stays");
  if (!bar) return;
  const measure = () => document.documentElement.style.setProperty("--bar", `${bar.offsetHeight}px`);
  new ResizeObserver(measure).observe(bar);
  measure();
}

async function load(place) {
  try {
    const response = await fetch(place.dataset.load, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const part = page.getElementById("loaded") ?? page.querySelector("[role=alert]");
    if (part) {
      place.replaceChildren(document.adoptNode(part));
      showTimes(place);
      labelCells(place);
    }
  } catch {
    // The link that stands there leads to the same.
  }
}

// With the user's own rights: Airflow decides whether they may.
async function trigger(place) {
  const dag = place.dataset.triggerDag;
  const response = await ask("POST", `dags/${dag}/dagRuns`, { logical_date: null });
  if (response?.ok) place.textContent = `A run of the DAG ${dag} was triggered; it does the rest.`;
}

// The stylesheet is in static/ below the pages, whose own folder is called after the site.
const airflowRoot = () => new URL("../../", document.querySelector("link[rel=stylesheet]").href).pathname;

function ask(method, path, body) {
  return fetch(`${airflowRoot()}api/v2/${path}`, {
    method,
    credentials: "same-origin",
    headers: { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  }).catch(() => null);
}

// The frame may not navigate Airflow's window; its router follows the address, like the Back button.
function leadOut(event) {
  if (window.parent === window || event.ctrlKey || event.metaKey || event.shiftKey) return;
  try {
    window.parent.history.pushState({}, "", event.currentTarget.href);
    window.parent.dispatchEvent(new PopStateEvent("popstate", { state: {} }));
    event.preventDefault();
  } catch {
    // A frame of another origin: the link is followed within the frame.
  }
}

async function told(button, response, done) {
  const place = button.parentElement.querySelector("[role=status]");
  place.textContent = response?.ok ? done : "Airflow refused. Try it on the DAG's own page in Airflow.";
  if (response?.ok) button.remove();
}

async function unpause(button) {
  button.disabled = true;
  const response = await ask("PATCH", `dags/${button.dataset.unpause}?update_mask=is_paused`, { is_paused: false });
  if (response?.ok && "thenRun" in button.dataset) {
    await ask("POST", `dags/${button.dataset.unpause}/dagRuns`, { logical_date: null });
  }
  // A page that followed a form is not read again as a whole: the form would be sent again.
  const part = button.closest("[data-refresh]");
  await told(button, response, "It is no longer paused.");
  if (response?.ok && !part) window.location.reload();
  button.disabled = false;
}

const ENDED = ["success", "failed"];
const WAIT_MILLISECONDS = 3000;

// Until the run has ended; then the page is read again.
async function runNow(button) {
  button.disabled = true;
  const dag = button.dataset.run;
  const response = await ask("POST", `dags/${dag}/dagRuns`, { logical_date: null });
  const run = response?.ok ? (await response.json()).dag_run_id : null;
  await told(button, response, "A run has begun. This page loads again when it has ended.");
  button.disabled = false;
  for (let state = ""; run && !ENDED.includes(state);) {
    await new Promise((resolve) => setTimeout(resolve, WAIT_MILLISECONDS));
    const answer = await ask("GET", `dags/${dag}/dagRuns/${encodeURIComponent(run)}`);
    if (!answer?.ok) return;
    state = (await answer.json()).state;
  }
  if (run) window.location.reload();
}

// What changes by itself is read again, until it says that nothing does any more.
function refresh(place) {
  setTimeout(async () => {
    const response = await fetch(place.dataset.refresh, { credentials: "same-origin" }).catch(() => null);
    // The session has ended, or a right is gone: to ask again would not help.
    if (response && !response.ok && response.status < 500) return;
    if (!response?.ok) return refresh(place);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const part = page.getElementById(place.id);
    if (!part) return;
    place.replaceWith(document.adoptNode(part));
    prepare(part);
    showTimes(part);
    if (part.dataset.refresh) refresh(part);
    // What is said of each address below agrees with what is said above.
    for (const place of document.querySelectorAll("allLifted" in part.dataset ? "[data-queued]" : "none")) {
      place.textContent = place.dataset.queued;
      if (place.classList.contains("badge")) place.classList.replace("warn", "good");
    }
  }, WAIT_MILLISECONDS);
}

// A report is a document of its own; here it takes the theme of the page and all the height that it needs.
function fit(frame) {
  const theme = () => frame.contentDocument?.documentElement.setAttribute("data-theme", document.documentElement.dataset.theme);
  const begin = () => {
    const root = frame.contentDocument?.documentElement;
    if (!root?.querySelector("main")) return;
    theme();
    const measure = () => {
      frame.style.height = `${Math.ceil(root.querySelector("main").getBoundingClientRect().height) + 1}px`;
    };
    new ResizeObserver(measure).observe(root.querySelector("main"));
    measure();
  };
  frame.addEventListener("load", begin);
  begin();
  new MutationObserver(theme).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}

function prepare(within) {
  const all = (selector) => within.querySelectorAll(selector);
  all("[data-airflow]").forEach((link) => link.addEventListener("click", leadOut));
  for (const [name, act] of [["unpause", unpause], ["run", runNow]]) {
    for (const button of all(`[data-${name}]`)) {
      button.hidden = false;
      button.addEventListener("click", () => act(button));
    }
  }
}

followTheme();
document.addEventListener("DOMContentLoaded", () => {
  tickAll();
  keepBelowBar();
  labelCells();
  showTimes();
  window.addEventListener("storage", (event) => event.key === "timezone" && showTimes());
  document.querySelectorAll("[data-load]").forEach(load);
  document.querySelectorAll("[data-trigger-dag]").forEach(trigger);
  prepare(document);
  document.querySelectorAll("iframe.document").forEach(fit);
  document.querySelectorAll("[data-refresh]").forEach(refresh);
});
