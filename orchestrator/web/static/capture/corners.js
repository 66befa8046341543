// The corners of a sheet over a picture, dragged with the pointer or moved with the arrow keys.

const WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]];
const NAMES = ["left upper", "right upper", "right lower", "left lower"];

/** Return a point moved by shares of the picture's size, inside of it. Pure. */
export function movedBy([x, y], dx, dy) {
  const within = (value) => Math.max(0, Math.min(value, 1));
  return [within(x + dx), within(y + dy)];
}

/** Return whether four corners make a sheet: each turns the same way. Pure. */
export function isSheet(corners) {
  const turns = corners.map((one, at) => {
    const [next, after] = [corners[(at + 1) % 4], corners[(at + 2) % 4]];
    return (next[0] - one[0]) * (after[1] - next[1]) - (next[1] - one[1]) * (after[0] - next[0]);
  });
  return turns.every((turn) => turn > 1e-4);
}

export class Corners {
  /** `element` holds an <svg> with a <polygon>, and gets four handles. */
  constructor(element) {
    this.element = element;
    this.polygon = element.querySelector("polygon");
    this.handles = NAMES.map((name, at) => this.#handle(name, at));
    element.append(...this.handles);
    this.set(null);
  }

  /** Show corners [[x, y], ...] in shares of the picture; null: those of the whole picture. */
  set(corners) {
    this.corners = (corners ?? WHOLE).map((corner) => [...corner]);
    this.#draw();
  }

  get isWhole() { return this.corners.every(([x, y], at) => Math.abs(x - WHOLE[at][0]) + Math.abs(y - WHOLE[at][1]) < 0.002); }
  get isSheet() { return isSheet(this.corners); }

  /** Return the corners as they are sent; empty for the whole picture. */
  get text() { return this.isWhole ? "" : this.corners.flat().map((share) => share.toFixed(5)).join(","); }

  #handle(name, at) {
    const handle = document.createElement("button");
    handle.type = "button";
    handle.className = "corner";
    handle.setAttribute("aria-label", `${name} corner; arrow keys move it`);
    handle.addEventListener("pointerdown", (event) => { handle.setPointerCapture(event.pointerId); handle.focus(); event.preventDefault(); });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = this.element.getBoundingClientRect();
      this.#move(at, movedBy([0, 0], (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height));
    });
    handle.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      const step = event.shiftKey ? 0.02 : 0.002;
      this.#move(at, movedBy(this.corners[at], way[0] * step, way[1] * step));
    });
    return handle;
  }

  #move(at, corner) {
    this.corners[at] = corner;
    this.#draw();
  }

  #draw() {
    this.polygon.setAttribute("points", this.corners.map(([x, y]) => `${x * 100},${y * 100}`).join(" "));
    this.polygon.classList.toggle("crossed", !this.isSheet);
    this.handles.forEach((handle, at) => {
      handle.style.setProperty("left", `${this.corners[at][0] * 100}%`);
      handle.style.setProperty("top", `${this.corners[at][1] * 100}%`);
    });
  }
}
