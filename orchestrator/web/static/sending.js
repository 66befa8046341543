// Writing to the server: in order, with the token of this session; what goes wrong is a sentence.

let last = Promise.resolve();
let unsent = 0; // what was said and is not known to be stored

window.addEventListener("beforeunload", (event) => { if (unsent) event.preventDefault(); }); // the browser asks first

/** Return where a page keeps the token that every write carries. */
const tokenOf = (page) => page.querySelector('meta[name="csrf-token"]');

/** Take the token of this page loaded anew, since a server that was started again knows no older one; tells whether it is another. */
async function renewToken() {
  const loaded = await fetch(location.href, { headers: { Accept: "text/html" } });
  const [known, found] = [document, new DOMParser().parseFromString(await loaded.text(), "text/html")].map(tokenOf);
  if (!known || !found || found.content === known.content) return false;
  known.content = found.content;
  return true;
}

/** Return the JSON that the server answers to what is written; throws as `ask`. */
export async function write(address, body, type, options = {}) {
  const once = () => ask(address, {
    method: "POST", body, headers: { "Content-Type": type, "X-CSRF-Token": tokenOf(document)?.content ?? "" }, ...options,
  });
  try {
    return await once();
  } catch (error) {
    if (error.status !== 403 || !(await renewToken().catch(() => false))) throw error;
    return once();
  }
}

/** Return the JSON that an address answers; throws an Error whose message is a sentence. */
export async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, { ...options, headers: { Accept: "application/json", ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Nothing more is stored until it does.");
  }
  if (!answer.ok) {
    const sentence = (await answer.text()).trim() || `The server answered ${answer.status}.`;
    throw Object.assign(new Error(sentence), { status: answer.status });
  }
  return answer.json();
}

/** Send a JSON value, after all that was sent before; resolves with the answer. */
export function send(address, value = {}) {
  unsent += 1;
  // keepalive: what is under way arrives though the page is left
  const sent = last.then(() => write(address, JSON.stringify(value), "application/json", { keepalive: true }));
  last = sent.catch(() => undefined).then(() => { unsent -= 1; }); // what failed does not keep the next from being sent
  return sent;
}

/** Send the bytes of a picture; resolves with the answer. */
export function sendPicture(address, picture) {
  return write(address, picture, picture.type || "image/jpeg");
}
