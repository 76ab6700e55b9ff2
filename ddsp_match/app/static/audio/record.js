// Records the microphone into a WAV file, without the processing meant for speech.
import { encodeWav } from "./wav.js";
import { Trouble } from "../api.js";

const REFUSED = {
  NotAllowedError: { found: "The browser was not allowed to use the microphone.", needed: "permission for this page.", try: "Allow it at the left of the address bar, or drop a sound file instead." },
  NotFoundError: { found: "No microphone was found.", needed: "a microphone or an audio interface.", try: "Plug one in, or drop a sound file instead." },
};

export class Recorder {
  constructor({ maxSeconds, onLevel, onFull }) {
    Object.assign(this, { maxSeconds, onLevel, onFull, blocks: [], n: 0 });
  }

  async start() {
    if (!navigator.mediaDevices) throw new Trouble(REFUSED.NotFoundError);
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      });
    } catch (error) {
      throw new Trouble(REFUSED[error.name] || { found: `The microphone did not start: ${error.message}` });
    }
    this.context = new AudioContext();
    await this.context.audioWorklet.addModule(new URL("./recorder-worklet.js", import.meta.url));
    this.node = new AudioWorkletNode(this.context, "ddsp-match-recorder");
    this.node.port.onmessage = ({ data }) => this.take(data);
    this.context.createMediaStreamSource(this.stream).connect(this.node);
  }

  take(channels) {
    this.blocks.push(channels);
    this.n += channels[0].length;
    let peak = 0;
    for (const value of channels[0]) peak = Math.max(peak, Math.abs(value));
    this.onLevel(peak, this.n / this.context.sampleRate);
    if (this.n >= this.maxSeconds * this.context.sampleRate) this.onFull();
  }

  close() {
    if (this.node) this.node.port.onmessage = null;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.context?.close();
  }

  // The recording; null if there is none.
  stop() {
    const sampleRate = this.context?.sampleRate;
    this.close();
    if (!this.n) return null;
    const n = Math.min(this.n, Math.floor(this.maxSeconds * sampleRate));
    const width = Math.min(...this.blocks.map((block) => block.length));
    const channels = Array.from({ length: width }, () => new Float32Array(n));
    let at = 0;
    for (const block of this.blocks) {
      for (let c = 0; c < width; c++) channels[c].set(block[c].subarray(0, Math.max(0, n - at)), Math.min(at, n));
      at += block[0].length;
    }
    // Most microphones are mono and come twice.
    const twice = width === 2 && channels[0].every((value, i) => value === channels[1][i]);
    return encodeWav(twice ? channels.slice(0, 1) : channels, sampleRate);
  }
}
