// The camera: asked for, looked at a few times a second, and taken from.

import { measure } from "./measure.js";

const WHOLE = [160, 120], PART = [320, 240];
const LOOK_MS = 200;
const REFUSALS = {
  NotAllowedError: "The camera may not be used: allow it for this site (the camera sign beside the address), then press Start.",
  NotFoundError: "No camera is connected; connect one and press Start, or choose a picture file.",
  OverconstrainedError: "This camera is no longer there; choose another one.",
  NotReadableError: "The camera gives no picture: another program may hold it.",
  AbortError: "The camera gives no picture: another program may hold it.",
  SecurityError: "This browser does not let pages use a camera; choose a picture file.",
};
const INSECURE = "Browsers give a camera only to https:// and to localhost; open this page so, or choose a picture file.";

export class Camera {
  #stream = null;
  #looking = null;
  #whole = canvas(WHOLE);
  #part = canvas(PART);

  /** `looked(measures)` is called a few times a second, `ended(sentence)` when there is no picture any more. */
  constructor(video, looked, ended) {
    this.video = video;
    this.looked = looked;
    this.ended = ended;
  }

  get isOn() { return this.#stream !== null; }

  /** Start a camera by its id, any one without; throws an Error with a sentence. */
  async start(deviceId = "") {
    this.stop();
    if (!navigator.mediaDevices?.getUserMedia) throw new Error(INSECURE);
    const wanted = { width: { ideal: 4096 }, height: { ideal: 3072 } };
    const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "environment" };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: { ...wanted, ...which }, audio: false });
    } catch (error) {
      throw new Error(REFUSALS[error.name] ?? `The camera cannot be used (${error.message || error.name}).`);
    }
    const [track] = this.#stream.getVideoTracks();
    track.addEventListener("ended", () => { this.stop(); this.ended("The camera was taken away; connect it and press Start."); });
    this.video.srcObject = this.#stream;
    await this.video.play();
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
  }

  stop() {
    clearInterval(this.#looking);
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.video.srcObject = null;
  }

  /** Return the cameras: [{id, name, isUsed}]. */
  async cameras() {
    const found = await navigator.mediaDevices.enumerateDevices();
    const used = this.#stream?.getVideoTracks()[0].getSettings().deviceId;
    return found.filter((one) => one.kind === "videoinput").map((one, at) => ({
      id: one.deviceId, name: one.label || `Camera ${at + 1}`, isUsed: one.deviceId === used,
    }));
  }

  /** Return the picture of this moment as a canvas of full size. */
  take() {
    const taken = canvas([this.video.videoWidth, this.video.videoHeight]);
    taken.getContext("2d").drawImage(this.video, 0, 0);
    return taken;
  }

  #look() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width || this.video.readyState < 2) return;
    this.looked(looks(this.video, width, height, this.#whole, this.#part));
  }
}

/** Return the measures of a picture: exposure of the whole made small, sharpness of its middle in full size. */
export function looks(source, width, height, whole = canvas(WHOLE), part = canvas(PART)) {
  const wide = Math.min(PART[0], width), high = Math.min(PART[1], height);
  const middle = part.getContext("2d", { willReadFrequently: true });
  middle.drawImage(source, (width - wide) / 2, (height - high) / 2, wide, high, 0, 0, wide, high);
  const all = whole.getContext("2d", { willReadFrequently: true });
  all.drawImage(source, 0, 0, ...WHOLE);
  const { sharpness } = measure(middle.getImageData(0, 0, wide, high).data, wide, high);
  return { ...measure(all.getImageData(0, 0, ...WHOLE).data, ...WHOLE), sharpness };
}

function canvas([width, height]) {
  const made = document.createElement("canvas");
  made.width = width;
  made.height = height;
  return made;
}
