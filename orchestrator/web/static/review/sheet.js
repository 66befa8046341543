// The page as it is looked at: scan, boxes over it, one of them selected, one that is being drawn.

import { between, boxAt } from "./boxes.js";

const SVG = "http://www.w3.org/2000/svg";
const ZOOMS = [1, 1.5, 2, 3, 4, 6];

export class Sheet {
  #zoom = 0;
  #from = null; // where the pointer went down
  #shapes = [];

  /** `events`: selected(index), drawn(box), moved(box) are called by what the pointer does. */
  constructor(element, events) {
    this.element = element;
    this.paper = element.querySelector(".paper");
    this.scan = element.querySelector("img");
    this.svg = element.querySelector("svg");
    this.events = events;
    this.page = null;
    this.boxes = [];
    this.selected = -1;
    this.drawing = null; // kind of box that the pointer draws
    this.draft = null;
    this.svg.addEventListener("pointerdown", (event) => this.#down(event));
    this.svg.addEventListener("pointermove", (event) => this.#moved(event));
    this.svg.addEventListener("pointerup", () => this.#up());
    this.svg.addEventListener("pointercancel", () => this.#drop());
  }

  /** Show a page and its boxes. */
  show(page, boxes) {
    const same = this.page?.page_run_id === page.page_run_id;
    this.page = page;
    this.svg.setAttribute("viewBox", `0 0 ${page.width} ${page.height}`);
    if (!same) {
      this.paper.style.setProperty("--ratio", String(page.width / page.height));
      this.scan.src = page.picture;
      if (ZOOMS[this.#zoom] >= 2) this.#showLarge();
      this.scan.alt = `Scan of ${page.page}`;
      this.element.scrollTo(0, 0);
    }
    this.update(boxes, same ? this.selected : -1);
  }

  /** Show other boxes of the same page. */
  update(boxes, selected = this.selected) {
    this.boxes = boxes;
    this.#shapes = boxes.map((box) => this.#shape(box));
    this.svg.replaceChildren(...this.#shapes);
    this.draft = null;
    this.select(Math.min(selected, boxes.length - 1));
  }

  /** Select a box by its index; -1 none. */
  select(at, scroll = false) {
    this.#shapes[this.selected]?.classList.remove("selected");
    this.selected = at;
    const shape = this.#shapes[at];
    shape?.classList.add("selected");
    if (scroll) shape?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** Show differences of another reading: {lost, gained, moved}, lists of [x, y, width, height]. */
  compare(found) {
    const shapes = Object.entries(found ?? {}).flatMap(([name, boxes]) => boxes.map(([x, y, width, height]) => {
      const shape = this.#shape({ x, y, width, height });
      shape.setAttribute("class", `difference ${name}`);
      return shape;
    }));
    this.svg.classList.toggle("comparing", Boolean(found));
    this.svg.querySelectorAll(".difference").forEach((shape) => shape.remove());
    this.svg.append(...shapes);
  }

  /** Put up a box that is being drawn or moved, null to take it away. */
  sketch(box) {
    this.svg.querySelector(".draft")?.remove();
    this.draft = box;
    if (!box) return;
    const shape = this.#shape(box);
    shape.classList.add("draft");
    this.svg.append(shape);
    shape.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** Make larger (1), smaller (-1), or fit the whole page (0). */
  zoom(steps) {
    const before = this.#middle();
    this.#zoom = steps ? Math.max(0, Math.min(this.#zoom + steps, ZOOMS.length - 1)) : 0;
    this.paper.style.setProperty("--zoom", String(ZOOMS[this.#zoom]));
    if (ZOOMS[this.#zoom] >= 2) this.#showLarge();
    const box = this.paper.getBoundingClientRect();
    this.element.scrollTo(before.x * box.width - this.element.clientWidth / 2, before.y * box.height - this.element.clientHeight / 2);
  }

  /** Return the middle of what is seen, in pixels of the page. */
  middleOfView() {
    const { x, y } = this.#middle();
    return { x: x * this.page.width, y: y * this.page.height };
  }

  /** Return how many pixels of the page one of the screen is. */
  get scale() {
    return this.page ? this.page.width / this.svg.getBoundingClientRect().width : 1;
  }

  /** Put the larger picture in place of the smaller one, once it is there. */
  #showLarge() {
    const { page } = this, large = new Image();
    if (!page || page.large_picture === page.picture) return;
    large.src = page.large_picture;
    large.decode().then(() => { if (page === this.page) this.scan.src = large.src; }, () => undefined);
  }

  #middle() {
    const view = this.element.getBoundingClientRect(), paper = this.paper.getBoundingClientRect();
    const share = (from, length, start, size) => Math.max(0, Math.min((from + length / 2 - start) / size, 1));
    return { x: share(view.left, view.width, paper.left, paper.width), y: share(view.top, view.height, paper.top, paper.height) };
  }

  #shape(box) {
    const shape = document.createElementNS(SVG, "rect");
    for (const name of ["x", "y", "width", "height"]) shape.setAttribute(name, box[name]);
    const states = [box.isFalse && "false", box.isDrawn && "drawn", box.isMoved && "moved"].filter(Boolean);
    shape.setAttribute("class", [box.kind, ...states].join(" "));
    return shape;
  }

  #at(event) {
    const box = this.svg.getBoundingClientRect();
    return { x: (event.clientX - box.left) * this.scale, y: (event.clientY - box.top) * this.scale };
  }

  #down(event) {
    if (!this.page || event.button) return;
    const point = this.#at(event);
    const at = this.drawing ? -1 : boxAt(this.boxes, point, 4 * this.scale);
    const takesHold = at >= 0 && at === this.selected && this.boxes[at].kind === "separator";
    if (!this.drawing) this.events.selected(at);
    if (!this.drawing && !takesHold) return; // a finger scrolls
    event.preventDefault();
    this.svg.setPointerCapture(event.pointerId);
    this.#from = { point, box: takesHold ? { ...this.boxes[at] } : null };
  }

  #moved(event) {
    if (!this.#from) return;
    const point = this.#at(event), { point: from, box } = this.#from;
    if (box) this.sketch({ ...box, x: Math.round(Math.max(0, Math.min(box.x + point.x - from.x, this.page.width - box.width))) });
    else this.sketch({ kind: this.drawing, ...between(from, point, this.page) });
  }

  #up() {
    const from = this.#from, draft = this.draft;
    this.#drop();
    if (!from || !draft) return;
    if (from.box) { if (Math.abs(draft.x - from.box.x) > 0) this.events.moved(draft); }
    else if (draft.width > 3 && draft.height > 3) this.events.drawn(draft);
  }

  #drop() {
    this.#from = null;
    this.sketch(null);
  }
}
