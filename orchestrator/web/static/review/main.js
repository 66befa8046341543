// Review: one page after the other, a key for each verdict; what is said is sent while the next page is looked at.

import { send } from "../sending.js";
import { after, arrow, boxesOf, nudged, verdictOn } from "./boxes.js";
import { Comparing } from "./comparing.js";
import { Queue } from "./queue.js";
import { Sheet } from "./sheet.js";

const root = document.querySelector(".review");
const say = (sentence) => { root.querySelector("[role=status]").textContent = sentence; };
const queue = new Queue(`/review/queue${location.search}`);
const sheet = new Sheet(root.querySelector(".sheet"), { selected: select, drawn: draw, moved: moveSeparator });
const comparing = new Comparing(root.querySelector("dialog"), sheet, say);
let page = null;
let showing = 0;

/** Show the page at which the queue is. */
async function show(entry) {
  const turn = (showing += 1);
  comparing.close();
  setDrawing(null);
  root.classList.toggle("finished", !entry);
  if (!entry) return finish();
  root.querySelector(".place").textContent = `${queue.place} of ${queue.length}`;
  root.classList.add("loading");
  try {
    const fetched = await queue.fetch(entry.page_run_id);
    if (turn !== showing) return; // the reviewer has gone on
    page = fetched;
    sheet.show(page, boxesOf(page));
    root.dataset.shown = String(page.page_run_id);
    tell(entry);
  } catch (error) {
    if (turn === showing) say(error.message);
  } finally {
    if (turn === showing) root.classList.remove("loading");
  }
}

function tell(entry) {
  root.querySelector("h1").textContent = page.page;
  root.querySelector(".crumbs").textContent = page.volume;
  root.querySelector(".open").href = page.address;
  const reasons = entry.reasons.length ? entry.reasons : page.reasons;
  root.querySelector(".reasons").replaceChildren(...reasons.map((reason) => {
    const item = document.createElement("li");
    item.textContent = reason;
    return item;
  }));
  say([page.trouble, page.is_current ? "" : "This page has been read again since; you see the earlier result."].filter(Boolean).join(" "));
  tellState();
}

/** Tell counts, corrections and the verdict. */
function tellState() {
  const corrected = sheet.boxes.filter((box) => box.isFalse || box.isDrawn || box.isMoved).length;
  for (const kind of ["line", "separator", "face", "picture"]) {
    root.querySelector(`[data-count=${kind}]`).textContent = sheet.boxes.filter((box) => box.kind === kind && !box.isFalse).length;
  }
  root.querySelector("[data-do=right] span").textContent = corrected ? `Right, ${corrected} corrected` : "Right";
  const verdict = verdictOn(page);
  for (const button of root.querySelectorAll("[data-do=right], [data-do=wrong], [data-do=again]")) {
    const means = { right: "right", wrong: "wrong", again: "read_again" }[button.dataset.do];
    button.setAttribute("aria-pressed", String(means === verdict));
  }
  select(sheet.selected);
}

function finish() {
  page = null;
  root.querySelector("h1").textContent = "Review";
  root.querySelector(".crumbs").textContent = "";
  root.querySelector(".place").textContent = queue.length ? `all ${queue.length} seen` : "";
  say(queue.length ? "That was the last page of this list." : "There is nothing to review here: no page is suspect, or all have a verdict.");
}

/** Send what is said of the page that is shown, and note it on the page. */
async function state(said) {
  const about = page;
  try {
    const { review_id } = await send(`/review/pages/${about.page_run_id}`, said);
    about.statements = about.statements.filter((one) => !replaces(said, one));
    about.statements.push({ box_kind: null, box_number: null, ...said, review_id });
  } catch (error) {
    queue.forget(about.page_run_id);
    say(`${about.page}: ${error.message}`);
  }
  if (about === page) refresh();
}

function replaces(said, older) {
  return said.verdict !== "missing_box" && said.box_kind === older.box_kind && said.box_number === older.box_number
    && older.verdict !== "missing_box";
}

function refresh(selected = sheet.selected) {
  sheet.update(boxesOf(page), selected);
  tellState();
}

function verdict(which) {
  if (!page) return;
  state({ verdict: which, box_kind: null, box_number: null });
  show(queue.move(1));
}

function select(at) {
  sheet.select(at);
  const box = sheet.boxes[at];
  root.querySelector(".chosen").textContent = box ? `${box.kind}${box.number ? ` ${box.number}` : ", drawn"}${box.isFalse ? ", false" : ""}` : "no box chosen";
  root.querySelector("[data-do=false]").disabled = !box;
}

/** Mark the selected box as false; one that was said anything of is taken back to what was found. */
async function toggleFalse() {
  const box = sheet.boxes[sheet.selected];
  if (!box) return;
  if (!box.review) {
    await state({ verdict: "false_box", box_kind: box.kind, box_number: box.number });
    return;
  }
  try {
    await send(`/review/statements/${box.review}/withdraw`);
    page.statements = page.statements.filter((one) => one.review_id !== box.review);
    refresh();
  } catch (error) { say(error.message); }
}

