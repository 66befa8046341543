// Capture: look, take, crop, keep; the page is read while the next one is laid under the camera.

import { ask, send, sendPicture } from "../sending.js";
import { boxesOf } from "../review/boxes.js";
import { Sheet } from "../review/sheet.js";
import { Camera, looks } from "./camera.js";
import { Corners } from "./corners.js";
import { exposure, focus, nothingIn } from "./measure.js";

const LOOKED_AT_PX = 1000;
const BEST_FADES = 0.995;
const POLL_MS = 400;
const ENDED = ["done", "quarantined", "cancelled"];

const root = document.querySelector(".capture");
const find = (selector) => root.querySelector(selector);
const camera = new Camera(find("video"), tellLook, (sentence) => { say(sentence); show("off"); });
const corners = new Corners(find(".crop"));
const result = new Sheet(find(".result .sheet"), { selected() {}, drawn() {}, moved() {} });
let taken = null; // {blob} that is being cropped
let best = 0;
let keeping = false;

function say(sentence) { find("[role=status]").textContent = sentence; }

/** Show what belongs to a step: off, live or crop. */
function show(step) {
  root.dataset.step = step;
  for (const button of root.querySelectorAll("[data-in]")) button.hidden = !button.dataset.in.split(" ").includes(step);
}

async function start() {
  say("Asking for the camera …");
  try {
    await camera.start(find("[name=camera]").value);
    const cameras = await camera.cameras();
    find("[name=camera]").replaceChildren(...cameras.map(({ id, name, isUsed }) => new Option(name, id, isUsed, isUsed)));
    find(".cameras").hidden = cameras.length < 2;
    best = 0;
    say("");
    show("live");
    send("/capture/begin").catch((error) => say(error.message));
  } catch (error) {
    show("off");
    say(error.message);
  }
}

function tellLook(look) {
  best = Math.max(best * BEST_FADES, look.sharpness);
  const empty = nothingIn(look);
  find(".live").classList.toggle("empty", Boolean(empty));
  if (root.dataset.step === "live") find(".warning").textContent = empty;
  for (const [name, { level, word }] of [["exposure", exposure(look)], ["sharpness", focus(look.sharpness, best)]]) {
    find(`meter.${name}`).value = level;
    find(`output.${name}`).textContent = empty ? "no picture" : word;
  }
}

/** Take the picture of this moment; an empty one is told, not kept. */
async function take() {
  if (root.dataset.step !== "live") return;
  const picture = camera.take();
  const empty = nothingIn(looks(picture, picture.width, picture.height));
  if (empty) { say(`${empty} Nothing was taken.`); return; }
  await crop(picture, await asBlob(picture, 0.95));
}

/** Take a file that was chosen instead; it is sent as it is, so that nothing of it is lost. */
async function takeFile(file) {
  if (!file) return;
  try {
    const bitmap = await createImageBitmap(file);
    await crop(bitmap, file);
  } catch { say(`${file.name} is no picture that this browser can show; broadsheet ingest reads many more kinds.`); }
}

async function crop(picture, blob) {
  taken = { blob };
  const still = find(".still"), scale = Math.min(1, LOOKED_AT_PX / Math.max(picture.width, picture.height));
  still.width = Math.round(picture.width * scale);
  still.height = Math.round(picture.height * scale);
  still.getContext("2d").drawImage(picture, 0, 0, still.width, still.height);
  corners.set(null);
  show("crop");
  say("Looking for the sheet …");
  try {
    const about = taken;
    const { trouble, corners: found } = await sendPicture("/capture/look", await asBlob(still, 0.9));
    if (taken !== about) return;
    if (trouble) { again(); say(trouble); return; }
    corners.set(found);
    say(found ? "This is the sheet; drag a corner where it is not. Enter keeps it." : "No sheet stands out; drag the corners, or keep the whole picture.");
    corners.handles[0].focus();
  } catch (error) { say(error.message); }
}

function asBlob(canvas, quality) {
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", quality); });
}

function again() {
  taken = null;
  show(camera.isOn ? "live" : "off");
  say("");
}

/** Store the page, go on with the next number, and show what is found. */
async function keep() {
  if (!taken || keeping) return;
  if (!corners.isSheet) { say("The corners cross each other; drag them to those of the page."); return; }
  const { title, number } = form();
  if (!title) { say("Give the pages a title; their folder is called so."); find("[name=title]").focus(); return; }
  keeping = true;
  say("Storing the page …");
  try {
    const asked = new URLSearchParams({ title, number, corners: corners.text });
    const stored = await sendPicture(`/capture/pages?${asked}`, taken.blob);
    find("[name=number]").value = stored.next_number;
    again();
    say(`Page ${stored.number} is stored, and is being read.`);
    list(stored);
  } catch (error) { say(error.message); } finally { keeping = false; }
}

function form() {
  return { title: find("[name=title]").value.trim(), number: find("[name=number]").value };
}

/** Add a page to the list of those taken, and follow its reading to the end. */
async function list({ page_run_id: run, page_id: page, number }) {
  const item = document.createElement("li"), link = document.createElement("a"), told = document.createElement("span");
  link.href = `/pages/${page}`;
  link.textContent = `Page ${number}`;
  item.append(link, " ", told);
  find(".taken").prepend(item);
  for (;;) {
    let state;
    try { state = await ask(`/capture/pages/${run}`); } catch (error) { told.textContent = error.message; state = {}; }
    told.textContent = state.state ? inWords(state) : told.textContent;
    if (ENDED.includes(state.state)) {
      if (state.state === "done") await showResult(run);
      return;
    }
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
  }
}

function inWords({ state, text_lines: lines, faces, error_message: message, trouble }) {
  if (state === "done") return counted(lines, faces);
  if (state === "quarantined") return message ?? "could not be read";
  return trouble || { ready: "waits to be read", queued: "waits to be read", running: "is being read" }[state] || state;
}

function counted(lines, faces) {
  return `${lines} ${lines === 1 ? "line" : "lines"}, ${faces} ${faces === 1 ? "face" : "faces"}`;
}

async function showResult(run) {
  const page = await ask(`/review/pages/${run}`);
  find(".result").hidden = false;
  find(".result h2").textContent = `${page.page}: ${counted(page.lines.length, page.faces.length)}`;
  result.show(page, boxesOf(page));
}

async function count() {
  const { title } = form();
  if (!title) return;
  try { find("[name=number]").value = (await ask(`/capture/number?${new URLSearchParams({ title })}`)).number; } catch (error) { say(error.message); }
}

const actions = { start, take, keep, again, whole: () => corners.set(null) };
root.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (button) actions[button.dataset.do]();
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, button:not(.corner), a, [type=file]")) return;
  if (event.key === " " && event.target.closest("input")) return;
  const action = { " ": "take", Enter: root.dataset.step === "crop" ? "keep" : "take", Escape: "again" }[event.key];
  if (!action || root.dataset.step === "off") return;
  event.preventDefault();
  actions[action]();
});
find("form").addEventListener("submit", (event) => event.preventDefault());
find("[name=title]").addEventListener("change", count);
find("[name=camera]").addEventListener("change", start);
find("[name=file]").addEventListener("change", (event) => { takeFile(event.target.files[0]); event.target.value = ""; });
show("off");
if (root.dataset.ready) start();
