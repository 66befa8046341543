// The run page: each event brings the whole state; only what differs is touched, so that focus and selection stay.

import { write } from "./sending.js";

const POLL_MS = 3000;
const PATIENCE_MS = 4000; // so long a server may take to come back before it is said to be away
const shown = document.getElementById("state");
const away = document.getElementById("away");
const said = document.getElementById("said");

function follow(now, next) {
  if (now.nodeType !== next.nodeType || now.nodeName !== next.nodeName || (now.id || "") !== (next.id || "")) {
    now.replaceWith(next.cloneNode(true));
  } else if (now.nodeType !== Node.ELEMENT_NODE) {
    if (now.nodeValue !== next.nodeValue) now.nodeValue = next.nodeValue;
  } else if (!now.isEqualNode(next)) {
    for (const { name } of [...now.attributes]) if (!next.hasAttribute(name)) now.removeAttribute(name);
    for (const { name, value } of next.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
    followChildren(now, next);
  }
}

function followChildren(now, next) {
  const old = [...now.childNodes], wanted = [...next.childNodes];
  wanted.forEach((child, i) => (i < old.length ? follow(old[i], child) : now.append(child.cloneNode(true))));
  old.slice(wanted.length).forEach((child) => child.remove());
}

function show(text) {
  const next = document.createElement("div");
  next.innerHTML = JSON.parse(text).html; // made and escaped by the server's template
  followChildren(shown, next);
  clearTimeout(missed);
  missed = 0;
  away.hidden = true;
}

let missed = 0;
function miss() {
  missed ||= setTimeout(() => { away.hidden = false; }, PATIENCE_MS);
}

function listen() {
  const events = new EventSource(shown.dataset.events);
  events.addEventListener("state", (event) => show(event.data));
  events.onerror = () => {
    miss();
    if (events.readyState === EventSource.CLOSED) poll(); // a proxy that lets no events through, or a login that ended
  };
}

async function poll() {
  try {
    const answer = await fetch(shown.dataset.state, { headers: { Accept: "application/json" } });
    if (answer.status === 401) return location.reload();
    if (answer.ok) show(await answer.text());
    else miss();
  } catch {
    miss();
  }
  setTimeout(poll, POLL_MS);
}

function sure(question) {
  const dialog = document.getElementById("sure");
  document.getElementById("question").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

document.getElementById("decide")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target, button = event.submitter;
  if (button.dataset.ask && !(await sure(button.dataset.ask))) return;
  const body = new URLSearchParams(new FormData(form));
  body.set(button.name, button.value);
  try {
    said.textContent = (await write(form.action, body.toString(), "application/x-www-form-urlencoded")).said;
  } catch (error) {
    said.textContent = error.status ? error.message : "The server does not answer, so nothing was decided.";
  }
});

if (window.EventSource) listen();
else poll();
