// The pages to be looked at, in order; the next ones are fetched while one is looked at.

import { ask } from "../sending.js";

const AHEAD = 3;
const KEPT = 30;

export class Queue {
  #pages = [];
  #at = -1;
  #known = new Map(); // page run -> promise of what is shown of it

  constructor(address) {
    this.address = address;
  }

  /** Fetch the list; returns how many pages there are. */
  async load() {
    const found = await ask(this.address);
    this.#pages = found.pages;
    this.#at = -1;
    return this.#pages.length;
  }

  get length() { return this.#pages.length; }
  get place() { return this.#at + 1; }
  get current() { return this.#pages[this.#at] ?? null; }

  /** Go `steps` on (back if negative); returns the page there, null behind the last. Before the first it stays. */
  move(steps) {
    this.#at = Math.max(0, Math.min(this.#at + steps, this.#pages.length));
    for (const page of this.#pages.slice(this.#at, this.#at + 1 + AHEAD)) this.fetch(page.page_run_id);
    return this.current;
  }

  /** Go to a page run, which is put in front of the current one where it is not in the list. */
  goTo(pageRun) {
    const found = this.#pages.findIndex((page) => page.page_run_id === pageRun);
    if (found < 0) this.#pages.splice(Math.max(this.#at, 0), 0, { page_run_id: pageRun, reasons: [] });
    this.#at = found < 0 ? Math.max(this.#at, 0) : found;
    return this.move(0);
  }

  /** Resolve with all that is shown of a page run, its picture loaded. */
  fetch(pageRun) {
    if (!this.#known.has(pageRun)) this.#known.set(pageRun, this.#load(pageRun));
    while (this.#known.size > KEPT) this.#known.delete(this.#known.keys().next().value);
    return this.#known.get(pageRun);
  }

  /** Forget what was fetched of a page run: something was said of it. */
  forget(pageRun) {
    this.#known.delete(pageRun);
  }

  async #load(pageRun) {
    try {
      const page = await ask(`/review/pages/${pageRun}`);
      const picture = new Image();
      picture.src = page.picture;
      await picture.decode().catch(() => { page.trouble = "The scan cannot be shown; its boxes are where they were."; });
      return page;
    } catch (error) {
      this.#known.delete(pageRun);
      throw error;
    }
  }
}
