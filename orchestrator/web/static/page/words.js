// A box in words: its row, and why it is there. Only ever as text, whatever it holds.

const PERCENT = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

const HEADINGS = {
  line: (box) => `Line ${box.number}`,
  block: (box) => `Block ${box.number}`,
  separator: (box) => `Separator ${box.number}`,
  picture: (box) => `Picture ${box.number}`,
  face: (box) => `Face ${box.number}`,
  dropped: () => "Thrown away",
  trimmed: () => "Cut off the end of a line",
};

const KINDS = {
  body: "of the size of the body text",
  headline: "much taller than the body text, so a headline",
  drop_capital: "a large letter at the corner of a paragraph",
};

const WHY = {
  line: ({ row }) => `It is ${KINDS[row.kind] || "a line of text"}, read as number ${row.reading_order}: in block ${row.block_number ?? "–"}, column ${row.column_number ?? "–"} of those side by side at its height.`,
  block: ({ row }) => `${row.text_lines} lines that follow one another from line ${row.first_line}, most of them in column ${row.column_number}.`,
  separator: ({ row }) => (row.origin === "printed" ? "A rule that is printed on the page: no line of text may cross it." : "A white gutter between columns, drawn in so that no line of text crosses it."),
  picture: ({ row }) => `${row.kind === "photograph" ? "No white paper shows in it, so it is taken for a photograph" : "White paper shows in it: a drawing, or an open halftone"}; it covers ${PERCENT.format(row.share)} of the page. Lines inside pictures are doubted.`,
  face: ({ row }) => `Of such findings ${PERCENT.format(row.confidence)} are true faces (the detector's own level: ${row.level?.toFixed(2) ?? "–"}).`,
  dropped: (box) => `The step “${box.step}” took this for something else than a line of text.`,
  trimmed: (box) => `The step “${box.step}” took this end of a line for something else than text.`,
};

const CHANGES = { added: "found by", joined: "joined from pieces by", cut: "cut from a longer line by", trimmed: "an end cut off by" };

export function show(place, box, changes) {
  place.replaceChildren();
  if (box === null) {
    place.append(element("p", "Click a box to see its row and why it is there; [ and ] go from box to box.", "soft"));
    return;
  }
  place.append(element("h2", HEADINGS[box.kind](box)), element("p", WHY[box.kind](box)));
  if (changes?.length) place.append(element("p", `${capitalised(changes.map(({ step, change }) => `${CHANGES[change]} “${step}”`).join(", then "))}.`));
  place.append(rowTable(box.row));
}

export function showSteps(place, told, colour) {
  place.replaceChildren(element("h2", "Thrown away, step by step"));
  const list = element("ul", "", "facts legend");
  told.steps.forEach((step, n) => {
    const parts = [[step.added.length, "found"], [step.dropped.length, "dropped"], [step.trimmed.length, "ends cut off"], [step.joined.length, "joined"], [step.cut.length, "cut"]];
    const changes = parts.filter(([count]) => count).map(([count, word]) => `${count} ${word}`);
    if (!changes.length) return;
    const item = element("li", `${step.step}: ${changes.join(", ")}; ${step.lines} lines left`);
    if (step.dropped.length || step.trimmed.length) item.prepend(swatch(colour(n)));
    list.append(item);
  });
  if (!list.childElementCount) list.append(element("li", "No line was looked for: the page is empty."));
  place.append(list);
  place.hidden = false;
}

function rowTable(row) {
  const list = element("dl", "", "facts row");
  for (const [name, value] of Object.entries(row)) {
    list.append(element("dt", name), element("dd", said(value)));
  }
  return list;
}

function said(value) {
  if (value === null || value === undefined) return "NULL";
  if (Array.isArray(value)) return value.length > 6 ? `${value.length} points` : value.map((point) => point.join(",")).join(" ");
  return typeof value === "number" && !Number.isInteger(value) ? value.toFixed(3) : String(value);
}

function swatch(colour) {
  const mark = element("i", "", "swatch");
  mark.style.background = colour;
  return mark;
}

export function element(name, text, classes = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

const capitalised = (text) => text.charAt(0).toUpperCase() + text.slice(1);
