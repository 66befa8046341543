// Other parameters: what they change on this page is shown before the page is read with them.

import { send } from "../sending.js";

export class Comparing {
  #done = null;
  #chosen = null;

  constructor(dialog, sheet, say) {
    this.dialog = dialog;
    this.sheet = sheet;
    this.say = say;
    this.result = dialog.querySelector(".result");
    this.go = dialog.querySelector("[data-go]");
    dialog.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button?.dataset.preset) this.#look(button.dataset.preset);
      else if (button?.dataset.go !== undefined) this.#store();
      else if (button) this.close();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close(); // the browser closes only dialogs that cover the page
      const button = /^[1-9]$/.test(event.key) ? dialog.querySelectorAll("[data-preset]")[Number(event.key) - 1] : null;
      if (!button) return;
      event.preventDefault();
      button.focus();
      this.#look(button.dataset.preset);
    });
    dialog.addEventListener("close", () => this.#end(null));
  }

  get isOpen() { return this.dialog.open; }

  /** Ask for parameters; resolves with the statement that was stored, null where nothing was. */
  open(page) {
    this.page = page;
    this.#tell("Choose one: this page is read with it, and what changes is drawn on the page.", null);
    this.dialog.show();
    this.dialog.querySelector("[data-preset]").focus();
    return new Promise((resolve) => { this.#done = resolve; });
  }

  close() {
    if (this.dialog.open) this.dialog.close();
  }

  #end(stored) {
    this.sheet.compare(null);
    this.#done?.(stored);
    this.#done = null;
    this.#chosen = null;
  }

  #tell(sentence, chosen) {
    this.#chosen = chosen;
    this.result.textContent = sentence;
    this.go.disabled = chosen === null;
    for (const button of this.dialog.querySelectorAll("[data-preset]")) {
      button.setAttribute("aria-pressed", String(button.dataset.preset === chosen));
    }
  }

  async #look(preset) {
    const about = this.page;
    this.#tell("Reading the page …", null);
    this.sheet.compare(null);
    try {
      const found = await send(`/review/pages/${about.page_run_id}/compare`, { preset });
      if (about !== this.page || !this.isOpen) return;
      this.sheet.compare(found.differences);
      this.#tell(found.told, preset);
      this.go.focus();
    } catch (error) {
      if (about === this.page) this.#tell(error.message, null);
    }
  }

  async #store() {
    const preset = this.#chosen;
    if (preset === null) return;
    try {
      const stored = await send(`/review/pages/${this.page.page_run_id}/again`, { preset });
      this.say(stored.told);
      this.#end({ verdict: "read_again", box_kind: null, box_number: null, review_id: stored.review_id });
      this.close();
    } catch (error) {
      this.#tell(error.message, preset);
    }
  }
}