async function draw({ kind, x, y, width, height }) {
  setDrawing(null);
  await state({ verdict: "missing_box", box_kind: kind, box: { x, y, width, height } });
  refresh(sheet.boxes.length - 1);
}

async function moveSeparator({ number, review, isDrawn, x, y, width, height }) {
  const box = { x, y, width, height };
  if (!isDrawn) return state({ verdict: "moved_separator", box_kind: "separator", box_number: number, box });
  await send(`/review/statements/${review}/withdraw`).catch((error) => say(error.message));
  page.statements = page.statements.filter((one) => one.review_id !== review);
  return draw({ kind: "separator", ...box });
}

/** Draw boxes of a kind with the pointer or, from a box in the middle of the view, with the arrow keys. */
function setDrawing(kind) {
  sheet.drawing = kind;
  sheet.element.classList.toggle("drawing", Boolean(kind));
  for (const button of root.querySelectorAll("[data-draw]")) button.setAttribute("aria-pressed", String(button.dataset.draw === kind));
  if (!kind) { sheet.sketch(null); say(""); return; }
  say(`Drag a ${kind} on the page, or press an arrow key to begin in the middle; Enter stores it, Escape does not.`);
}

function nudge(event) {
  const how = arrow(event.key, event.shiftKey, Math.max(1, Math.round(sheet.scale * (event.altKey ? 1 : 6))));
  if (!how || !page) return false;
  const chosen = sheet.boxes[sheet.selected];
  if (sheet.drawing) sheet.sketch(sheet.draft ? nudged(sheet.draft, how, page) : inTheMiddle(sheet.drawing));
  else if (chosen?.kind === "separator" && !chosen.isFalse) sheet.sketch(nudged(sheet.draft ?? chosen, how, page));
  else return false;
  return true;
}

function inTheMiddle(kind) {
  const middle = sheet.middleOfView(), side = Math.round(page.width / 12);
  const size = { line: [side * 3, side / 3], separator: [Math.max(3, page.width / 400), page.height / 4], face: [side, side], picture: [side * 3, side * 3] }[kind];
  const [width, height] = size.map(Math.round);
  return nudged({ kind, x: Math.round(middle.x - width / 2), y: Math.round(middle.y - height / 2), width, height }, {}, page);
}

/** Store what the arrow keys made. */
function keep() {
  const { draft } = sheet;
  if (!draft) return false;
  sheet.sketch(null);
  if (sheet.drawing) draw(draft); else moveSeparator(draft);
  return true;
}

async function undo() {
  try {
    const { page_run_id, told } = await send("/review/undo");
    if (page_run_id === null) { say("There is nothing of yours to undo."); return; }
    queue.forget(page_run_id);
    await show(queue.goTo(page_run_id));
    say(told);
  } catch (error) { say(error.message); }
}

async function again() {
  if (!page) return;
  const about = page;
  const stored = await comparing.open(about);
  if (!stored) return;
  about.statements.push(stored);
  show(queue.move(1));
}

const actions = {
  right: () => verdict("right"),
  wrong: () => verdict("wrong"),
  again,
  undo,
  next: () => show(queue.move(1)),
  back: () => show(queue.move(-1)),
  false: toggleFalse,
  larger: () => sheet.zoom(1),
  smaller: () => sheet.zoom(-1),
  whole: () => sheet.zoom(0),
  hide: () => sheet.svg.classList.toggle("hidden"),
  choose: () => { select(after(sheet.boxes, sheet.selected, 1)); sheet.select(sheet.selected, true); },
  "choose-back": () => { select(after(sheet.boxes, Math.max(sheet.selected, 0), -1)); sheet.select(sheet.selected, true); },
  "choose-separator": () => { select(after(sheet.boxes, sheet.selected, 1, "separator")); sheet.select(sheet.selected, true); },
};
const KEYS = {
  r: "right", w: "wrong", a: "again", u: "undo", n: "next", b: "back", x: "false", Delete: "false", "+": "larger", "=": "larger",
  "-": "smaller", 0: "whole", h: "hide", "]": "choose", "[": "choose-back", "|": "choose-separator", m: "choose-separator",
};
const DRAWN = { l: "line", s: "separator", f: "face", p: "picture" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || comparing.isOpen || event.target.matches("input, select, textarea")) return;
  if (nudge(event)) { event.preventDefault(); return; }
  if (event.key === "Escape") { setDrawing(null); sheet.sketch(null); return; }
  if (event.key === "Enter" && keep()) { event.preventDefault(); return; }
  if (event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (DRAWN[key] && page) setDrawing(sheet.drawing === DRAWN[key] ? null : DRAWN[key]);
  else if (KEYS[key]) actions[KEYS[key]]();
  else return;
  event.preventDefault();
});
root.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do], button[data-draw]");
  if (button?.dataset.do) actions[button.dataset.do]();
  else if (button && page) setDrawing(sheet.drawing === button.dataset.draw ? null : button.dataset.draw);
});

say("Looking for suspects …");
queue.load().then(() => show(queue.move(1)), (error) => say(error.message));
