// One canvas over the scan: thousands of boxes are a few paths, drawn anew whenever the view moves.

const WIDTHS = { line: 1.25, block: 2, separator: 2.5, picture: 2.5, face: 3, thrown: 1.5 };
const STEP_COLOURS = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#117733", "#332288", "#000000"];
const COLUMN_COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#332288", "#882255"];
const NUMBER_PX = 11;

export const stepColour = (place) => STEP_COLOURS[place % STEP_COLOURS.length];

export class Overlay {
  // Boxes are in pixels of a scan `width` pixels wide, which a service of another host may show larger or smaller.
  constructor(viewer, width) {
    this.viewer = viewer;
    this.width = width;
    this.lineHeight = 20;
    this.boxes = [];
    this.shown = new Set();
    this.selected = null;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "overlay";
    this.canvas.setAttribute("aria-hidden", "true");
    viewer.canvas.appendChild(this.canvas);
    const style = getComputedStyle(document.documentElement);
    this.colours = Object.fromEntries(
      ["line", "block", "printed", "inserted", "picture", "face"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
    );
    for (const event of ["update-viewport", "resize", "open"]) viewer.addHandler(event, () => this.draw());
  }

  get factor() {
    const item = this.viewer.world.getItemAt(0);
    return item ? item.getContentSize().x / this.width : 1;
  }

  add(boxes) {
    this.boxes = this.boxes.concat(boxes);
    const heights = this.boxes.filter((box) => box.kind === "line").map((box) => box.height).sort((a, b) => a - b);
    this.lineHeight = heights[heights.length >> 1] ?? 20; // where lines are small, their outlines must not hide them
  }

  draw() {
    const item = this.viewer.world.getItemAt(0);
    if (!item) return;
    const { clientWidth, clientHeight } = this.viewer.canvas;
    const sharp = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(clientWidth * sharp) || this.canvas.height !== Math.round(clientHeight * sharp)) {
      this.canvas.width = Math.round(clientWidth * sharp);
      this.canvas.height = Math.round(clientHeight * sharp);
    }
    const origin = item.imageToViewerElementCoordinates(new OpenSeadragon.Point(0, 0));
    const unit = item.imageToViewerElementCoordinates(new OpenSeadragon.Point(1000 * this.factor, 0));
    this.scale = (unit.x - origin.x) / 1000;
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(sharp * this.scale, 0, 0, sharp * this.scale, sharp * origin.x, sharp * origin.y);
    this.seen = {
      left: -origin.x / this.scale, top: -origin.y / this.scale,
      right: (clientWidth - origin.x) / this.scale, bottom: (clientHeight - origin.y) / this.scale,
    };
    this._drawColumns(context);
    for (const layer of ["block", "line", "separator", "picture", "face", "thrown"]) {
      if (this.shown.has(layer)) this._drawLayer(context, layer);
    }
    this._drawNumbers(context);
    if (this.selected) this._drawSelected(context);
  }

  _visible(layer) {
    const { left, top, right, bottom } = this.seen;
    return this.boxes.filter((box) => box.layer === layer && box.x < right && box.y < bottom && box.x + box.width > left && box.y + box.height > top);
  }

  _drawLayer(context, layer) {
    const paths = new Map();
    for (const box of this._visible(layer)) {
      const colour = this._colour(box);
      if (!paths.has(colour)) paths.set(colour, new Path2D());
      this._trace(paths.get(colour), box);
    }
    const thinner = layer === "line" ? Math.min(1, Math.max(0.4, (this.lineHeight * this.scale) / 14)) : 1;
    context.lineWidth = (WIDTHS[layer] * thinner) / this.scale;
    context.lineJoin = "round";
    for (const [colour, path] of paths) {
      context.strokeStyle = colour;
      context.stroke(path);
    }
  }

  _trace(path, box) {
    const points = box.row.outline || (box.kind === "separator" && box.row.path?.length > 1 && box.row.path);
    if (!points) return path.rect(box.x, box.y, box.width, box.height);
    points.forEach(([x, y], n) => (n ? path.lineTo(x, y) : path.moveTo(x, y)));
    if (box.row.outline) path.closePath();
  }

  _colour(box) {
    if (box.kind === "separator") return this.colours[box.row.origin];
    if (box.layer === "thrown") return stepColour(box.place);
    return this.colours[box.kind];
  }

  _drawColumns(context) {
    if (!this.shown.has("column")) return;
    for (const box of this._visible("block")) {
      const number = box.row.column_number || 1;
      context.fillStyle = COLUMN_COLOURS[(number - 1) % COLUMN_COLOURS.length];
      context.globalAlpha = 0.22;
      context.fillRect(box.x, box.y, box.width, box.height);
      context.globalAlpha = 1;
      this._write(context, `column ${number}`, box.x, box.y, COLUMN_COLOURS[(number - 1) % COLUMN_COLOURS.length]);
    }
  }

  // Left of its line, and where there is no room for all of them only every tenth: so the text can still be read.
  _drawNumbers(context) {
    if (!this.shown.has("number")) return;
    for (const box of this._visible("line")) {
      const fits = box.height * this.scale >= 0.9 * NUMBER_PX;
      if (fits || box.number % 10 === 1) this._write(context, String(box.number), box.x, box.y + box.height / 2, this.colours.line, true);
    }
  }

  _write(context, text, x, y, colour, before = false) {
    const unit = 1 / this.scale;
    context.font = `${NUMBER_PX * unit}px system-ui, sans-serif`;
    context.textBaseline = "middle";
    const width = context.measureText(text).width + 4 * unit;
    const left = before ? Math.max(this.seen.left, x - width) : x;
    context.fillStyle = "rgb(255 255 255 / 80%)";
    context.fillRect(left, y - (NUMBER_PX / 2 + 1) * unit, width, (NUMBER_PX + 2) * unit);
    context.fillStyle = colour;
    context.fillText(text, left + 2 * unit, y);
  }

  _drawSelected(context) {
    const { x, y, width, height } = this.selected;
    context.fillStyle = "rgb(255 214 0 / 25%)";
    context.fillRect(x, y, width, height);
    context.strokeStyle = "#000";
    context.lineWidth = 4 / this.scale;
    context.strokeRect(x, y, width, height);
    context.strokeStyle = "#ffd600";
    context.lineWidth = 2 / this.scale;
    context.strokeRect(x, y, width, height);
  }
}
