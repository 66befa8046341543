// The viewer of a page: the scan to zoom into, layers to switch, boxes to ask about, and keys for all of it.

import { boxAt, boxNamed, readBoxes, readSteps, stepsAt } from "./boxes.js";
import { Overlay, stepColour } from "./overlay.js";
import { element, show, showSteps } from "./words.js";

const place = document.getElementById("scan");
const selected = document.getElementById("selected");
const BUTTONS = [...document.querySelectorAll("[data-layer]")];
const REMEMBERED = "layers";
const SLACK_PX = 4;

let told = null; // what the steps did, once it is asked for
let viewer = null;
let overlay = null;

if (place) open();
explain();
document.addEventListener("keydown", onKey);
document.getElementById("next-suspect").addEventListener("click", toNextSuspect);

function open() {
  // OpenSeadragon looks for this before it writes a style of its own into the page, which no page of ours allows; an
  // element of no language has the name alone.
  const style = document.createElementNS("urn:broadsheet", "style");
  style.setAttribute("data-openseadragon-mobile-css", "true");
  document.head.append(style);
  const tiles = JSON.parse(place.dataset.service);
  viewer = OpenSeadragon({
    element: place, tileSources: place.dataset.remote ? `${place.dataset.remote}/info.json` : tiles, drawer: "canvas", showNavigationControl: false, animationTime: 0.35,
    gestureSettingsMouse: { clickToZoom: false }, gestureSettingsTouch: { clickToZoom: false }, maxZoomPixelRatio: 4,
    visibilityRatio: 0.3, minZoomImageRatio: 0.8, imageLoaderLimit: 6, keyboardNavEnabled: true,
  });
  overlay = new Overlay(viewer, tiles.width);
  viewer.addHandler("canvas-key", (event) => { event.preventDefaultAction = !/^(Arrow|[-+=_0])/.test(event.originalEvent.key); });
  viewer.addHandler("canvas-click", onClick);
  // Where the service of another host does not answer a browser, our server fetches the scan from it.
  let elsewhere = Boolean(place.dataset.remote);
  viewer.addHandler("open-failed", () => {
    if (elsewhere) viewer.open(tiles);
    else note("The scan cannot be shown at the moment.");
    elsewhere = false;
  });
  const remembered = sessionStorage.getItem(REMEMBERED)?.split(" ");
  for (const button of BUTTONS) {
    if (remembered) button.setAttribute("aria-pressed", String(remembered.includes(button.dataset.layer)));
    button.addEventListener("click", () => toggle(button));
  }
  document.getElementById("zoom-in").addEventListener("click", () => zoom(1.6));
  document.getElementById("zoom-out").addEventListener("click", () => zoom(1 / 1.6));
  document.getElementById("zoom-all").addEventListener("click", () => viewer.viewport.goHome());
  switchLayers();
  if (place.dataset.state === "done") loadBoxes().catch((error) => note(error.message));
}

async function loadBoxes() {
  overlay.add(readBoxes(await ask("boxes.json")));
  place.dataset.boxes = overlay.boxes.length;
  const wanted = boxNamed(overlay.boxes, location.hash);
  if (wanted) select(wanted, true);
  overlay.draw();
}

async function loadSteps() {
  if (told) return;
  note("Reading the page again to see what each step did …");
  try {
    told = await ask("steps.json");
  } catch (error) {
    note(error.message);
    return;
  }
  overlay.add(readSteps(told));
  showSteps(document.getElementById("steps"), told, stepColour);
  select(overlay.selected);
  overlay.draw();
}

async function ask(what) {
  const answer = await fetch(`/pages/${place.dataset.page}/${what}`).catch(() => null);
  if (!answer) throw new Error("The server does not answer.");
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

function toggle(button) {
  button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  switchLayers();
}

function switchLayers() {
  const shown = BUTTONS.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.layer);
  sessionStorage.setItem(REMEMBERED, shown.join(" "));
  overlay.shown = new Set(shown);
  const steps = document.getElementById("steps");
  steps.hidden = !told || !overlay.shown.has("thrown");
  if (overlay.shown.has("thrown") && place.dataset.state === "done") loadSteps();
  overlay.draw();
}

function onClick(event) {
  if (!event.quick) return;
  const point = viewer.world.getItemAt(0).viewerElementToImageCoordinates(event.position).divide(overlay.factor);
  const shown = new Set(overlay.shown);
  if (shown.has("number")) shown.add("line");
  if (shown.has("column")) shown.add("block");
  select(boxAt(overlay.boxes, shown, point.x, point.y, SLACK_PX / overlay.scale));
}

function select(box, bring = false) {
  overlay.selected = box;
  selected.hidden = overlay.boxes.length === 0;
  show(selected, box, box?.kind === "line" && told ? stepsAt(told, box) : null);
  if (box && box.layer !== "thrown") history.replaceState(null, "", `#${box.kind}-${box.number}`);
  if (box && bring) bringIntoView(box);
  overlay.draw();
}

function bringIntoView(box) {
  const item = viewer.world.getItemAt(0);
  if (!item) return viewer.addOnceHandler("open", () => bringIntoView(box));
  const f = overlay.factor;
  const around = item.imageToViewportRectangle(f * (box.x - box.height * 4), f * (box.y - box.height * 8), f * (box.width + box.height * 8), f * box.height * 17);
  if (!viewer.viewport.getBounds(true).containsPoint(around.getCenter())) viewer.viewport.panTo(around.getCenter());
}

function step(by) {
  const boxes = overlay.boxes.filter((box) => overlay.shown.has(box.layer));
  if (!boxes.length) return;
  const at = boxes.indexOf(overlay.selected);
  select(boxes[at < 0 ? (by > 0 ? 0 : boxes.length - 1) : (at + by + boxes.length) % boxes.length], true);
}

function zoom(factor) {
  viewer.viewport.zoomBy(factor);
  viewer.viewport.applyConstraints();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const link = { n: "a[rel=next]", p: "a[rel=prev]", s: "#next-suspect" }[event.key];
  if (link) return document.querySelector(link)?.click();
  if (!viewer) return;
  const button = BUTTONS.find((one) => one.getAttribute("aria-keyshortcuts") === event.key);
  if (button) return toggle(button);
  const onScan = place.contains(event.target); // there OpenSeadragon has these keys itself
  const act = { "]": () => step(1), "[": () => step(-1), Escape: () => select(null) }[event.key]
    ?? (onScan ? null : { "+": () => zoom(1.6), "=": () => zoom(1.6), "-": () => zoom(1 / 1.6), 0: () => viewer.viewport.goHome() }[event.key]);
  if (act) {
    event.preventDefault();
    act();
  }
}

function note(sentence) {
  const steps = document.getElementById("steps");
  steps.replaceChildren(element("p", sentence, "soft"));
  steps.hidden = false;
}

// Where none follows, the page stays and says so.
async function toNextSuspect(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const { href } = event.currentTarget;
  const answer = await fetch(href, { redirect: "manual", headers: { Accept: "application/json" } }).catch(() => null);
  if (answer && answer.type !== "opaqueredirect") document.getElementById("turned").textContent = await answer.text();
  else location.assign(href);
}

async function explain() {
  const part = document.getElementById("explanation");
  const answer = await fetch(part.dataset.src, { headers: { Accept: "text/html" } });
  if (answer.ok) part.innerHTML = await answer.text(); // our own template: every value in it is escaped
}
